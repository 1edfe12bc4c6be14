"""Is the place one returns to the place one left: with memory, and without."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.evaluation.measure import Measure, at_least, reported
from bench.evaluation.pictures import Picture, psnr_db
from bench.evaluation.player import Player, Prepare, held
from model.interface import ChunkControls, SessionState
from model.session import PearlState
from model.world.conditions import SLOTS

GAIN_DB = 3.0
TURN_CHUNKS = 128  # of 4 columns: 360 degrees
WALK_CHUNKS = 125  # 10 s out, and 10 s back
SCRIPTS = {
    "a whole turn": held(TURN_CHUNKS, yaw=1.0),
    "a walk out and back": [*held(WALK_CHUNKS, forward=1.0), *held(WALK_CHUNKS, forward=-1.0)],
}


def forget_all_but_the_last(state: SessionState) -> None:
    """What a session without memory knows: the canvas it made last."""
    assert isinstance(state, PearlState)
    state.memory.forget_places()


def return_measures(player: Player, num_worlds: int) -> list[Measure]:
    measures = []
    for name, script in SCRIPTS.items():
        with_db = _returned_db(player, script, num_worlds, None)
        without_db = _returned_db(player, script, num_worlds, forget_all_but_the_last)
        measures += summarise(name, with_db, without_db)
    return measures


def summarise(name: str, with_db: Sequence[float], without_db: Sequence[float]) -> list[Measure]:
    gain = float(np.mean(np.subtract(with_db, without_db)))
    return [
        reported(f"return, {name}: with memory", float(np.mean(with_db)), "dB PSNR", len(with_db)),
        reported(f"return, {name}: without memory", float(np.mean(without_db)), "dB PSNR", len(without_db)),
        at_least(f"return, {name}: gain of memory", gain, GAIN_DB, "dB", len(with_db)),
    ]


def _returned_db(
    player: Player, script: Sequence[ChunkControls], num_worlds: int, prepare: Prepare | None
) -> list[float]:
    figures = []
    for world in range(num_worlds):
        start = player.from_text(400 + world, f"a {SLOTS['place'][world % len(SLOTS['place'])]} on a clear day")
        played = player.play(start, [ChunkControls(), *script], prepare)
        figures.append(returned_db(played.frames_FHWC[0], played.frames_FHWC[-1]))
    return figures


def returned_db(before_HWC: Picture, after_HWC: Picture) -> float:
    return psnr_db(before_HWC, after_HWC)
