"""A client is let go when it may not stay any more, and for nothing else."""

from __future__ import annotations

import asyncio

import pytest

from serving.errors import NacreError, SessionNotFoundError, StorageUnavailableError
from serving.gateway.standing import while_allowed

OFTEN_S = 0.001


class Door:
    """Answers with one error after the other; None lets in."""

    def __init__(self, *answers: NacreError | None) -> None:
        self.answers = list(answers)
        self.num_asked = 0

    async def ask(self) -> None:
        answer = self.answers[min(self.num_asked, len(self.answers) - 1)]
        self.num_asked += 1
        if answer is not None:
            raise answer


async def test_e03_who_may_not_stay_is_told_why() -> None:
    door = Door(None, None, SessionNotFoundError("there is no session of that id"))
    with pytest.raises(SessionNotFoundError):
        async with while_allowed(door.ask, OFTEN_S):
            await asyncio.Event().wait()
    assert door.num_asked == 3


async def test_who_cannot_be_asked_about_stays() -> None:
    door = Door(StorageUnavailableError("the catalogue does not answer"))
    async with while_allowed(door.ask, OFTEN_S):
        while door.num_asked < 3:
            await asyncio.sleep(OFTEN_S)


async def test_what_goes_wrong_within_is_raised_as_it_is_and_nobody_is_asked_afterwards() -> None:
    door = Door(None)
    with pytest.raises(TimeoutError, match="its own"):
        async with while_allowed(door.ask, OFTEN_S):
            raise TimeoutError("its own")
    num_asked = door.num_asked
    await asyncio.sleep(10 * OFTEN_S)
    assert door.num_asked == num_asked
