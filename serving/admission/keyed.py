"""Requests with an idempotency key: each is done once, however often it comes."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from serving.admission.keyed_answers import RUNNING_S, BusyElsewhere, KeyedAnswers, RequestKey
from serving.catalogue.asking import answer_of
from serving.errors import KeyReusedError, StorageUnavailableError, UnavailableError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
# Answers that are at hand without asking the catalogue, and all there are where there is none.
REMEMBERED_ANSWERS = 1_024
# How long something is carried on that nobody waits for any more: a client that was cut off may ask again.
GRACE_S = 10.0
# How long another gateway that has the request is waited for, and how often it is looked.
ELSEWHERE_S, ELSEWHERE_POLL_S = 10.0, 0.1


@dataclass(slots=True)
class _Running:
    request_sha256: bytes
    task: asyncio.Task[bytes]
    num_waiting: int = 0
    expiry: asyncio.TimerHandle | None = None


def request_sha256(method: str, request: Message) -> bytes:
    """Of all that a request says but its key."""
    bare = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("idempotency_key")
    return hashlib.sha256(method.encode() + b"\0" + bare.SerializeToString(deterministic=True)).digest()


class KeyedRequests:
    """Use `close` at the end: what is still being done is cancelled."""

    def __init__(self, answers: KeyedAnswers | None, grace_s: float = GRACE_S) -> None:
        """Without `answers` they are remembered as long as this process lives."""
        self._answers = answers
        self._grace_s = grace_s
        self._running: dict[RequestKey, _Running] = {}
        self._recent: OrderedDict[RequestKey, tuple[bytes, bytes]] = OrderedDict()  # (request, answer), oldest first
        self._pool = ThreadPoolExecutor(1, "keyed-answers")

    async def once(self, key: RequestKey, sha256: bytes, work: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer of `work`, or the one that this request was given before. Raises `KeyReusedError`,
        `KeyOutcomeUnknownError` and whatever `work` does: what failed may be tried again under the same key."""
        if (known := self._recent.get(key)) is not None:
            _check_same(known[0], sha256)
            return known[1]
        running = self._running.get(key)
        if running is None:
            # Owned by this object until it is done: whoever asks first may leave before others do.
            task = asyncio.create_task(self._do(key, sha256, work), name="keyed-request")
            running = self._running[key] = _Running(sha256, task)
            task.add_done_callback(lambda _: self._running.pop(key))
        _check_same(running.request_sha256, sha256)
        return await self._wait(running)

    async def is_new(self, key: RequestKey, sha256: bytes) -> bool:
        """Whether nobody has begun it, here or elsewhere, as far as is known. Raises `KeyReusedError`."""
        known = [each.request_sha256 for each in (self._running.get(key),) if each is not None]
        known += [each[0] for each in (self._recent.get(key),) if each is not None]
        if known:
            _check_same(known[0], sha256)
            return False
        try:
            return await self._ask(lambda answers: answers.is_new(key, sha256)) is not False
        except StorageUnavailableError:  # what comes next will say so
            return True

    def is_under_way(self, key: RequestKey) -> bool:
        return key in self._running

    async def close(self) -> None:
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._pool.shutdown()

    async def _wait(self, running: _Running) -> bytes:
        running.num_waiting += 1
        if running.expiry is not None:
            running.expiry.cancel()
        try:
            return await asyncio.shield(running.task)
        finally:
            running.num_waiting -= 1
            if not running.num_waiting and not running.task.done():
                loop = asyncio.get_running_loop()
                running.expiry = loop.call_later(self._grace_s, running.task.cancel)
            elif running.task.done() and not running.task.cancelled():
                running.task.exception()  # told to whoever waited, or to nobody

    async def _do(self, key: RequestKey, sha256: bytes, work: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            known = await self._begin(key, sha256)
        except StorageUnavailableError as error:
            # What needs the catalogue fails by itself; what does not is done, once by this gateway.
            logger.warning("a request is remembered by this gateway alone: %s", error.message)
            answer = await work()
        else:
            answer = await self._do_first(key, work) if known is None else known
        self._remember(key, sha256, answer)
        return answer

    async def _do_first(self, key: RequestKey, work: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            answer = await self._renewed(key, work)
        except BaseException:
            await asyncio.shield(self._note(lambda answers: answers.forget(key)))
            raise
        await asyncio.shield(self._note(lambda answers: answers.finish(key, answer)))
        return answer

    async def _begin(self, key: RequestKey, sha256: bytes) -> bytes | None:
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + ELSEWHERE_S
        while loop.time() < give_up_s:
            known = await self._ask(lambda answers: answers.begin(key, sha256))
            if not isinstance(known, BusyElsewhere):
                return known
            await asyncio.sleep(ELSEWHERE_POLL_S)
        raise UnavailableError("another gateway is still busy with this request", retry_after_s=1.0)

    async def _renewed(self, key: RequestKey, work: Callable[[], Awaitable[bytes]]) -> bytes:
        async def renew() -> None:
            while True:
                await asyncio.sleep(RUNNING_S / 3)
                await self._note(lambda answers: answers.renew(key))

        renewing = asyncio.create_task(renew())
        try:
            return await work()
        finally:
            renewing.cancel()

    async def _note(self, call: Callable[[KeyedAnswers], None]) -> None:
        try:
            await self._ask(call)
        except StorageUnavailableError as error:
            logger.warning("the answer to a request is not kept: %s", error.message)

    async def _ask(self, call: Callable[[KeyedAnswers], Answer]) -> Answer | None:
        if self._answers is None:
            return None
        answers = self._answers
        return await answer_of(self._pool, lambda: call(answers))

    def _remember(self, key: RequestKey, sha256: bytes, answer: bytes) -> None:
        self._recent[key] = (sha256, answer)
        if len(self._recent) > REMEMBERED_ANSWERS:
            self._recent.popitem(last=False)


def _check_same(known_sha256: bytes, sha256: bytes) -> None:
    if known_sha256 != sha256:
        raise KeyReusedError("the key came with another request before", field="idempotency_key")
