"""A long run leaves a dated file behind."""

from __future__ import annotations

import pytest

from tests.fuzz.tally import IS_LONG, NUM_EXAMPLES, Tally, write

TALLY = pytest.StashKey[Tally]()
COMPLETE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Tally:
    return request.config.stash.setdefault(TALLY, Tally())


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """None of a run that was broken off."""
    tally = session.config.stash.get(TALLY, None)
    if IS_LONG and tally is not None and exitstatus in COMPLETE:
        write(tally.result(NUM_EXAMPLES, session.testscollected, session.testsfailed))
