"""What an event changes: who appears and where, and who is told to do what. Pure decisions.

Whoever is spoken of is the newest of their kind, in third person the character before others that fit as well; of
several, as many of the newest as are spoken of. Who is not there yet appears, and so does "a kitten" beside one that
is.
"""

from __future__ import annotations

import math
from dataclasses import replace

from model import camera
from model.actors.actor import NOBODY, THE_WALKER, Actor
from model.actors.cast import Cast, Scene
from model.actors.casting import CHARACTER, dressed, individual, likeness, look_for
from model.actors.looks import COLOURS, KINDS
from model.sampler import uniform_noise
from model.text.events import EVERYBODY, Event

MOVING = ("person", "kitten", "dog", "car", "bird")
LIVING = ("person", "kitten", "dog", "bird")
HOW_MANY = {None: 1, "two": 2, "several": 3, "all": 3}  # come into view where none are there of whom it is said
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
SEEN_RAD, GONE_RAD = 0.72, 1.1  # who crosses begins at the edge of the view, and goes on until out of it
BEHIND_M = {"car": 6.0, "bird": 0.8, "kitten": 0.8}  # several that pass: each so far behind the one before
BEHIND_COLUMNS = 9.0  # several that enter: each so far outside of the one before
AWAY_M, RISE_M = 14.0, 7.0
# What is meant for everybody is done by those who can.
ABLE = {"leave": KINDS, "crouch": LIVING, "fly": tuple(FLIGHT_M), "change": ("person",)}
# The character does, or is, this too; it comes and goes where the walker does.
OF_THE_CHARACTER = ("appear", "crouch", "stand", "change")
BY_OTHERS = ("come", "crouch", "wander", "fly")  # what "a kitten" does is done by a new one


def direct(cast: Cast, event: Event, scene: Scene) -> Cast:
    """The cast after an event."""
    if event.action is None or event.subject is None:
        return cast
    doers = _spoken_of(cast, event)
    for rank in range(_num_missing(event, doers)):
        cast, new = _brought(cast, event, event.subject, scene, rank)
        doers.append(new)
    if event.action == "pass":
        return cast
    for doer in doers:
        if (actor := cast.numbered(doer.number)) is not None:  # of too many, the oldest had to leave
            cast = _told(cast, actor, event, scene)
    return cast


def _num_missing(event: Event, doers: list[Actor]) -> int:
    """How many are still to be brought."""
    if event.action == "leave" or event.subject == EVERYBODY or (event.number == "all" and doers):
        return 0
    return max(0, HOW_MANY[event.number] - len(doers))


def _brought(cast: Cast, event: Event, kind: str, scene: Scene, rank: int) -> tuple[Cast, Actor]:
    """Somebody new. `rank`: how many came before them by the same words."""
    match event.action:
        case "pass":
            return _passing(cast, event, kind, scene, rank)
        case "come":
            return _enter(cast, event, kind, scene, rank)
        case _:
            return appear(cast, event, scene)


def appear(cast: Cast, event: Event, scene: Scene) -> tuple[Cast, Actor]:
    """Somebody new, standing where there is room in view."""
    kind = event.subject or "person"
    metres = APPEAR_M[kind] + (1.2 if scene.is_third_person else 0.0)
    column = _free_column(cast, scene, metres, is_person=kind == "person" and not scene.is_third_person)
    x_m, y_m = scene.spot(column, max(2.2, min(metres, scene.room_m(scene.eye.yaw_px + column) - 0.3)))
    return _new(cast, event, kind, scene, x_m, y_m, facing=_toward_camera(scene, column, kind, cast.next_number))


def _enter(cast: Cast, event: Event, kind: str, scene: Scene, rank: int = 0) -> tuple[Cast, Actor]:
    """Somebody new, at the side and farther off, on the way; several on the same side."""
    side = _side(scene, cast.next_number - rank)
    columns = side * (ENTER_COLUMNS + rank * BEHIND_COLUMNS)
    metres = max(3.0, min(ENTER_M, scene.room_m(scene.eye.yaw_px + columns) - 0.3))
    x_m, y_m = scene.spot(columns, metres)
    return _new(cast, event, kind, scene, x_m, y_m, facing=(scene.eye.yaw_px - side * 128) / camera.FOCAL_PX)


def _passing(cast: Cast, event: Event, kind: str, scene: Scene, rank: int = 0) -> tuple[Cast, Actor]:
    """Somebody new who crosses the view, or drives along the road toward us and past; several one behind the other."""
    start, goal = _way_past(kind, scene, _side(scene, cast.next_number - rank), rank)
    heading = math.atan2(-(goal[1] - start[1]), goal[0] - start[0])
    cast, actor = _new(cast, event, kind, scene, *start, facing=heading)
    pace = PACE.get(kind, 0.0)
    height = FLIGHT_M.get(kind, 0.0)
    passing = replace(
        actor,
        behaviour="pass",
        goal_x_m=goal[0],
        goal_y_m=goal[1],
        goal_z_m=height,
        z_m=height,
        pace=pace,
        speed=pace,
    )
    return cast.changed(passing), passing


def _way_past(kind: str, scene: Scene, side: float, rank: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """From where to where, in metres."""
    behind_m = rank * BEHIND_M.get(kind, 1.1)
    along = math.cos(scene.eye.yaw_px / camera.FOCAL_PX)
    if kind == "car" and scene.has_road and abs(along) > ALONG_ROAD:
        sign = math.copysign(1.0, along)
        y_m = scene.eye.y_m + sign * LANE_M
        return (scene.eye.x_m + sign * (ROAD_AHEAD_M + behind_m), y_m), (scene.eye.x_m - sign * 9.0, y_m)
    metres = CROSSING_M.get(kind, 4.2) + (1.0 if scene.is_third_person else 0.0)
    metres = max(2.8, min(metres, scene.room_m(scene.eye.yaw_px) - 0.6))
    aside_m = metres * math.tan(SEEN_RAD) + behind_m
    start = scene.spot(-side * math.atan2(aside_m, metres) * camera.FOCAL_PX, math.hypot(aside_m, metres))
    return start, scene.spot(side * GONE_RAD * camera.FOCAL_PX, metres / math.cos(GONE_RAD))


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
        case "change":
            return _in_other_clothes(cast, actor, event)
        case "stand":
            return cast.changed(replace(actor, target=NOBODY) if actor.is_character else actor.told("stand"))
        case _:
            return cast


def _in_other_clothes(cast: Cast, actor: Actor, event: Event) -> Cast:
    changed = replace(actor, look=dressed(actor.look, event))
    is_walker = actor.is_character or cast.character == actor.look
    return replace(cast.changed(changed), character=changed.look if is_walker else cast.character)


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
    """Who several people come to is not one of them."""
    kind = event.target or "person"
    are_alike = event.subject == EVERYBODY or (event.number is not None and event.subject == kind)
    target = cast.played if kind == "person" and are_alike else _newest(cast, kind, but=actor.number)
    return THE_WALKER if target is None else target.number


def _spoken_of(cast: Cast, event: Event) -> list[Actor]:
    """Who of those there, best first; those of the colour that is said if there are any."""
    if event.action == "pass" or (event.action == "appear" and event.which != "known"):
        return []
    if event.which == "new" and event.action in BY_OTHERS:
        return []
    if event.subject == EVERYBODY:
        able = set(ABLE.get(event.action or "", MOVING)) - {event.target}
        return [actor for actor in _newest_first(cast) if actor.look.kind in able]
    alike = _alike(cast, event)
    if event.number is None and event.target == event.subject and len(alike) < 2:  # one comes to another of its kind
        return []
    if event.colour and event.action != "change":
        alike = [actor for actor in alike if actor.look.main == COLOURS[event.colour]] or alike
    return alike if event.number == "all" else alike[: HOW_MANY[event.number]]


def _alike(cast: Cast, event: Event) -> list[Actor]:
    """Of the kind that is said, and of the figure: who fits best first, the character before others, then the
    newest."""
    alike = [actor for actor in _newest_first(cast) if actor.look.kind == event.subject]
    if event.subject != "person":
        return alike
    fits = {actor.number: likeness(actor.look, event.figure) for actor in alike}
    alike = [
        actor for actor in alike if fits[actor.number] and (event.action in OF_THE_CHARACTER or not actor.is_character)
    ]
    return sorted(alike, key=lambda actor: (fits[actor.number], actor.is_character), reverse=True)


def _newest_first(cast: Cast) -> list[Actor]:
    """Of those who are not on their way out."""
    return sorted(
        (actor for actor in cast.actors if actor.behaviour != "leave"), key=lambda actor: actor.number, reverse=True
    )


def _newest(cast: Cast, kind: str | None, but: int) -> Actor | None:
    if kind == "person" and cast.played is not None and cast.played.number != but:
        return cast.played
    alike = (actor for actor in _newest_first(cast) if actor.look.kind == kind and actor.number != but)
    return next(alike, None)


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
