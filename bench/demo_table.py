"""The report as a table to read."""

from __future__ import annotations

from collections.abc import Callable

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.demo_report import DemoReport
from bench.measure import ServingOverhead
from bench.report import PlayFigures

GIB = 1 << 30
MS = 1_000

_ROWS: tuple[tuple[str, Callable[[PlayFigures], str], str], ...] = (
    ("frames delivered", lambda f: f"{f.frames_delivered}", ""),
    ("frames per second", lambda f: f"{f.delivered_fps:.2f}/{f.nominal_fps:g}", ">= 12"),
    ("real-time factor", lambda f: f"{f.real_time_factor:.3f}", ">= 1.0"),
    ("late chunks", lambda f: f"{f.late_chunks} of {f.chunks_delivered}", "<= 2 %"),
    ("time to first frame", lambda f: _seconds(f.time_to_first_frame_s), "<= 2 s"),
    ("control to frame p50", lambda f: _milliseconds(f.control_to_frame_p50_s), ""),
    ("control to frame p95", lambda f: _milliseconds(f.control_to_frame_p95_s), "<= 210 ms"),
    ("controls applied", lambda f: f"{f.controls_applied} of {f.controls_sent}", ""),
    ("controls unanswered", lambda f: f"{f.controls_unanswered}", "0"),
    ("sound", lambda f: f"{f.audio_seconds:.2f} s", ""),
    ("sound-picture skew p95", lambda f: _milliseconds(f.av_skew_p95_s), "<= 40 ms"),
    ("peak memory, all", lambda f: f"{f.peak_rss_bytes / GIB:.2f} GiB", "<= 4 GiB"),
)


def print_report(console: Console, report: DemoReport) -> None:
    table = Table(
        title=f"{report.total.model or 'no model'} on {report.hardware.summary}", title_justify="left", box=SIMPLE
    )
    table.add_column("", no_wrap=True)
    for name in report.sessions:
        table.add_column(name, justify="right")
    table.add_column("total", justify="right")
    table.add_column("aim", style="dim")
    for label, show, aim in _ROWS:
        table.add_row(label, *(show(figures) for figures in report.sessions.values()), show(report.total), aim)
    console.print(table)
    stages = report.total.stage_seconds_per_chunk
    if stages:
        per_chunk = ", ".join(f"{name} {seconds * MS:.1f}" for name, seconds in stages.items())
        console.print(f"ms per chunk of {report.total.chunk_duration_s * MS:.0f}: {per_chunk}", highlight=False)
    if report.serving_overhead:
        console.print(overhead_sentence(report.serving_overhead), highlight=False)
    for fault in report.faults:
        console.print(f"fault: {fault}", style="red", highlight=False, markup=False)


def overhead_sentence(overhead: ServingOverhead) -> str:
    return (
        f"processor ms per chunk: gateway and workers {overhead.service_cpu_s_per_chunk * MS:.1f}"
        f" - bare model loop {overhead.bare_model_cpu_s_per_chunk * MS:.1f}"
        f" - media encoding {overhead.bare_media_cpu_s_per_chunk * MS:.1f}"
        f" = serving overhead {overhead.overhead_cpu_s_per_chunk * MS:.1f} (aim: <= 6)"
        f"{_by_its_own_calls(overhead)}"
        f"; launcher and cluster {overhead.control_plane_cpu_s_per_chunk * MS:.1f}"
    )


def _by_its_own_calls(overhead: ServingOverhead) -> str:
    if overhead.own_overhead_cpu_s_per_chunk is None or overhead.own_model_cpu_s_per_chunk is None:
        return ""
    model, added = overhead.own_model_cpu_s_per_chunk, overhead.own_overhead_cpu_s_per_chunk
    return f"; {added * MS:.1f} by the model's calls in the service itself, {model * MS:.1f}"


def _seconds(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f} s"


def _milliseconds(value: float | None) -> str:
    return "none" if value is None else f"{value * MS:.0f} ms"
