"""How the call that is being answered wants to come by a place, and how far it is. Set where calls come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from nacre.v1 import quota_pb2
from serving.admission.turn import Standing
from serving.errors import InvalidFieldError
from serving.gateway.validation import check_id

MAX_WAIT_S = 3_600.0


class Asking:
    """What one call asks for, and where those who follow it hear how far it is."""

    def __init__(self, wait_s: float = 0.0, reservation_id: str = "") -> None:
        self.wait_s = wait_s
        self.reservation_id = reservation_id
        self.waited_s = 0.0  # in the queue
        self.give_up_s = 0.0  # when the wait is over (time.time), as far as anybody is told
        self._standing: Standing | None = None
        self._changed = asyncio.Event()

    @property
    def eta_s(self) -> float | None:
        """As it was told last."""
        return None if self._standing is None else self._standing.eta_s

    def tell(self, standing: Standing) -> None:
        if standing == self._standing:
            return
        self._standing = standing
        self._changed.set()
        self._changed = asyncio.Event()

    async def standings(self) -> AsyncIterator[Standing]:
        """The latest, and each that comes. Those in between may be left out. Never ends by itself."""
        told: Standing | None = None
        while True:
            changed = self._changed
            if self._standing is not None and self._standing != told:
                told = self._standing
                yield told
            else:
                await changed.wait()


_asking: ContextVar[Asking | None] = ContextVar("asking", default=None)


def asking() -> Asking:
    """Of the call that is being answered; for a refusal at once where it says nothing."""
    return _asking.get() or Asking()


@contextmanager
def asking_as(asked: Asking) -> Iterator[None]:
    token = _asking.set(asked)
    try:
        yield
    finally:
        _asking.reset(token)


def check_wait(seconds: float, field: str) -> float:
    if not 0 <= seconds <= MAX_WAIT_S:
        raise InvalidFieldError(f"waiting takes 0 to {MAX_WAIT_S:g} s", field=field)
    return seconds


def check_admission(message: quota_pb2.Admission) -> Asking:
    """Raises `InvalidFieldError`."""
    wait_s = check_wait(message.wait.seconds + message.wait.nanos / 1e9, "admission.wait")
    reservation_id = message.reservation_id
    return Asking(wait_s, check_id(reservation_id, "admission.reservation_id") if reservation_id else "")
