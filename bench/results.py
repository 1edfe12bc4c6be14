"""Dated result files, each with all that is needed to compare it with another."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.hardware import ROOT, Hardware

RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    benchmark: str
    model: str
    settings: Mapping[str, Any]
    figures: Mapping[str, Any]
    summary: tuple[str, ...]  # sentences for a person
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultWriter:
    """Prints results and writes them down."""

    console: Console
    hardware: Hardware
    commit: str
    folder: Path = RESULTS

    def write(self, result: Result, now: datetime | None = None) -> Path:
        now = now or datetime.now(UTC)
        self.console.rule(result.benchmark, align="left")
        source = f"commit {self.commit or 'unknown'}; model {result.model}"
        head = f"{self.hardware.summary}; {source}; {_words(result.settings)}"
        for line in (head, self.hardware.versions, *result.summary, *(f"fault: {fault}" for fault in result.faults)):
            self.console.print(line, highlight=False, markup=False)
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{now:%Y-%m-%dT%H%M%SZ}-{result.benchmark}.json"
        file.write_text(json.dumps(self._fields(result, now), indent=2, allow_nan=False, default=_plain) + "\n")
        self.console.print(f"written: {file}", highlight=False, markup=False)
        return file

    def _fields(self, result: Result, now: datetime) -> dict[str, Any]:
        return {
            "benchmark": result.benchmark,
            "measured_at": now.isoformat(timespec="seconds"),
            "commit": self.commit,
            "hardware": dataclasses.asdict(self.hardware),
            "model": result.model,
            "settings": result.settings,
            "figures": result.figures,
            "faults": result.faults,
        }


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _plain(value: Any) -> Any:
    """Dataclasses and enums among the figures."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} is not a figure")
