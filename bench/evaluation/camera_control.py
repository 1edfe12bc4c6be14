"""Do keys move the camera as they should: against the true world, and by direction alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.measure import Measure, at_least, reported
from bench.evaluation.pictures import Picture, growth, psnr_db, shift_px
from bench.evaluation.player import Player, Start, held
from bench.evaluation.true_world import TrueWorld, walkers_of
from model.interface import CameraPose, ChunkControls
from model.world.conditions import SLOTS

AT_CHUNKS = (1, 8, 32)
MOVES: Mapping[str, Mapping[str, float]] = {
    "walking ahead": {"forward": 1.0},
    "walking and turning": {"forward": 1.0, "yaw": 0.25},
    "turning right": {"yaw": 1.0},
    "turning left": {"yaw": -1.0},
    "stepping right": {"strafe": 1.0},
}
NUM_DIRECTIONS = 200
GAIN_DB, DIRECTION_SHARE = 3.0, 0.98
# Turned pictures move by 4 columns a chunk, walked ones grow; seen over this many chunks.
TURN_CHUNKS, WALK_CHUNKS = 1, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One world under one move: how near to the truth, and how near the first picture still is."""

    move: str
    generated_db: Mapping[int, float]  # by chunks played
    repeated_db: Mapping[int, float]


def compare(move: str, true_frames: Mapping[int, Picture], generated: Mapping[int, Picture]) -> Comparison:
    """`true_frames` at chunk 0 too: the picture the session started from."""
    return Comparison(
        move=move,
        generated_db={chunks: psnr_db(generated[chunks], true_frames[chunks]) for chunks in generated},
        repeated_db={chunks: psnr_db(true_frames[0], true_frames[chunks]) for chunks in generated},
    )


def camera_measures(player: Player, num_worlds: int) -> list[Measure]:
    read = [_compare_world(player, world, move, is_read=True) for world, move in _cases(num_worlds)]
    told = [_compare_world(player, world, move, is_read=False) for world, move in _cases(num_worlds)]
    return [*summarise("from its picture", read), *summarise("from its maps", told)]


def _cases(num_worlds: int) -> list[tuple[TrueWorld, str]]:
    places = SLOTS["place"]
    worlds = [
        TrueWorld(place=places[idx % len(places)], seed=70_001 + idx, x_m=37.0 * idx) for idx in range(num_worlds)
    ]
    return [(world, move) for world in worlds for move in MOVES]


def _compare_world(player: Player, world: TrueWorld, move: str, *, is_read: bool) -> Comparison:
    """`is_read`: the session starts from the true picture, else from what a perfect encoder would read in it."""
    # The first chunk shows the start itself.
    script = [ChunkControls(), *held(max(AT_CHUNKS), **MOVES[move])]
    walkers = walkers_of(script, player.info.chunk_duration_s)[1:]
    true_frames = {chunks: world.frame(walkers[chunks], walkers) for chunks in (0, *AT_CHUNKS)}
    image = player.encoder.encode_image(true_frames[0]) if is_read else world.reading(walkers[0], walkers)
    frames = player.play(Start(seed=world.seed, image=image), script).frames_FHWC
    return compare(move, true_frames, {chunks: frames[chunks] for chunks in AT_CHUNKS})


def summarise(start: str, comparisons: Sequence[Comparison]) -> list[Measure]:
    measures = []
    for chunks in AT_CHUNKS:
        gains: dict[str, list[float]] = defaultdict(list)
        for each in comparisons:
            gains[each.move].append(each.generated_db[chunks] - each.repeated_db[chunks])
        parts = {move: float(np.mean(values)) for move, values in gains.items()}
        gain = float(np.mean([value for values in gains.values() for value in values]))
        name = f"camera, {start}: gain over repeating the picture at {chunks} chunks"
        is_aim = chunks == 8 and start == "from its picture"
        make = at_least(name, gain, GAIN_DB, "dB", len(comparisons), **parts) if is_aim else None
        measures.append(make or reported(name, gain, "dB", len(comparisons), **parts))
        truth = float(np.mean([each.generated_db[chunks] for each in comparisons]))
        measures.append(reported(f"camera, {start}: against the true world at {chunks} chunks", truth, "dB PSNR"))
    return measures


def direction_measure(player: Player, num_trials: int = NUM_DIRECTIONS) -> Measure:
    """Turns by the shift of the picture, walks by its growth over the whole walk. Whoever something stands in the
    way of did not walk: another world is tried."""
    keys = ({"yaw": 1.0}, {"yaw": -1.0}, {"forward": 1.0}, {"forward": -1.0})
    places = SLOTS["place"]
    right: dict[str, list[bool]] = defaultdict(list)
    seed, blocked = 900, 0
    for trial in range(num_trials):
        key = keys[trial % len(keys)]
        [(axis, sign)] = key.items()
        script = [ChunkControls(), *held(TURN_CHUNKS if "yaw" in key else WALK_CHUNKS, **key)]
        played = None
        while played is None and blocked < num_trials:
            seed += 1
            tried = player.play(player.from_text(seed, f"a {places[seed % len(places)]} on a clear day"), script)
            if axis == "yaw" or has_walked(tried.poses):
                played = tried
            else:
                blocked += 1
        if played is None:
            raise ValueError(f"after {blocked} blocked walks there is no way ahead in this model's worlds")
        right[f"{axis} {sign:+.0f}"].append(is_right(played.frames_FHWC, axis, sign))
    parts = {name: float(np.mean(values)) for name, values in right.items()} | {"tries that were blocked": blocked}
    share = float(np.mean([value for values in right.values() for value in values]))
    return at_least("camera: moves in the right direction", share, DIRECTION_SHARE, "of trials", num_trials, **parts)


def has_walked(poses: Sequence[CameraPose]) -> bool:
    """Whether the camera stepped in every chunk but the first, which shows the start."""
    places = np.array([(pose.x_m, pose.y_m) for pose in poses])
    return bool((np.hypot(*np.diff(places, axis=0).T) > 1e-6).all())


def is_right(frames_FHWC: NDArray[np.uint8], axis: str, sign: float) -> bool:
    moved = shift_px(frames_FHWC[0], frames_FHWC[-1]) if axis == "yaw" else growth(frames_FHWC)
    return bool(np.sign(moved) == sign)
