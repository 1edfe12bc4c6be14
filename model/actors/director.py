"""What an event changes: who appears and where, and who is told to do what. Pure decisions.

Whoever is spoken of is the newest of their kind, in third person the character before anybody;
who is not there yet appears.
"""

from __future__ import annotations

import math
from dataclasses import replace

from model import camera
from model.actors.actor import NOBODY, THE_WALKER, Actor
from model.actors.cast import Cast, Scene
from model.actors.casting import CHARACTER, individual, look_for
from model.actors.looks import COLOURS
from model.sampler import uniform_noise
from model.text.events import Event

MOVING = ("person", "kitten", "dog", "car", "bird")
LIVING = ("person", "kitten", "dog", "bird")
# Where something appears: metres before the camera, so that all of it is seen and it is large.
APPEAR_M = {
    "person": 3.6,
    "kitten": 3.5,
    "dog": 3.7,
    "umbrella": 4.2,
    "lamp": 5.4,
    "car": 6.0,
    "tree": 6.8,
    "fountain": 5.0,
    "bird": 3.5,
    "balloon": 3.6,
}
COLUMNS = (0.0, -20.0, 20.0, -36.0, 36.0)  # where it may stand, from the middle of the view
APART_PX = 15.0  # who stands nearer than this to another's column hides it
ENTER_M, ENTER_COLUMNS = 6.5, 42.0  # whoever comes enters from this far, at the side
PACE = {"person": 1.5, "kitten": 1.8, "dog": 2.2, "car": 4.6, "bird": 3.2, "balloon": 0.8}
RUN = {"person": 2.4, "kitten": 2.9, "dog": 3.2, "car": 4.0, "bird": 3.2, "balloon": 0.8}
STROLL = {"person": 0.9, "kitten": 1.0, "dog": 1.3, "car": 3.0, "bird": 2.0, "balloon": 0.5}
FLIGHT_M = {"bird": 1.5, "balloon": 0.25}
ROAD_AHEAD_M, LANE_M = 15.0, 1.9  # an oncoming car begins here, on the other lane
ALONG_ROAD = 0.7  # cosine between view and road from which one looks along it
CROSSING_M = {"car": 7.0}
AWAY_M, RISE_M = 14.0, 7.0


def direct(cast: Cast, event: Event, scene: Scene) -> Cast:
    """The cast after an event."""
    kind = event.subject
    if event.action is None or kind is None:
        return cast
    if event.action == "pass":
        return _passing(cast, event, kind, scene)
    found = None if event.action == "appear" else _spoken_of(cast, event, kind)
    if found is None and event.action == "leave":
        return cast
    if found is None:
        far = event.action == "come"
        cast, found = _enter(cast, event, kind, scene) if far else appear(cast, event, scene)
    return _told(cast, found, event, scene)


def appear(cast: Cast, event: Event, scene: Scene) -> tuple[Cast, Actor]:
    """Somebody new, standing where there is room in view."""
    kind = event.subject or "person"
    metres = APPEAR_M[kind] + (1.2 if scene.is_third_person else 0.0)
    column = _free_column(cast, scene, metres, is_person=kind == "person" and not scene.is_third_person)
    x_m, y_m = scene.spot(column, max(2.2, min(metres, scene.room_m(scene.eye.yaw_px + column) - 0.3)))
    return _new(cast, event, kind, scene, x_m, y_m, facing=_toward_camera(scene, column, kind, cast.next_number))


def _enter(cast: Cast, event: Event, kind: str, scene: Scene) -> tuple[Cast, Actor]:
    """Somebody new, at the side and farther off, on the way."""
    side = _side(scene, cast.next_number)
    columns = side * ENTER_COLUMNS
    metres = max(3.0, min(ENTER_M, scene.room_m(scene.eye.yaw_px + columns) - 0.3))
    x_m, y_m = scene.spot(columns, metres)
    return _new(cast, event, kind, scene, x_m, y_m, facing=(scene.eye.yaw_px - side * 128) / camera.FOCAL_PX)


def _passing(cast: Cast, event: Event, kind: str, scene: Scene) -> Cast:
    """Somebody new who crosses the view, or drives along the road toward us and past."""
    side = _side(scene, cast.next_number)
    along = math.cos(scene.eye.yaw_px / camera.FOCAL_PX)
    if kind == "car" and scene.has_road and abs(along) > ALONG_ROAD:
        sign = math.copysign(1.0, along)
        x_m, y_m = scene.eye.x_m + sign * ROAD_AHEAD_M, scene.eye.y_m + sign * LANE_M
        goal = (scene.eye.x_m - sign * 9.0, y_m)
    else:
        metres = CROSSING_M.get(kind, 4.2) + (1.0 if scene.is_third_person else 0.0)
        metres = max(2.8, min(metres, scene.room_m(scene.eye.yaw_px) - 0.6))
        far = metres / math.cos(0.72)
        x_m, y_m = scene.spot(-side * 0.72 * camera.FOCAL_PX, far)
        end = scene.spot(side * 1.1 * camera.FOCAL_PX, metres / math.cos(1.1))
        goal = (end[0], end[1])
    heading = math.atan2(-(goal[1] - y_m), goal[0] - x_m)
    cast, actor = _new(cast, event, kind, scene, x_m, y_m, facing=heading)
    pace = PACE.get(kind, 0.0)
    height = FLIGHT_M.get(kind, 0.0)
    return cast.changed(
        replace(
            actor,
            behaviour="pass",
            goal_x_m=goal[0],
            goal_y_m=goal[1],
            goal_z_m=height,
            z_m=height,
            pace=pace,
            speed=pace,
        )
    )


def _told(cast: Cast, actor: Actor, event: Event, scene: Scene) -> Cast:
    """Somebody who is there, with what the event tells them to do."""
    match event.action:
        case "come":
            target = _target_of(cast, event, actor)
            return cast.changed(
                actor.told("come", target, RUN.get(actor.look.kind, 1.0)) if not actor.is_character else actor
            )
        case "crouch":
            return _crouching(cast, actor, event, scene)
        case "leave":
            return cast if actor.is_character else cast.changed(_leaving(actor, scene))
        case "wander" | "fly" if not actor.is_character:
            behaviour = event.action if actor.look.kind in FLIGHT_M or event.action == "wander" else "wander"
            height = (
                RISE_M if (event.action, actor.look.kind) == ("fly", "balloon") else FLIGHT_M.get(actor.look.kind, 0.0)
            )
            told = actor.told(behaviour, pace=STROLL.get(actor.look.kind, 1.0))
            return cast.changed(replace(told, goal_x_m=actor.x_m, goal_y_m=actor.y_m, goal_z_m=height))
        case "stand":
            return cast.changed(replace(actor, target=NOBODY) if actor.is_character else actor.told("stand"))
        case _:
            return cast


def _crouching(cast: Cast, actor: Actor, event: Event, scene: Scene) -> Cast:
    """To crouch beside somebody; who is to be petted comes to the character, and waits for anybody else."""
    pet = _newest(cast, event.target, but=actor.number) if event.target else None
    if event.target in LIVING and pet is None:
        cast, pet = _enter(cast, Event(action="appear", subject=event.target), event.target, scene)
    if pet is None:
        return cast.changed(replace(actor, target=actor.number) if actor.is_character else actor.told("crouch"))
    if actor.is_character:
        cast = cast.changed(replace(actor, target=pet.number))
        return cast.changed(pet.told("come", actor.number, RUN.get(pet.look.kind, 1.0)))
    if pet.look.kind in LIVING and not pet.is_character:
        cast = cast.changed(pet.told("stand"))
    return cast.changed(actor.told("crouch", pet.number, PACE.get(actor.look.kind, 1.0)))


def _leaving(actor: Actor, scene: Scene) -> Actor:
    column = scene.column(actor.x_m, actor.y_m)
    x_m, y_m = scene.spot(column + math.copysign(40.0, column), AWAY_M)
    told = actor.told("leave", pace=RUN.get(actor.look.kind, 1.0))
    height = RISE_M if actor.look.kind in FLIGHT_M else 0.0
    return replace(told, goal_x_m=x_m, goal_y_m=y_m, goal_z_m=height)


def _target_of(cast: Cast, event: Event, actor: Actor) -> int:
    target = _newest(cast, event.target or "person", but=actor.number)
    if target is None:
        return THE_WALKER
    return target.number


def _spoken_of(cast: Cast, event: Event, kind: str) -> Actor | None:
    """The newest of a kind, of the colour that is said if there is one."""
    if kind == "person" and cast.played is not None:
        return cast.played
    alike = [actor for actor in cast.actors if actor.look.kind == kind and actor.behaviour != "leave"]
    if event.target == kind and len(alike) < 2:  # one comes to another of its kind
        return None
    if event.colour:
        alike = [actor for actor in alike if actor.look.main == COLOURS[event.colour]] or alike
    return max(alike, key=lambda actor: actor.number, default=None)


def _newest(cast: Cast, kind: str | None, but: int) -> Actor | None:
    if kind == "person" and cast.played is not None and cast.played.number != but:
        return cast.played
    alike = [
        actor for actor in cast.actors if actor.look.kind == kind and actor.number != but and actor.behaviour != "leave"
    ]
    return max(alike, key=lambda actor: actor.number, default=None)


def _new(
    cast: Cast, event: Event, kind: str, scene: Scene, x_m: float, y_m: float, *, facing: float
) -> tuple[Cast, Actor]:
    number = cast.next_number
    look = look_for(event, kind, scene.seed, scene.chunk_idx, number)
    actor = Actor(
        look=look,
        latent=individual(scene.seed, scene.chunk_idx, number),
        number=number,
        born_chunk=scene.chunk_idx,
        x_m=x_m,
        y_m=y_m,
        z_m=FLIGHT_M.get(kind, 0.0) if event.action == "fly" else 0.0,
        heading_rad=facing,
        goal_x_m=x_m,
        goal_y_m=y_m,
        pace=STROLL.get(kind, 1.0),
    )
    if kind == "person" and cast.character is None:
        cast = replace(cast, character=look)
    return cast.joined(actor), actor


def play_character(cast: Cast, scene: Scene, body: Actor | None) -> Cast:
    """The character comes into view: somebody who is there already, or as described, or as noise has it."""
    if body is not None:
        played = replace(body, behaviour="played", target=NOBODY)
        return replace(cast.changed(played), character=body.look)
    look = cast.character or look_for(CHARACTER, "person", scene.seed, 0, -1)
    actor = Actor(
        look=look,
        latent=individual(scene.seed, 0, -1),
        number=cast.next_number,
        born_chunk=scene.chunk_idx,
        x_m=scene.walker.x_m,
        y_m=scene.walker.y_m,
        heading_rad=scene.walker.yaw_px / camera.FOCAL_PX,
        behaviour="played",
    )
    return replace(cast.joined(actor), character=look)


def body_for(cast: Cast, scene: Scene) -> Actor | None:
    """Somebody standing before the camera whom the walker may become."""
    people = [
        actor
        for actor in cast.actors
        if actor.look.kind == "person"
        and actor.behaviour in ("stand", "crouch", "come")
        and 2.4 <= scene.distance_m(actor) <= 6.0
        and abs(scene.column(actor.x_m, actor.y_m)) <= 24
    ]
    return min(people, key=scene.distance_m, default=None)


def _free_column(cast: Cast, scene: Scene, metres: float, *, is_person: bool) -> float:
    """Where nobody stands before or behind, and where there is room; the first is best."""
    taken = [scene.column(actor.x_m, actor.y_m) for actor in cast.actors]
    columns = COLUMNS if is_person else (*COLUMNS[1:], COLUMNS[0])
    if _side(scene, cast.next_number) < 0:
        columns = tuple(-column for column in columns)
    free = [column for column in columns if all(abs(column - other) >= APART_PX for other in taken)] or list(columns)
    return max(free, key=lambda column: min(metres, scene.room_m(scene.eye.yaw_px + column) - 0.3))


def _toward_camera(scene: Scene, column: float, kind: str, number: int) -> float:
    """Half turned to the camera, so that more than a face or a side is seen."""
    turned = 128 if kind in ("car", "bird") else 186
    return (scene.eye.yaw_px + column + _side(scene, number) * turned) / camera.FOCAL_PX


def _side(scene: Scene, number: int) -> float:
    return 1.0 if uniform_noise(scene.seed, scene.chunk_idx, f"side/{number}", (1,)).item() < 0.5 else -1.0
