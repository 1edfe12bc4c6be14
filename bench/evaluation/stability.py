"""Does a world hold for an hour: sharpness, colours and what the judge reads, early and late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.evaluation.measure import Measure, at_most
from bench.evaluation.pictures import Picture, colour_statistics, sharpness
from bench.evaluation.player import Player
from bench.evaluation.text_control import Judge
from model.interface import ChunkControls
from model.world.conditions import SLOTS

LOSS = 0.10
LOOP_S = 24.0  # the walk repeats itself after this long
LOOPS_SEEN = 5  # that are looked at each time, or as many as there were: a single one tells of what stands there
MARKS_MINUTES = (1.0, 10.0, 60.0)  # and the end
# Where it looks much the same wherever one goes: of a meadow, sharpness says whether trees are near.
PROMPTS = ("a forest on a clear day", "a street on a clear day")
SEED = 77
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


def stability_measures(player: Player, judge: Judge, minutes: float, num_worlds: int = len(PROMPTS)) -> list[Measure]:
    worlds = [_looks(player, judge, prompt, minutes) for prompt in PROMPTS[:num_worlds]]
    return summarise(worlds, marks(minutes))


def summarise(worlds: Sequence[Mapping[float, Look]], at_minutes: Sequence[float]) -> list[Measure]:
    """Each later mark against the first, on average over worlds."""
    first, *later = at_minutes
    measures = []
    for mark in later:
        lost = losses(average([looks[first] for looks in worlds]), average([looks[mark] for looks in worlds]))
        name = f"stability: minute {first:g} against minute {mark:g}"
        measures.append(at_most(name, max(lost.values()), LOSS, "lost", len(worlds), **lost))
    return measures


def average(looks: Sequence[Look]) -> Look:
    return Look(
        sharpness=float(np.mean([look.sharpness for look in looks])),
        colours=tuple(np.mean([look.colours for look in looks], 0).tolist()),
        is_read=float(np.mean([look.is_read for look in looks])),
    )


def loops_seen(mark_minutes: float) -> range:
    """The last whole loops before a mark: the same keys are held in each."""
    end = int(60 * mark_minutes // LOOP_S)
    return range(max(0, end - LOOPS_SEEN), end)


def _looks(player: Player, judge: Judge, prompt: str, minutes: float) -> dict[float, Look]:
    """By mark."""
    loop = player.chunks(LOOP_S)
    seen = {mark: loops_seen(mark) for mark in marks(minutes)}
    of_loop: dict[int, Look] = {}
    kept: list[Picture] = []
    script = stroll(loop * max(loops.stop for loops in seen.values()), player.info.chunk_duration_s)
    for idx, chunk in enumerate(player.stream(player.from_text(SEED, prompt), script)):
        if not any(idx // loop in loops for loops in seen.values()):
            continue
        kept += list(chunk.frames_FHWC)
        if (idx + 1) % loop == 0:
            of_loop[idx // loop], kept = look_of(kept, judge), []
    return {mark: average([of_loop[idx] for idx in loops]) for mark, loops in seen.items()}
