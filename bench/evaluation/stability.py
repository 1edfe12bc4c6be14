"""Does a world hold for an hour: sharpness, colours and what the judge reads, early and late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.evaluation.measure import Measure, at_most
from bench.evaluation.pictures import Picture, colour_statistics, sharpness
from bench.evaluation.player import Player
from bench.evaluation.text_control import Judge
from model.interface import ChunkControls
from model.world.conditions import SLOTS

LOSS = 0.10
SECONDS_SEEN = 10.0  # that are looked at each time
LOOP_S = 24.0  # the walk repeats itself after this long
MARKS_MINUTES = (1.0, 10.0, 60.0)  # and the end
PROMPT = "a meadow on a clear day"
SHOWN = {"style": "paper", "lighting": "day", "weather": "clear"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Averages over some seconds."""

    sharpness: float
    colours: tuple[float, ...]
    is_read: float  # how sure the judge is of what the world was told to be, 0 to 1


def look_of(frames: Sequence[Picture], judge: Judge) -> Look:
    colours = np.mean([colour_statistics(frame) for frame in frames], 0)
    read = judge.read(np.stack(frames))
    sure = [float(read[slot][SLOTS[slot].index(value)]) for slot, value in SHOWN.items()]
    return Look(
        sharpness=float(np.mean([sharpness(frame) for frame in frames])),
        colours=tuple(colours.tolist()),
        is_read=float(np.mean(sure)),
    )


def losses(early: Look, late: Look) -> dict[str, float]:
    """The shares that were lost: of sharpness, of colours (of the range they have), of the judge's certainty."""
    return {
        "sharpness": max(0.0, 1 - late.sharpness / max(early.sharpness, 1e-6)),
        "colours": max(abs(a - b) for a, b in zip(early.colours, late.colours, strict=True)) / 255,
        "what is read": max(0.0, 1 - late.is_read / max(early.is_read, 1e-6)),
    }


def stroll(num_chunks: int, chunk_s: float) -> Iterator[ChunkControls]:
    """Walks, turns and rests, again and again."""
    for idx in range(num_chunks):
        at_s = idx * chunk_s % LOOP_S
        if at_s < 8:
            yield ChunkControls(forward=1.0)
        elif at_s < 10:
            yield ChunkControls(yaw=1.0)
        elif at_s < 18:
            yield ChunkControls(forward=1.0, yaw=0.2)
        elif at_s < 20:
            yield ChunkControls(yaw=-1.0)
        else:
            yield ChunkControls()


def marks(minutes: float) -> tuple[float, ...]:
    """When it is looked at, in minutes: at the marks that lie within, and at the end."""
    return (*(mark for mark in MARKS_MINUTES if mark < minutes), minutes)


def stability_measures(player: Player, judge: Judge, minutes: float) -> list[Measure]:
    looks = _looks(player, judge, minutes)
    early = looks[marks(minutes)[0]]
    measures = []
    for mark in marks(minutes)[1:]:
        lost = losses(early, looks[mark])
        name = f"stability: minute {marks(minutes)[0]:g} against minute {mark:g}"
        measures.append(at_most(name, max(lost.values()), LOSS, "lost", 1, **lost))
    return measures


def _looks(player: Player, judge: Judge, minutes: float) -> dict[float, Look]:
    """By mark, the last beginning of a loop that is seen before it: the same keys are held then."""
    loop, seen = player.chunks(LOOP_S), player.chunks(SECONDS_SEEN)
    starts = {(player.chunks(60 * mark) - seen) // loop * loop: mark for mark in marks(minutes)}
    looks: dict[float, Look] = {}
    kept: list[Picture] = []
    script = stroll(max(starts) + seen, player.info.chunk_duration_s)
    for idx, chunk in enumerate(player.stream(player.from_text(77, PROMPT), script)):
        start = idx // loop * loop
        if start in starts and idx < start + seen:
            kept += list(chunk.frames_FHWC)
        if start in starts and idx == start + seen - 1:
            looks[starts[start]], kept = look_of(kept, judge), []
    return looks
