from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from nacre.v1 import session_pb2
from serving.admission.keyed import KeyedRequests, request_sha256
from serving.admission.keyed_answers import KEPT_S, RUNNING_S, BusyElsewhere, KeyedAnswers, RequestKey
from serving.catalogue.database import Database
from serving.catalogue.schema import keyed_answers
from serving.errors import KeyOutcomeUnknownError, KeyReusedError, SessionNotFoundError, StorageUnavailableError

KEY = RequestKey(tenant_id="a", subject_id="key:1", key="mine")
ONE, OTHER = b"1" * 32, b"2" * 32
SECRET = b"a resume token that nobody is to read"


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class Work:
    def __init__(self, *, is_slow: bool = False) -> None:
        self.num_done = 0
        self.may_end = asyncio.Event()
        if not is_slow:
            self.may_end.set()

    async def __call__(self) -> bytes:
        await self.may_end.wait()
        self.num_done += 1
        return SECRET


@pytest.fixture
async def keyed(database: Database) -> AsyncIterator[KeyedRequests]:
    keyed = KeyedRequests(KeyedAnswers(database, "g-1"), grace_s=0.05)
    yield keyed
    await keyed.close()


async def test_the_same_request_is_answered_alike_and_done_once(keyed: KeyedRequests, database: Database) -> None:
    work = Work()
    assert [await keyed.once(KEY, ONE, work) for _ in range(3)] == [SECRET] * 3
    after_restart = KeyedRequests(KeyedAnswers(database, "g-2"))
    assert await after_restart.once(KEY, ONE, work) == SECRET
    await after_restart.close()
    assert work.num_done == 1


async def test_two_at_the_same_instant_are_done_once_here_and_at_another_gateway(
    keyed: KeyedRequests, database: Database
) -> None:
    work, elsewhere = Work(is_slow=True), KeyedRequests(KeyedAnswers(database, "g-2"))
    asked = [asyncio.ensure_future(each.once(KEY, ONE, work)) for each in (keyed, keyed, elsewhere, elsewhere)]
    await asyncio.sleep(0.05)
    work.may_end.set()
    assert await asyncio.gather(*asked) == [SECRET] * 4
    assert work.num_done == 1
    await elsewhere.close()


async def test_another_request_under_a_used_key_is_refused(keyed: KeyedRequests, database: Database) -> None:
    await keyed.once(KEY, ONE, Work())
    for each in (keyed, KeyedRequests(KeyedAnswers(database, "g-2"))):
        with pytest.raises(KeyReusedError) as caught:
            await each.once(KEY, OTHER, Work())
        assert caught.value.field == "idempotency_key"


async def test_others_may_use_the_same_word(keyed: KeyedRequests) -> None:
    work = Work()
    for tenant_id, subject_id in (("a", "key:1"), ("a", "key:2"), ("b", "key:1")):
        await keyed.once(RequestKey(tenant_id=tenant_id, subject_id=subject_id, key="mine"), ONE, work)
    assert work.num_done == 3


async def test_what_failed_may_be_tried_again(keyed: KeyedRequests) -> None:
    async def fail() -> bytes:
        raise SessionNotFoundError("there is none")

    with pytest.raises(SessionNotFoundError):
        await keyed.once(KEY, ONE, fail)
    assert await keyed.once(KEY, ONE, Work()) == SECRET


async def test_whoever_is_cut_off_finds_what_was_being_done_and_nobody_in_time_ends_it(keyed: KeyedRequests) -> None:
    work = Work(is_slow=True)
    asked = asyncio.ensure_future(keyed.once(KEY, ONE, work))
    await asyncio.sleep(0.02)
    asked.cancel()
    again = asyncio.ensure_future(keyed.once(KEY, ONE, work))
    await asyncio.sleep(0.1)
    assert not again.done(), "it goes on for longer than the grace time: somebody came back"
    again.cancel()
    await asyncio.sleep(0.1)
    work.may_end.set()
    assert work.num_done == 0
    assert await keyed.once(KEY, ONE, work) == SECRET


async def test_without_a_catalogue_it_is_once_as_long_as_the_process_lives() -> None:
    keyed, work = KeyedRequests(None), Work()
    assert [await keyed.once(KEY, ONE, work) for _ in range(2)] == [SECRET] * 2
    assert work.num_done == 1
    await keyed.close()


async def test_no_token_can_be_read_from_the_catalogue(keyed: KeyedRequests, database: Database) -> None:
    await keyed.once(KEY, ONE, Work())
    with database.read() as connection:
        row = connection.execute(select(keyed_answers)).one()
    assert SECRET not in row.answer
    assert KEY.key.encode() not in row.key_sha256 + row.answer
    assert KEY.unseal(row.answer) == SECRET


def test_of_many_gateways_at_the_same_instant_one_begins(database: Database) -> None:
    start = threading.Barrier(4)

    def come(name: str) -> bool:
        answers = KeyedAnswers(database, name)
        start.wait()
        return answers.begin(KEY, ONE) is None

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(come, ("g-1", "g-2", "g-3", "g-4"))) == 1


async def test_while_the_catalogue_is_away_a_request_is_done_once_by_its_gateway(
    keyed: KeyedRequests, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StorageUnavailableError("the catalogue is away")

    monkeypatch.setattr(database, "write", fail)
    work = Work()
    assert [await keyed.once(KEY, ONE, work) for _ in range(2)] == [SECRET] * 2
    assert work.num_done == 1


def test_what_a_dead_gateway_began_is_not_begun_again(database: Database) -> None:
    clock = Clock()
    dead, living = KeyedAnswers(database, "g-1", clock), KeyedAnswers(database, "g-2", clock)
    assert dead.begin(KEY, ONE) is None
    clock.now_s += RUNNING_S - 1
    assert isinstance(living.begin(KEY, ONE), BusyElsewhere)
    dead.renew(KEY)
    clock.now_s += RUNNING_S - 1
    assert isinstance(living.begin(KEY, ONE), BusyElsewhere), "it said that it lives"
    clock.now_s += 1
    with pytest.raises(KeyOutcomeUnknownError):
        living.begin(KEY, ONE)


def test_answers_are_forgotten_after_a_day(database: Database) -> None:
    clock = Clock()
    answers = KeyedAnswers(database, "g-1", clock)
    answers.begin(KEY, ONE)
    answers.finish(KEY, SECRET)
    clock.now_s += KEPT_S - 1
    assert answers.begin(KEY, ONE) == SECRET
    clock.now_s += 2
    assert answers.begin(KEY, OTHER) is None


def test_a_request_is_known_again_by_all_but_its_key() -> None:
    request = session_pb2.ForkSessionRequest(session_id="s-1", label="a", idempotency_key="1")
    again = session_pb2.ForkSessionRequest(session_id="s-1", label="a", idempotency_key="2")
    other = session_pb2.ForkSessionRequest(session_id="s-1", label="b", idempotency_key="1")
    assert request_sha256("/m", request) == request_sha256("/m", again)
    assert request_sha256("/m", request) != request_sha256("/m", other)
    assert request_sha256("/m", request) != request_sha256("/n", request)
    assert request.idempotency_key == "1"
