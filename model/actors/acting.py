"""Actors one chunk later: what each is about becomes a goal, the motion network takes the step.

Letters: B actors.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from model import camera
from model.actors.actor import NOBODY, Actor
from model.actors.cast import Cast, Scene
from model.actors.director import FLIGHT_M, LIVING, MOVING
from model.actors.motion import CHUNK_S, Drive, MotionNetwork, Orders, Place, wrapped
from model.sampler import uniform_noise

FADE_IN, FADE_OUT = 0.34, 0.10  # of an actor's presence, per chunk
FADE_FROM_M, DROP_M = 9.0, 32.0  # who leaves fades from here; who is left behind farther than this is forgotten
BESIDE_M = {"car": 2.6}  # how far beside somebody to stop
BESIDE_USUAL_M, PETTING_M = 0.75, 0.62
BESIDE_NEXT_M = 0.7  # from one that came to the next
WALKER_AHEAD_M = 3.4  # in first person, who comes to the walker stops here
ABREAST_PX = (0.0, 30.0, -30.0, 52.0, -52.0, 15.0)  # several of them, columns to the right of the middle
STRIDE_M = {"person": 1.4, "kitten": 0.75, "dog": 1.1, "car": 2.3, "bird": 0.6}
IDLE_HZ, FLAP_HZ = 0.5, 3.1
WANDER_CHUNKS = 38  # a new goal as often
STILL_M_PER_S, STILL_RAD = 0.06, 0.03  # the network's rest: less than this is standing
CROUCH_PER_CHUNK = 0.16
WALL_GAP_M = 0.3  # between who walks and what stands in the way
IN_THE_AIR_M = 0.5
HEADING_EASE = 0.35  # of the way to where the walker goes, per chunk

_PLACE = ("x_m", "y_m", "heading_rad", "speed", "crouch", "z_m")


def act(cast: Cast, scene: Scene, motion: MotionNetwork, walker_moved: tuple[float, float]) -> Cast:
    """Everybody's next step. Who has faded away or was left far behind is forgotten."""
    aimed = [_aimed(actor, cast, scene) for actor in cast.actors]
    moving = [actor for actor in aimed if actor.look.kind in MOVING and not actor.is_character]
    stepped = {actor.number: actor for actor in _driven(moving, cast, scene, motion)}
    actors = [stepped.get(actor.number, actor) for actor in aimed]
    actors = [_played(actor, scene, walker_moved) if actor.is_character else _still(actor) for actor in actors]
    actors = [_faded(actor, scene) for actor in actors]
    return replace(cast, actors=tuple(actor for actor in actors if _stays(actor, scene)))


def _aimed(actor: Actor, cast: Cast, scene: Scene) -> Actor:
    """With the goal of this chunk."""
    match actor.behaviour:
        case "stand":
            return _resting(actor)
        case "crouch":
            other = cast.numbered(actor.target)
            return (
                _resting(actor)
                if other is None
                else replace(actor, goal_x_m=other.x_m, goal_y_m=other.y_m, goal_z_m=0.0)
            )
        case "come":
            x_m, y_m = _beside(actor, cast, scene)
            return replace(actor, goal_x_m=x_m, goal_y_m=y_m, goal_z_m=0.0)
        case "wander" | "fly" if (
            scene.chunk_idx - actor.born_chunk
        ) % WANDER_CHUNKS == 0 and actor.look.kind in MOVING:
            noise = uniform_noise(scene.seed, scene.chunk_idx, f"wander/{actor.number}", (3,)).tolist()
            x_m, y_m = scene.spot(70 * (noise[0] - 0.5), 2.6 + 2.6 * noise[1])
            height = FLIGHT_M.get(actor.look.kind, 0.0) * (0.7 + 0.6 * noise[2])
            return replace(actor, goal_x_m=x_m, goal_y_m=y_m, goal_z_m=height)
        case _:
            return actor


def _resting(actor: Actor) -> Actor:
    """Aimed at what is before it, so that it keeps looking there; `_orders` lets it stop short."""
    ahead = (actor.x_m + 0.5 * math.cos(actor.heading_rad), actor.y_m - 0.5 * math.sin(actor.heading_rad))
    return replace(actor, goal_x_m=ahead[0], goal_y_m=ahead[1], goal_z_m=0.0)


def _beside(actor: Actor, cast: Cast, scene: Scene) -> tuple[float, float]:
    """Beside whom it comes to, on the side it comes from, so that both are seen; behind those who came before it."""
    other = cast.numbered(actor.target)
    before = [
        each
        for each in cast.actors
        if (each.behaviour, each.target) == ("come", actor.target) and each.number < actor.number
    ]
    if other is None:
        return scene.spot(ABREAST_PX[len(before) % len(ABREAST_PX)], WALKER_AHEAD_M)
    side = _side_of(actor, other, scene)
    nearer = [each for each in before if _side_of(each, other, scene) == side]
    gap_m = BESIDE_M.get(actor.look.kind, BESIDE_USUAL_M) + sum(
        2 * BESIDE_M.get(each.look.kind, BESIDE_NEXT_M / 2) for each in nearer
    )
    right = scene.eye.yaw_px / camera.FOCAL_PX + math.pi / 2
    return other.x_m + side * gap_m * math.cos(right), other.y_m - side * gap_m * math.sin(right)


def _side_of(actor: Actor, other: Actor, scene: Scene) -> float:
    return math.copysign(1.0, scene.column(actor.x_m, actor.y_m) - scene.column(other.x_m, other.y_m))


def _driven(actors: list[Actor], cast: Cast, scene: Scene, motion: MotionNetwork) -> list[Actor]:
    if not actors:
        return []
    place = Place(*(_column([getattr(actor, name) for actor in actors]) for name in _PLACE))
    orders = Orders(*(_column(list(field)) for field in zip(*(_orders(actor, cast) for actor in actors), strict=True)))
    after = place.after(_settled(motion(place, orders), place, orders))
    stepped = [
        replace(actor, **dict(zip(_PLACE, row, strict=True)), phase_rad=_phase(actor, row[3]))
        for actor, row in zip(actors, torch.stack(after, 1).tolist(), strict=True)
    ]
    return [_kept_out(*steps, scene) for steps in zip(actors, stepped, strict=True)]


def _kept_out(before: Actor, after: Actor, scene: Scene) -> Actor:
    """Nobody walks into what the picture shows: who would, stops before it. Behind it there is a way again, for
    who passes on its far side; and who leaves may vanish into a house."""
    if after.behaviour in ("pass", "leave") or after.z_m > IN_THE_AIR_M:
        return after
    was_m, is_m = scene.distance_m(before), scene.distance_m(after)
    if is_m <= was_m:
        return after
    room_m = scene.room_m(scene.eye.yaw_px + scene.column(after.x_m, after.y_m)) - WALL_GAP_M
    if not was_m <= room_m < is_m:
        return after
    return replace(after, x_m=before.x_m, y_m=before.y_m, speed=0.0)


def _column(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def _orders(actor: Actor, cast: Cast) -> tuple[float, ...]:
    """One actor's part of `Orders`."""
    crouches = actor.behaviour == "crouch" and actor.look.kind in LIVING
    stop_m = 0.15
    if actor.behaviour == "stand" or (actor.behaviour == "crouch" and cast.numbered(actor.target) is None):
        stop_m = 0.7
    elif actor.behaviour == "crouch":
        stop_m = PETTING_M
    goal = (actor.goal_x_m, actor.goal_y_m, actor.goal_z_m)
    return *goal, stop_m, max(actor.pace, 0.5), float(crouches), float(actor.look.kind == "car")


def _settled(drive: Drive, place: Place, orders: Orders) -> Drive:
    """Whoever is there and hardly moves stands still, instead of creeping for ever."""
    left = torch.hypot(orders.goal_x_B - place.x_B, orders.goal_y_B - place.y_B) - orders.stop_m_B
    is_slow = (left < 0.12) & (place.speed_B + drive.speed_change_B < STILL_M_PER_S + 0.1 * orders.pace_B)
    small_turn = is_slow & (drive.turn_B.abs() < STILL_RAD)
    small_crouch = drive.crouch_change_B.abs() < 0.004
    at_height = (orders.goal_z_B - place.z_B).abs() < 0.03
    return Drive(
        torch.where(is_slow, -place.speed_B, drive.speed_change_B),
        torch.where(small_turn | (is_slow & (orders.stop_m_B < 0.2)), torch.zeros(()), drive.turn_B),
        torch.where(small_crouch, torch.zeros(()), drive.crouch_change_B),
        torch.where(at_height, orders.goal_z_B - place.z_B, drive.climb_B),
    )


def _phase(actor: Actor, speed: float) -> float:
    flies = actor.look.kind == "bird" and actor.z_m > 0.1
    turns = FLAP_HZ * CHUNK_S if flies else speed * CHUNK_S / STRIDE_M.get(actor.look.kind, 1.0)
    if actor.look.kind in ("kitten", "dog") and speed < 0.2:
        turns += IDLE_HZ * CHUNK_S  # the tail
    return (actor.phase_rad + 2 * math.pi * turns) % (2 * math.pi)


def _still(actor: Actor) -> Actor:
    """What does not walk sways, splashes or hovers."""
    if actor.look.kind in MOVING:
        return actor
    phase = (actor.phase_rad + 2 * math.pi * IDLE_HZ * CHUNK_S) % (2 * math.pi)
    if actor.look.kind != "balloon":
        return replace(actor, phase_rad=phase)
    rise = max(-0.06, min(0.06, actor.goal_z_m - actor.z_m))
    x_m, y_m = actor.x_m, actor.y_m
    if actor.behaviour == "pass":
        far = math.hypot(actor.goal_x_m - x_m, actor.goal_y_m - y_m)
        share = min(1.0, actor.pace * CHUNK_S / max(far, 1e-6))
        x_m, y_m = x_m + share * (actor.goal_x_m - x_m), y_m + share * (actor.goal_y_m - y_m)
    return replace(actor, phase_rad=phase, z_m=actor.z_m + rise, x_m=x_m, y_m=y_m)


def _played(actor: Actor, scene: Scene, moved: tuple[float, float]) -> Actor:
    """The character goes where the walker goes, and stands up to go."""
    step_m = math.hypot(*moved)
    heading, target = actor.heading_rad, actor.target
    if step_m > 1e-6:
        toward = math.atan2(-moved[1], moved[0])
        heading += HEADING_EASE * wrapped(torch.tensor(toward - heading, dtype=torch.float64)).item()
        target = NOBODY
    change = CROUCH_PER_CHUNK if target != NOBODY else -CROUCH_PER_CHUNK
    phase = (actor.phase_rad + 2 * math.pi * step_m / STRIDE_M["person"]) % (2 * math.pi)
    return replace(
        actor,
        x_m=scene.walker.x_m,
        y_m=scene.walker.y_m,
        z_m=0.0,
        heading_rad=heading,
        target=target,
        speed=step_m / CHUNK_S,
        crouch=max(0.0, min(1.0, actor.crouch + change)),
        phase_rad=phase,
    )


def _faded(actor: Actor, scene: Scene) -> Actor:
    change = -FADE_OUT if _is_going(actor, scene) else FADE_IN
    return replace(actor, presence=max(0.0, min(1.0, actor.presence + change)))


def _is_going(actor: Actor, scene: Scene) -> bool:
    if actor.behaviour == "leave":
        return actor.look.kind not in MOVING or scene.distance_m(actor) > FADE_FROM_M or actor.z_m > 3.0
    if actor.behaviour == "pass":
        return math.hypot(actor.goal_x_m - actor.x_m, actor.goal_y_m - actor.y_m) < 1.2
    return actor.z_m > 5.0


def _stays(actor: Actor, scene: Scene) -> bool:
    if actor.is_character:
        return True
    gone = actor.presence <= 0.0 and _is_going(actor, scene)
    return not gone and scene.distance_m(actor) < DROP_M
