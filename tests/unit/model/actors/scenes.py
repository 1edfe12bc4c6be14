"""A meadow without obstacles, and sessions of the shipped actor networks in it."""

from __future__ import annotations

from functools import cache

from model.actors.acting import act
from model.actors.cast import Cast, Scene
from model.actors.networks import ActorNetworks, load_networks
from model.presets import WEIGHTS_FOLDER
from model.text.events import Event
from model.walker import Walker

GIRL = Event(action="appear", subject="person", figure="girl", colour="red")
KITTEN_COMES = Event(action="come", subject="kitten", target="person")
PETTING = Event(action="crouch", subject="person", figure="girl", target="kitten")


@cache
def networks() -> ActorNetworks:
    return load_networks(WEIGHTS_FOLDER / "pearl-xs" / "actors.safetensors")


def scene(chunk_idx: int = 0, *, room_m: float = 50.0, has_road: bool = False, walker: Walker | None = None) -> Scene:
    walker = walker or Walker()
    return Scene(
        seed=5,
        chunk_idx=chunk_idx,
        walker=walker,
        eye=walker,
        is_third_person=False,
        has_road=has_road,
        room_m=lambda _: room_m,
    )


def played_on(cast: Cast, chunks: int, first_chunk: int = 0) -> Cast:
    for chunk in range(first_chunk, first_chunk + chunks):
        cast = act(cast, scene(chunk), networks().motion, (0.0, 0.0))
    return cast
