"""What pages told of their plays, as the few numbers that are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from typing import Any

from bench.statistics import percentile

WEBSOCKET, WEBRTC = "websocket", "webrtc"
FACES = {WEBSOCKET: "WebSocket", WEBRTC: "WebRTC"}
# Two and a half of the embedded model's frames: what one sees as a picture that stands still.
FREEZE_MS = 200.0
# With more chunks late than that, what one sees is the machine's doing.
MAX_LATE_SHARE = 0.05
COMPARED = ("num_freezes", "frozen_s", "control_to_frame_p50_ms", "control_to_frame_p95_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Of all plays over it."""

    num_frames: int  # that were painted
    num_frames_due: int  # that there would have been at the model's rate
    num_freezes: int
    frozen_s: float  # that all freezes lasted, from the picture before to the one after
    longest_ms: float
    num_controls: int
    num_controls_unseen: int  # no picture was seen that one shaped
    control_to_frame_p50_ms: float | None
    control_to_frame_p95_ms: float | None
    num_chunks: int
    num_late_chunks: int  # as the service says of each
    num_reconnections: int

    @property
    def is_of_the_line(self) -> bool:
        """The service kept up, so that what was late or missing is the line's doing."""
        return self.num_late_chunks <= MAX_LATE_SHARE * self.num_chunks


def face_of(plays: Sequence[Mapping[str, Any]]) -> Face:
    gaps_ms = list(chain.from_iterable(map(gaps_of, plays)))
    frozen_ms = [gap for gap in gaps_ms if gap > FREEZE_MS]
    answers_ms = list(chain.from_iterable(map(answers_of, plays)))
    num_controls = sum(len(play["turns"]) for play in plays)
    return Face(
        num_frames=sum(len(_painted_within(play)) for play in plays),
        num_frames_due=sum(round((play["ended_ms"] - play["began_ms"]) / 1_000 * play["frame_rate"]) for play in plays),
        num_freezes=len(frozen_ms),
        frozen_s=sum(frozen_ms) / 1_000,
        longest_ms=max(gaps_ms),
        num_controls=num_controls,
        num_controls_unseen=num_controls - len(answers_ms),
        control_to_frame_p50_ms=percentile(answers_ms, 50),
        control_to_frame_p95_ms=percentile(answers_ms, 95),
        num_chunks=sum(play["num_chunks"] for play in plays),
        num_late_chunks=sum(play["num_late_chunks"] for play in plays),
        num_reconnections=sum(play["num_attachments"] - 1 for play in plays),
    )


def gaps_of(play: Mapping[str, Any]) -> list[float]:
    """Between pictures, in milliseconds. One that stands still until the end counts until then."""
    return [after - before for before, after in pairwise([play["began_ms"], *_painted_within(play), play["ended_ms"]])]


def _painted_within(play: Mapping[str, Any]) -> list[float]:
    return [at_ms for at_ms, _ in play["painted"] if play["began_ms"] <= at_ms <= play["ended_ms"]]


def answers_of(play: Mapping[str, Any]) -> list[float]:
    """From each turn until the first picture that shows it, in milliseconds; of those that nobody saw, nothing."""
    found: list[float] = []
    for asked_ms, frame_idx in play["turns"]:
        if frame_idx is None:
            continue
        seen_ms = (at_ms for at_ms, idx in play["painted"] if idx is not None and idx >= frame_idx and at_ms > asked_ms)
        if (first_ms := next(seen_ms, None)) is not None:
            found.append(first_ms - asked_ms)
    return found


def ratios_of(faces: Mapping[str, Face]) -> dict[str, float | None]:
    """WebRTC's by WebSocket's; None where there is nothing to divide by, or nothing was seen."""
    over, under = asdict(faces[WEBRTC]), asdict(faces[WEBSOCKET])
    return {name: over[name] / under[name] if under[name] and over[name] is not None else None for name in COMPARED}


def faults_of(faces: Mapping[str, Face], plays: Sequence[Mapping[str, Any]], rounds: int) -> tuple[str, ...]:
    missing = [
        f"{rounds - num} of {rounds} plays over {FACES[name]} did not come to their end"
        for name in FACES
        if (num := sum(play["face"] == name for play in plays)) < rounds
    ]
    blind = [
        f"over {FACES[name]} no picture was seen that a control shaped"
        for name, face in faces.items()
        if face.control_to_frame_p50_ms is None
    ]
    return (*missing, *blind)


def sentences(figures: Mapping[str, Any]) -> tuple[str, ...]:
    faces: Mapping[str, Face] = figures["faces"]
    line = figures["line"]
    by = ", ".join(f"{_COMPARED_WORDS[name]} {_times(ratio)}" for name, ratio in figures["ratios"].items())
    return (
        *(f"{FACES[name]}: {_face_sentence(face)}" for name, face in faces.items()),
        *((f"WebRTC by WebSocket: {by}",) if by else ()),
        *(() if all(face.is_of_the_line for face in faces.values()) else (BUSY,)),
        f"the line lost {line['num_lost']:,} of {line['num_packets']:,} packets "
        f"({line['num_lost'] / max(1, line['num_packets']):.1%}), and let the others through {_ms(line['lag_p50_ms'])} "
        f"(p50), {_ms(line['lag_p99_ms'])} (p99) after they were due",
    )


BUSY = f"more than {MAX_LATE_SHARE:.0%} of the chunks were late: these figures are of a busy machine, not of the line"
_COMPARED_WORDS = {
    "num_freezes": "freezes",
    "frozen_s": "their seconds",
    "control_to_frame_p50_ms": "control to frame p50",
    "control_to_frame_p95_ms": "p95",
}


def _face_sentence(face: Face) -> str:
    unseen = f", {face.num_controls_unseen} unseen" if face.num_controls_unseen else ""
    lost = f"; {face.num_reconnections} reconnections" if face.num_reconnections else ""
    return (
        f"{face.num_frames:,} of {face.num_frames_due:,} frames; {face.num_freezes} freezes over {FREEZE_MS:.0f} ms, "
        f"{face.frozen_s:.1f} s in all, the longest gap {_ms(face.longest_ms)}; control to frame, of "
        f"{face.num_controls}{unseen}: p50 {_ms(face.control_to_frame_p50_ms)}, p95 "
        f"{_ms(face.control_to_frame_p95_ms)}; late {face.num_late_chunks} of {face.num_chunks} chunks{lost}"
    )


def _times(value: float | None) -> str:
    return "not to be told" if value is None else f"{value:.2f}"


def _ms(value: float | None) -> str:
    if value is None:
        return "not seen"
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"
