from __future__ import annotations

import asyncio
import logging

import pytest

from serving.catalogue.leaving import Leaving
from serving.errors import CapacityExhaustedError

pytestmark = pytest.mark.timeout(20)


async def test_e01_a_session_is_asked_again_and_again_and_says_once_why_it_cannot_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked: list[str] = []

    async def move() -> None:
        asked.append("once more")
        raise CapacityExhaustedError("every slot is taken")

    leaving = Leaving("s-1", move)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            leaving.ask()
            leaving.ask()  # while the attempt before is under way
            await asyncio.sleep(0)
            await asyncio.sleep(0)
    assert len(asked) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "session s-1 could not leave its worker: every slot is taken"
    ]


async def test_a_session_that_ends_does_not_leave_any_more() -> None:
    gone = asyncio.Event()

    async def move() -> None:
        await asyncio.sleep(0.01)
        gone.set()

    leaving = Leaving("s-1", move)
    leaving.close()
    leaving.ask()
    leaving.close()
    await asyncio.sleep(0.05)
    assert not gone.is_set()
