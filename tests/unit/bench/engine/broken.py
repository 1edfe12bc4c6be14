"""A model that fails after its warm-up, for a benchmark to meet."""

from __future__ import annotations

from tests.fakes_model import FakeModel


def load() -> FakeModel:
    return FakeModel(fail_at_chunk=15)
