"""What the model paints where nothing was seen before, against the true world: is it the place that was asked for, and
is there as much in it, fine and coarse. No figure here compares pixel with pixel: there is no truth of a place that
nobody has seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.evaluation.measure import Measure, reported
from bench.evaluation.pictures import Picture
from bench.evaluation.player import Player, held
from bench.evaluation.true_world import TrueWorld
from model import camera
from model.control import YAW_PX_PER_CHUNK
from model.interface import ChunkControls, Tensors
from model.walker import Walker
from model.world.conditions import SLOT_RANGES, SLOTS

# Turned by whole views: each shows nothing of the first picture, and nothing of the others.
AT_CHUNKS = tuple(turn_px // YAW_PX_PER_CHUNK for turn_px in range(camera.VIEW_W, camera.TURN_PX, camera.VIEW_W))
# Columns that are averaged before they are compared: edges, small things, large things.
SCALES_PX: Mapping[str, int] = {"fine": 1, "small": 4, "large": 16}
Read = Callable[[Picture], Tensors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Painted:
    """What is to be told of pictures of one place."""

    is_place: float  # share that the picture encoder takes for this place
    detail: Mapping[str, float]  # by scale, how much neighbours beside each other differ, 0 to 255


def detail_across(picture_HWC: Picture, scale_px: int) -> float:
    """Mean difference of the grey picture between blocks of `scale_px` columns side by side. Sky over ground has
    none, however strong its colours."""
    grey = picture_HWC.astype(np.float32).mean(-1)
    height, width = grey.shape
    blocks = grey[:, : width // scale_px * scale_px].reshape(height, -1, scale_px).mean(-1)
    return float(np.abs(np.diff(blocks, axis=1)).mean())


def painted(frames: Sequence[Picture], place: str, read: Read) -> Painted:
    values = [read(frame)["values"][SLOT_RANGES["place"]] for frame in frames]
    return Painted(
        is_place=float(np.mean([SLOTS["place"][int(np.argmax(each))] == place for each in values])),
        detail={
            name: float(np.mean([detail_across(frame, scale_px) for frame in frames]))
            for name, scale_px in SCALES_PX.items()
        },
    )


def painting_measures(player: Player, worlds_per_place: int) -> list[Measure]:
    read = player.encoder.encode_image
    made, true = {}, {}
    for place in SLOTS["place"]:
        made[place] = painted(_painted_frames(player, place, worlds_per_place), place, read)
        true[place] = painted(true_frames(place, worlds_per_place), place, read)
    return summarise(made, true, len(AT_CHUNKS) * worlds_per_place)


def summarise(made: Mapping[str, Painted], true: Mapping[str, Painted], num_per_place: int) -> list[Measure]:
    num = num_per_place * len(made)
    by_kind = {
        ("painted unseen: taken for the place asked for", "of pictures"): {name: made[name].is_place for name in made},
        ("the true world: taken for its place", "of pictures"): {name: true[name].is_place for name in made},
    } | {
        (f"painted unseen: {scale} detail against the true world's", "x"): {
            place: made[place].detail[scale] / max(true[place].detail[scale], 1e-6) for place in made
        }
        for scale in SCALES_PX
    }
    return [
        reported(name, float(np.mean(list(parts.values()))), unit, num, **parts)
        for (name, unit), parts in by_kind.items()
    ]


def _painted_frames(player: Player, place: str, num_worlds: int) -> list[Picture]:
    script = [ChunkControls(), *held(max(AT_CHUNKS), yaw=1.0)]
    frames = []
    for world in range(num_worlds):
        start = player.from_text(600 + world, f"a {place} on a clear day")
        played = player.play(start, script).frames_FHWC
        frames += [played[chunks] for chunks in AT_CHUNKS]
    return frames


def true_frames(place: str, num_worlds: int) -> list[Picture]:
    """As many pictures, of as many worlds, in the same directions."""
    frames = []
    for world in range(num_worlds):
        true = TrueWorld(place=place, seed=80_001 + world, x_m=41.0 * world)
        for chunks in AT_CHUNKS:
            walker = Walker(yaw_px=chunks * YAW_PX_PER_CHUNK)
            frames.append(true.frame(walker, [walker]))
    return frames
