"""A long run leaves a dated file behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.tally import IS_LONG, NUM_EXAMPLES, Tally, write


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    tally = Tally()
    yield tally
    if IS_LONG:
        session = request.session
        write(tally.result(NUM_EXAMPLES, session.testscollected, session.testsfailed))
