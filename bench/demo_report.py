"""What the demo leaves behind: films, a contact sheet, and one report of figures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contact_sheet import Panel, draw_sheet, panel_of
from bench.hardware import Hardware
from bench.measure import MeasuredPlay, ServingOverhead
from bench.media import OPUS_DECODED_RATE_HZ, decode_sound, decode_video, write_mp4
from bench.report import DecodedCounts, PlayedSession, PlayFigures, Provenance, ServiceFigures, faults_of, figures_of
from bench.scrape import StageTotals

SHEET_FILE, MOMENTS_FILE, REPORT_FILE, LOG_FILE = "contact_sheet.png", "moments.png", "report.json", "service.log"
MOMENTS = slice(1, None, 4)  # one row of a 20 s session


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenPlay:
    """A play after its film was written."""

    play: MeasuredPlay
    session: PlayedSession
    panel: Panel | None  # None of a play without pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    sessions: dict[str, PlayFigures]
    total: PlayFigures
    serving_overhead: ServingOverhead | None
    hardware: Hardware
    faults: tuple[str, ...]

    def to_json(self) -> str:
        overhead = self.serving_overhead
        fields: dict[str, Any] = {
            "sessions": {name: dataclasses.asdict(figures) for name, figures in self.sessions.items()},
            "total": dataclasses.asdict(self.total),
            "model": self.total.model,
            "commit": self.total.commit,
            "hardware": dataclasses.asdict(self.hardware),
            "serving_overhead": overhead
            and dataclasses.asdict(overhead) | {"overhead_cpu_s_per_chunk": overhead.overhead_cpu_s_per_chunk},
            "faults": self.faults,
        }
        return json.dumps(fields, indent=2, allow_nan=False) + "\n"


def write_film(play: MeasuredPlay, folder: Path) -> WrittenPlay:
    """Decode the play as a player would, and write it as `<name>.mp4`."""
    recording = play.recording
    pictures, sound = decode_video(recording.frames), decode_sound(recording.packets)
    if pictures:
        write_mp4(folder / f"{recording.name}.mp4", recording, sound)
    return WrittenPlay(
        play=play,
        session=PlayedSession(
            recording=recording,
            decoded=DecodedCounts(num_frames=len(pictures), sound_s=len(sound) / OPUS_DECODED_RATE_HZ),
            service=_service_figures([play]),
        ),
        panel=panel_of(recording, pictures) if pictures else None,
    )


def write_sheet(plays: Sequence[WrittenPlay], folder: Path) -> None:
    panels = [play.panel for play in plays if play.panel]
    if panels:
        draw_sheet(panels).save(folder / SHEET_FILE, optimize=True)
        moments = [dataclasses.replace(panel, cells=panel.cells[MOMENTS] or panel.cells) for panel in panels]
        draw_sheet(moments).save(folder / MOMENTS_FILE, optimize=True)


def make_report(
    plays: Sequence[WrittenPlay],
    overhead: ServingOverhead | None,
    hardware: Hardware,
    commit: str,
    service_faults: Sequence[str],
) -> DemoReport:
    provenance = Provenance(commit=commit, hardware=hardware.summary)
    sessions = [play.session for play in plays]
    found = [*service_faults, *(fault for session in sessions for fault in faults_of(session)), *_stage_faults(plays)]
    return DemoReport(
        sessions={each.recording.name: figures_of([each], each.service, provenance) for each in sessions},
        total=figures_of(sessions, _service_figures([play.play for play in plays]), provenance),
        serving_overhead=overhead,
        hardware=hardware,
        faults=tuple(found),
    )


def _service_figures(plays: Sequence[MeasuredPlay]) -> ServiceFigures:
    stages = StageTotals()
    for play in plays:
        stages += play.stages or StageTotals()
    return ServiceFigures(
        stage_seconds_per_chunk=stages.seconds_per_chunk, peak_rss_bytes=max(play.peak_rss_bytes for play in plays)
    )


def _stage_faults(plays: Sequence[WrittenPlay]) -> list[str]:
    """A service whose metrics count other than what the client held tells of another run."""
    faults = []
    for play in plays:
        if play.play.stages is None:
            continue
        name, num_held = play.session.recording.name, len(play.session.recording.chunks)
        counts = {stage: round(totals.count) for stage, totals in play.play.stages.stages.items()}
        if not counts:
            faults.append(f"{name}: the service's metrics tell of no stage")
        # A few chunks may have been on their way when the client left.
        faults += [
            f"{name}: {num_held} chunks held, but {count} counted in stage {stage}"
            for stage, count in counts.items()
            if count < num_held
        ]
    return faults
