"""Threads that wait for the catalogue, so that whoever asks need not, or not for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, TypeVar

from serving.errors import StorageUnavailableError

Answer = TypeVar("Answer")
# A server that is frozen says nothing at all, and keeps nobody from ending a session. A disk that others keep busy may
# take seconds, which whoever begins one would rather wait than begin again.
ANSWER_TIMEOUT_S = 5.0


async def answer_of(pool: Executor, call: Callable[[], Answer]) -> Answer:
    """Of the catalogue, asked on a thread of `pool`. Raises `StorageUnavailableError`, also where it says nothing."""
    answer = asyncio.get_running_loop().run_in_executor(pool, call)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return await answer
    except TimeoutError as error:
        raise StorageUnavailableError("the catalogue does not answer") from error


class CatalogueThread:
    """Asks the catalogue one thing after the other, so that nobody has to wait for the answer."""

    def __init__(self, on_answer: Callable[[], None]) -> None:
        self._on_answer = on_answer
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="catalogue", daemon=True)
        self._thread.start()

    def ask(self, call: Callable[[], Answer]) -> Future[Answer]:
        answer: Future[Answer] = Future()
        answer.add_done_callback(lambda _: self._on_answer())
        self._calls.put(lambda: self._call(call, answer))
        return answer

    def close(self, timeout_s: float) -> None:
        """Leave what takes longer to itself."""
        self._calls.put(None)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()

    @staticmethod
    def _call(call: Callable[[], Any], answer: Future[Any]) -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)
