"""The rounds: alone, among ten, among ten of whom one stalls, before fifty. And what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import IO, Any

from bench.audience.client import READY
from bench.hardware import ROOT
from bench.measure import Service
from bench.results import Result
from bench.statistics import percentile
from nacre.blocking import connect

PROMPT = "a quiet street at dusk"
ROUND_TIMEOUT_S = 600.0
MIB = 1 << 20
MS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    name: str
    num_viewers: int = 0
    num_stalled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a round."""

    round: Round
    driven: dict[str, Any]
    watched: list[dict[str, Any]] = field(default_factory=list)

    @property
    def control_to_frame_p95_s(self) -> float | None:
        return percentile(self.driven["control_to_frame_s"], 95)

    @property
    def readers(self) -> list[dict[str, Any]]:
        return [each for each in self.watched if not each["is_stalled"]]

    @property
    def interval_p95_s(self) -> float | None:
        """Between two chunks of those who look on and read."""
        return percentile(list(chain.from_iterable(each["interval_s"] for each in self.readers)), 95)

    @property
    def encodings_per_chunk(self) -> float:
        """Different ones, of all that those who took the same codec got of a chunk."""
        by_chunk: dict[str, set[int]] = {}
        for each in (self.driven, *self.watched):
            for chunk_idx, checksum in each["encodings"].items():
                by_chunk.setdefault(chunk_idx, set()).add(checksum)
        return sum(map(len, by_chunk.values())) / max(1, len(by_chunk))

    def figures(self) -> dict[str, Any]:
        return {
            "num_viewers": self.round.num_viewers,
            "num_stalled": self.round.num_stalled,
            "num_controls": len(self.driven["control_to_frame_s"]),
            "control_to_frame_p50_s": percentile(self.driven["control_to_frame_s"], 50),
            "control_to_frame_p95_s": self.control_to_frame_p95_s,
            "accept_p50_s": percentile(self.driven["accept_s"], 50),
            "accept_p99_s": percentile(self.driven["accept_s"], 99),
            "viewer_interval_p95_s": self.interval_p95_s,
            "viewer_start_max_s": max((each["start_s"] for each in self.readers), default=None),
            "viewer_chunks_missed": sum(each["num_missed"] for each in self.readers),
            "viewers_begun_at_a_keyframe": sum(each["begins_with_keyframe"] for each in self.watched),
            "encodings_per_chunk": self.encodings_per_chunk,
            "held_for_stalled_bytes": max((each["num_held_bytes"] for each in self.watched), default=0),
        }


def rounds(num_viewers: int) -> tuple[Round, ...]:
    return (
        Round(name="alone"),
        Round(name="ten", num_viewers=9),
        Round(name="ten_one_stalled", num_viewers=9, num_stalled=1),
        Round(name="crowd", num_viewers=num_viewers),
    )


def bench_audience(service: Service, num_viewers: int, num_controls: int, model: str) -> Result:
    seen = {each.name: _play(service.address, each, num_controls) for each in rounds(num_viewers)}
    figures: dict[str, Any] = {name: each.figures() for name, each in seen.items()}
    alone, crowd, stalled = seen["alone"], seen["crowd"], seen["ten_one_stalled"]
    figures["crowd_against_alone"] = _ratio(crowd.control_to_frame_p95_s, alone.control_to_frame_p95_s)
    figures["stalled_against_ten"] = _ratio(stalled.interval_p95_s, seen["ten"].interval_p95_s)
    figures["stalled_against_ten_player"] = _ratio(stalled.control_to_frame_p95_s, seen["ten"].control_to_frame_p95_s)
    return Result(
        benchmark="audience",
        model=model,
        settings={"viewers": num_viewers, "controls": num_controls},
        figures=figures,
        summary=summary(figures, num_viewers),
        faults=tuple(_faults(seen.values())),
    )


def summary(figures: dict[str, Any], num_viewers: int) -> tuple[str, ...]:
    alone, crowd, stalled = figures["alone"], figures["crowd"], figures["ten_one_stalled"]
    return (
        f"control to frame, p95: alone {_ms(alone['control_to_frame_p95_s'])}, before {num_viewers} viewers "
        f"{_ms(crowd['control_to_frame_p95_s'])}, ratio {_two(figures['crowd_against_alone'])} (aim: <= 1.10)",
        f"encodings per chunk before {num_viewers} viewers: {crowd['encodings_per_chunk']:.2f} (aim: 1)",
        f"slowest viewer's first picture: {_ms(crowd['viewer_start_max_s'])} (aim: <= 1,000 ms)",
        f"one of ten stalls: viewers' time between chunks, p95, ratio {_two(figures['stalled_against_ten'])}, "
        f"player's control to frame {_two(figures['stalled_against_ten_player'])} (aim: <= 1.10); "
        f"{stalled['held_for_stalled_bytes'] / MIB:.2f} MiB held for it (aim: <= 2)",
        f"accepted after, p99: alone {_ms(alone['accept_p99_s'])}, before {num_viewers} {_ms(crowd['accept_p99_s'])} "
        "(aim: <= 20 ms)",
    )


def _faults(seen: Sequence[Seen] | Any) -> Iterator[str]:
    for each in seen:
        if not each.driven["control_to_frame_s"]:
            yield f"{each.round.name}: no control was seen in a frame"
        if len(each.watched) != each.round.num_viewers:
            yield f"{each.round.name}: {len(each.watched)} of {each.round.num_viewers} viewers came back"


def _play(address: str, each: Round, num_controls: int) -> Seen:
    with connect(address) as client:
        session = client.create(prompt=PROMPT)
        place = (address, session.id, session.resume_token)
        try:
            if not each.num_viewers:
                return Seen(round=each, driven=json.loads(_client("drive", *place, str(num_controls))))
            with _crowd(place, each) as crowd:
                driven = _start("drive", *place, str(num_controls))
                _expect_ready(crowd.stdout)  # they see pictures once somebody drives
                written, _ = driven.communicate(timeout=ROUND_TIMEOUT_S)
                # Those who look on need somebody to drive while the one who stalled catches up.
                with session.enter(audio="opus") as world:
                    assert crowd.stdin is not None
                    crowd.stdin.close()
                    for _ in range(25):
                        next(world)
                assert crowd.stdout is not None
                watched = json.loads(crowd.stdout.readline())
            return Seen(round=each, driven=json.loads(written), watched=watched)
        finally:
            session.end()


@contextmanager
def _crowd(place: Sequence[str], each: Round) -> Iterator[subprocess.Popen[str]]:
    process = _start("watch", *place, str(each.num_viewers), str(each.num_stalled))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.audience.client", arguments[0], "--", *arguments[1:]]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _client(*arguments: str) -> str:
    written, _ = _start(*arguments).communicate(timeout=ROUND_TIMEOUT_S)
    return written


def _expect_ready(stdout: IO[str] | None) -> None:
    assert stdout is not None
    line = stdout.readline()
    if json.loads(line or '""') != READY:
        raise RuntimeError(f"the viewers did not begin: {line!r}")


def _ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value is not None and base else None


def _ms(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"{seconds * MS:.0f} ms"


def _two(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
