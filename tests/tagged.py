"""Processes told apart by a word in their environment that all they start inherit: others may run services too."""

from __future__ import annotations

import contextlib

import psutil

TAG = "NACRE_TEST_RUN"


def processes_of(tag: str) -> list[str]:
    """The commands that still run of all that a tagged run started, directly or not."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            if process.environ().get(TAG) == tag:
                found.append(" ".join(process.info["cmdline"] or ()))
    return found
