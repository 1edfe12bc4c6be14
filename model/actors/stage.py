"""What moves by itself in a session: the camera, the character and everybody else, chunk by chunk.

Two calls a chunk. `move` comes before the place is painted: perspective, the camera's own moves and
the walker's steps. `perform` comes after: events, everybody's next step, and their pictures in the view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from model import camera
from model.actors.acting import act
from model.actors.cast import Cast, Scene
from model.actors.compositor import NEAREST_M, composite
from model.actors.director import body_for, direct, play_character
from model.actors.gallery import Gallery
from model.actors.networks import ActorNetworks
from model.actors.voices import voices_of
from model.interface import ChunkControls, Tensors
from model.rig import BEHIND_M, PERSPECTIVES, ahead_of, carried_on, step_in, step_out
from model.session import PearlState
from model.text.events import Event, event_of
from model.walker import Walker, advance, clearance_m
from model.world.conditions import SLOT_RANGES, SLOTS

ROAD_PLACES = [SLOTS["place"].index(place) for place in ("street", "city")]
BODY_ROOM_M = 0.9  # the character keeps this far from what is before it


class Stage:
    def __init__(self, networks: ActorNetworks, chunk_s: float) -> None:
        self._motion, self._gallery, self._chunk_s = networks.motion, Gallery(networks.appearance), chunk_s

    def set(self, state: PearlState, prompt: Tensors | None) -> None:
        """Whoever the world's words speak of is there from the start."""
        for event in events_in([prompt] if prompt is not None else []):
            state.cast = direct(state.cast, _standing(event), _scene(state))
            self._ask_camera(state, event.perspective, event.camera)

    def move(self, state: PearlState, controls: ChunkControls) -> tuple[float, float]:
        """Perspective, camera and walker one chunk later. Returns how far the walker's own steps led, in metres."""
        for event in events_in(controls.directives):
            self._ask_camera(state, event.perspective, event.camera)
        self._ask_camera(state, controls.perspective, controls.camera)
        canvas, at = state.memory.last_canvas()
        before = state.walker
        after = advance(before, controls, self._chunk_s, canvas, at, state.rig.back_m)
        room_m = clearance_m(canvas, at, float(after.yaw_px)) - NEAREST_M
        state.rig, state.walker = carried_on(state.rig, after, after.walked_m != before.walked_m, room_m)
        return after.x_m - before.x_m, after.y_m - before.y_m

    def perform(
        self, state: PearlState, controls: ChunkControls, moved: tuple[float, float], maps_MHW: Tensor
    ) -> Tensor:
        """Everybody's next step on a painted canvas. Returns the view's maps with them in it."""
        scene = _scene(state, maps_MHW)
        for event in events_in(controls.directives):
            state.cast = direct(state.cast, event, scene)
        state.cast = _without_self(state.cast, state)
        row, column = scene.eye.view_offset
        view_MHW = maps_MHW[:, row : row + camera.VIEW_H, column : column + camera.VIEW_W]
        if not state.cast.actors:
            return view_MHW
        state.cast = act(state.cast, scene, self._motion, moved)
        return composite(view_MHW, row, state.cast, scene, self._gallery)

    @staticmethod
    def heard(state: PearlState) -> NDArray[np.float32]:
        """The voices of this chunk, after it was performed (model.actors.voices)."""
        return voices_of(state.cast, _scene(state))

    @staticmethod
    def _ask_camera(state: PearlState, perspective: str | None, move: str | None) -> None:
        if perspective is not None:
            _take_perspective(state, perspective)
        if move is not None:
            state.rig = state.rig.moving(move)


def events_in(directives: Sequence[Tensors]) -> list[Event]:
    """What the directives ask for, in order."""
    events = [event_of(directive["events"]) for directive in directives if "events" in directive]
    return [event for event in events if not event.is_nothing]


def _standing(event: Event) -> Event:
    """Whoever a world begins with stays: "a girl walks down a street" is a girl to follow, not one who passes."""
    return replace(event, action="appear") if event.subject == "person" and event.action else event


def _take_perspective(state: PearlState, perspective: str) -> None:
    if perspective not in PERSPECTIVES:
        raise ValueError(f"perspective must be one of {PERSPECTIVES}, not {perspective!r}")
    if perspective == "first_person":
        state.rig = step_in(state.rig)
    elif not state.rig.is_third_person:
        _show_character(state)


def _show_character(state: PearlState) -> None:
    """Somebody before the camera becomes the walker; or the walker steps out before the camera."""
    scene = _scene(state)
    seen = state.cast.played
    body = body_for(state.cast, scene) if seen is None else None
    if body is None:
        room_m = BEHIND_M if seen else scene.room_m(scene.eye.yaw_px) - BODY_ROOM_M
        state.rig, state.walker = step_out(state.rig, state.walker, room_m)
    else:
        yaw_px = scene.eye.yaw_px + round(scene.column(body.x_m, body.y_m))
        toward = replace(scene.eye, yaw_px=yaw_px)
        distance_m = scene.distance_m(body)
        x_m, y_m = ahead_of(toward, distance_m)
        state.rig = replace(state.rig, perspective="third_person", back_m=distance_m, pan_px=0)
        state.walker = replace(toward, x_m=x_m, y_m=y_m)
    if seen is None:
        state.cast = play_character(state.cast, _scene(state), body)


def _without_self(cast: Cast, state: PearlState) -> Cast:
    """Once the camera is at the walker's eye again, the walker is not seen."""
    played = cast.played
    if played is None or state.rig.is_third_person or state.rig.back_m > NEAREST_M:
        return cast
    return cast.without(played.number)


def _scene(state: PearlState, maps_MHW: Tensor | None = None) -> Scene:
    """The place as the canvas shows it: this chunk's, or the last one where it is not painted yet."""
    eye: Walker = state.rig.eye(state.walker)
    canvas, at = (maps_MHW, eye.standpoint) if maps_MHW is not None else state.memory.last_canvas()
    place = int(state.conditions_V[SLOT_RANGES["place"]].argmax())
    return Scene(
        seed=state.seed,
        chunk_idx=state.chunk_idx,
        walker=state.walker,
        eye=eye,
        is_third_person=state.rig.is_third_person,
        has_road=place in ROAD_PLACES,
        room_m=partial(clearance_m, canvas, at),
    )
