"""What holds for every test of services in this process."""

from __future__ import annotations

from functools import partial

import pytest

from serving.catalogue.writer import WriterConfig

# Where the catalogue is slow on purpose; one that is stopped refuses at once.
SLOW = "test_slow_disk"
PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow catalogue has tests of its own: elsewhere a disk that stands still for half a second is none."""
    config = partial(WriterConfig, first_answer_s=PATIENCE_S)
    if request.module.__name__.rpartition(".")[2] != SLOW:
        config = partial(config, answer_s=PATIENCE_S)
    monkeypatch.setattr("serving.catalogue.writer.WriterConfig", config)
