"""What one who comes back hears of controls whose outcome never reached it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field

import pytest

from serving.errors import ControlDuplicateError, StorageUnavailableError
from serving.gateway.audience import Audience, Member
from serving.gateway.controls import ControlBook
from serving.gateway.unanswered import LOST_MESSAGE, answers
from serving.sessions.attribution import Sender
from serving.sessions.contract import (
    Accepted,
    Applied,
    LinkEvent,
    OnRecord,
    Outcome,
    Rejected,
    Superseded,
    TakenSnapshot,
)
from tests.fakes import fake_info

INFO = fake_info(frame_rate=10.0, frames_per_chunk=2)


@dataclass
class Record:
    """A link that tells what is on record, and what else a test wants done while it reads."""

    on_record_of: dict[str, OnRecord] = field(default_factory=dict)
    is_away: bool = False
    meanwhile: list[Outcome] = field(default_factory=list)
    book: ControlBook | None = None

    async def on_record(self, control_ids: Collection[str]) -> Mapping[str, OnRecord]:
        if self.is_away:
            raise StorageUnavailableError("away")
        for outcome in self.meanwhile:
            assert self.book is not None
            self.book.settle(outcome)
        return {each: found for each, found in self.on_record_of.items() if each in control_ids}

    worker_id = "fake"

    async def send(self, control: object) -> None: ...

    async def grant(self, chunks: int) -> None: ...

    async def snapshot(self, **_: bool) -> TakenSnapshot:
        raise NotImplementedError

    async def events(self) -> AsyncIterator[LinkEvent]:
        raise NotImplementedError
        yield

    async def close(self) -> None: ...


def applied(control_id: str, chunk_idx: int) -> Applied:
    world_time_s = chunk_idx * INFO.chunk_duration_s
    return Applied(control_id=control_id, chunk_idx=chunk_idx, frame_idx=2 * chunk_idx, world_time_s=world_time_s)


def lost(control_id: str) -> Rejected:
    return Rejected(control_id=control_id, reason="CONTROL_LOST", message=LOST_MESSAGE)


@pytest.fixture
def book() -> ControlBook:
    return ControlBook(max_pending=8)


@pytest.fixture
def audience() -> Audience:
    return Audience(max_untold=8)


def member(client_id: str = "anna", subject_id: str = "me", *, is_named: bool = True) -> Member:
    return Member(client=None, seat=None, client_id=client_id, subject_id=subject_id, is_named=is_named)  # type: ignore[arg-type]


async def test_what_is_on_record_is_told_again_and_what_is_not_is_lost(book: ControlBook, audience: Audience) -> None:
    gone = Superseded(control_id="gone", by_control_id="later")
    record = Record({"a": OnRecord(outcome=applied("a", 3)), "gone": OnRecord(outcome=gone)})
    told = await answers(["gone", "never", "a"], member(), book, audience, record, INFO)  # type: ignore[arg-type]
    assert told == [gone, lost("never"), applied("a", 3)]


async def test_what_was_said_to_be_lost_is_refused_when_it_comes_after_all(
    book: ControlBook, audience: Audience
) -> None:
    assert await answers(["never"], member(), book, audience, Record(), INFO) == [lost("never")]  # type: ignore[arg-type]
    with pytest.raises(ControlDuplicateError):
        book.admit("never", 0.0)


async def test_what_waits_on_record_is_whose_it_was_from_then_on(book: ControlBook, audience: Audience) -> None:
    waits = OnRecord(outcome=Accepted(control_id="waits"), sender=Sender(subject_id="me", client_id="anna"))
    anna = member()
    told = await answers(["waits"], anna, book, audience, Record({"waits": waits}), INFO)  # type: ignore[arg-type]
    assert told == [Accepted(control_id="waits")]
    assert audience.sender("waits") is anna


async def test_an_outcome_that_is_on_its_way_is_not_told_twice(book: ControlBook, audience: Audience) -> None:
    book.admit("pending", 0.0)
    record = Record(
        {"pending": OnRecord(outcome=applied("pending", 2)), "quick": OnRecord(outcome=applied("quick", 4))},
        meanwhile=[applied("quick", 4)],
        book=book,
    )
    assert await answers(["pending", "quick"], member(), book, audience, record, INFO) == []  # type: ignore[arg-type]


async def test_what_its_gateway_remembers_is_told_where_nothing_is_on_record(
    book: ControlBook, audience: Audience
) -> None:
    for control_id in ("done", "beaten"):
        book.admit(control_id, 0.0)
    book.settle(applied("done", 5))
    book.settle(Superseded(control_id="beaten", by_control_id="done"))
    told = await answers(["done", "beaten"], member(), book, audience, object(), INFO)  # type: ignore[arg-type]
    assert told == [applied("done", 5), lost("beaten")]


async def test_while_the_record_cannot_be_read_nothing_is_called_lost(book: ControlBook, audience: Audience) -> None:
    book.admit("done", 0.0)
    book.settle(applied("done", 5))
    told = await answers(["who-knows", "done"], member(), book, audience, Record(is_away=True), INFO)  # type: ignore[arg-type]
    assert told == [applied("done", 5)]


@pytest.mark.parametrize(
    ("asks", "is_told"),
    [
        (member("anna", "me"), True),
        (member("ben", "me"), False),
        (member("anna", "somebody"), False),
        (member("client-7", "me", is_named=False), True),
        (member("client-7", "somebody", is_named=False), False),
    ],
)
async def test_nobody_hears_of_anothers_controls(
    book: ControlBook, audience: Audience, asks: Member, is_told: bool
) -> None:
    waits = OnRecord(outcome=Accepted(control_id="c"), sender=Sender(subject_id="me", client_id="anna"))
    told = await answers(["c"], asks, book, audience, Record({"c": waits}), INFO)  # type: ignore[arg-type]
    assert bool(told) is is_told
    assert (audience.sender("c") is asks) is is_told
