"""First picture, key to picture, sound against picture, size and memory of the page, in headless Chromium."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.hardware import ROOT
from bench.latency import bench_latency
from bench.measure import Service
from bench.results import Result
from bench.statistics import percentile

HERE = Path(__file__).parent
DIST = ROOT / "serving" / "web" / "page" / "dist"
PAGE_LINE = re.compile(r"^PAGE (?P<url>\S+)$", re.MULTILINE)
MIB = 1 << 20
# Starting Chromium and loading the page, beside what is measured.
SLACK_S = 240.0
SECONDS_PER_START, SECONDS_PER_PRESS = 20.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserBenchConfig:
    starts: int = 5
    presses: int = 60
    minutes: int = 0  # of play afterwards, for the page's memory

    def __post_init__(self) -> None:
        if self.starts < 1 or self.presses < 1 or self.minutes < 0:
            raise ValueError("starts and presses are at least 1, minutes at least 0")

    @property
    def timeout_s(self) -> float:
        return SLACK_S + self.starts * SECONDS_PER_START + self.presses * SECONDS_PER_PRESS + 60 * self.minutes


def page_url(log: str) -> str:
    """Where the service says that its page is. Raises ValueError where it does not."""
    if (match := PAGE_LINE.search(log)) is None:
        raise ValueError("the service has no page")
    return match["url"]


def bench_browser(service: Service, url: str, config: BrowserBenchConfig, model: str) -> Result:
    """The same turns over gRPC first, with the same service: what the browser adds is what it is about."""
    grpc = bench_latency(service, config.presses)
    settings = {"starts": config.starts, "presses": config.presses, "minutes": config.minutes}
    node = shutil.which("node") or "node"
    command = [node, str(HERE / "measure.mjs"), url, json.dumps(settings)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=config.timeout_s)
    if done.returncode:
        return Result(
            benchmark="browser", model=model, settings=settings, figures={}, summary=(), faults=(done.stderr[-2_000:],)
        )
    told = json.loads(done.stdout)
    figures = figures_of(told, grpc.figures["p95_s"]) | {"bundle_bytes": bundle_bytes()}
    unseen = told["num_pressed"] - figures["num_presses"]
    faults = (*grpc.faults, *told["faults"], *([f"{unseen} of the key presses were not seen"] if unseen else []))
    return Result(
        benchmark="browser",
        model=model,
        settings=settings,
        figures=figures,
        summary=sentences(figures),
        faults=faults,
    )


def figures_of(told: Mapping[str, Any], grpc_p95_s: float | None = None) -> dict[str, Any]:
    """What the page told, in milliseconds, as the few numbers that are compared. None for what was not seen."""
    stats = told["stats"] or {}
    key_p95_ms = percentile(told["key_to_frame_ms"], 95)
    grpc_p95_ms = None if grpc_p95_s is None else 1_000 * grpc_p95_s
    return {
        "usable_ms": max(told["usable_ms"]),
        "first_frame_ms": max(told["first_frame_ms"]),
        "key_to_frame_p50_ms": percentile(told["key_to_frame_ms"], 50),
        "key_to_frame_p95_ms": key_p95_ms,
        "grpc_control_to_frame_p95_ms": grpc_p95_ms,
        "over_grpc_ms": None if key_p95_ms is None or grpc_p95_ms is None else key_p95_ms - grpc_p95_ms,
        "num_presses": len(told["key_to_frame_ms"]),
        "skew_p95_ms": percentile(told["skew_ms"], 95),
        "late_chunks": stats.get("lateChunks"),
        "chunks": stats.get("chunks"),
        "stalls": stats.get("stalls"),
        "clock": stats.get("clock", ""),
        "memory": told["memory"],
        "memory_growth_bytes": _growth(told["memory"], "bytes"),
        "process_growth_bytes": _growth(told["memory"], "process_bytes"),
    }


def _growth(memory: Sequence[Mapping[str, Any]], name: str) -> int | None:
    """Of what was seen at the end over what was at the beginning."""
    seen = [each[name] for each in memory if each.get(name) is not None]
    return seen[-1] - seen[0] if seen else None


def bundle_bytes() -> int:
    """Script and styles as they travel, gzipped."""
    return sum(len(gzip.compress((DIST / name).read_bytes(), 9)) for name in ("page.js", "page.css", "index.html"))


def sentences(figures: Mapping[str, Any]) -> tuple[str, ...]:
    growth = figures["memory_growth_bytes"]
    return (
        f"page usable within {figures['usable_ms']:.0f} ms of being asked for (aim: <= 1,000)",
        f"pressing start to the first picture: {figures['first_frame_ms']:.0f} ms, the longest (aim: <= 1,500)",
        f"key to picture, of {figures['num_presses']}: p50 {_ms(figures['key_to_frame_p50_ms'])}, "
        f"p95 {_ms(figures['key_to_frame_p95_ms'])}; over control to frame of gRPC: {_ms(figures['over_grpc_ms'])}"
        " (aim: <= 60)",
        f"sound against picture, p95: {_ms(figures['skew_p95_ms'])}, by the {figures['clock']} clock (aim: <= 40)",
        f"late {figures['late_chunks']} of {figures['chunks']} chunks, {figures['stalls']} stalls",
        f"script and styles, gzipped: {figures['bundle_bytes'] / 1024:.1f} KiB (aim: <= 80)",
        *(() if growth is None else (_memory_sentence(growth, figures["process_growth_bytes"]),)),
    )


def _memory_sentence(growth: int, process_growth: int | None) -> str:
    process = "" if process_growth is None else f", its process by {process_growth / MIB:.1f} MiB"
    return f"the page's memory grew by {growth / MIB:.1f} MiB (aim: <= 20){process}"


def _ms(value: float | None) -> str:
    return "not seen" if value is None else f"{value:.0f} ms"
