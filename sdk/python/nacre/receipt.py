"""What a verb returns: a receipt that settles with the outcome of its control."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from nacre.errors import NacreError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The control took effect: the first chunk and frame that it shaped."""

    control_id: str
    chunk_index: int
    frame_index: int
    world_time_s: float
    # Of a sentence: what it was taken to ask for, such as ("weather: rain",); empty where it asks for nothing that the
    # model knows. None where the service does not tell, and of others.
    understood: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """Another control took its place before it took effect."""

    control_id: str
    by_control_id: str
    reason: str = "later"  # or "cancelled", "director" or "outvoted"
    by_client_id: str = ""  # who sent that one, where the service told


Outcome = Applied | Superseded


class Settling(Generic[T]):
    """A value or an error that comes once. Any number may await it; none has to."""

    def __init__(self, on_wait: Callable[[], None]) -> None:
        # Holds errors as values: a future's own exception would be complained about when nobody looks.
        self._future: asyncio.Future[T | NacreError] = asyncio.get_running_loop().create_future()
        self._on_wait = on_wait
        self.num_waiting = 0

    @property
    def is_settled(self) -> bool:
        return self._future.done()

    @property
    def value(self) -> T | NacreError | None:
        return self._future.result() if self._future.done() else None

    def settle(self, value: T | NacreError) -> None:
        """Only the first time counts."""
        if not self._future.done():
            self._future.set_result(value)

    def __await__(self) -> Generator[None, None, T]:
        return self._wait().__await__()

    async def _wait(self) -> T:
        self.num_waiting += 1
        try:
            if not self._future.done():
                self._on_wait()
            value = await asyncio.shield(self._future)  # who stops waiting must not stop the others
        finally:
            self.num_waiting -= 1
        if isinstance(value, NacreError):
            raise value
        return value


class Receipt:
    """Awaiting it gives `Applied` or `Superseded`, or raises:

    `ControlRejected`, `SessionEnded`, `Detached` (the world was left first), or `ConnectionLost`
    (the outcome is unknown). It always settles, and may be left alone.
    """

    def __init__(self, control_id: str, sent_s: float, on_wait: Callable[[], None]) -> None:
        self.control_id = control_id
        self.sent_s = sent_s  # time.monotonic() when the verb was called
        self.is_scheduled = False
        self.due_chunk_index: int | None = None  # of one that is scheduled, once it was accepted and that is known
        self._accepted: Settling[None] = Settling(on_wait)
        self._outcome: Settling[Outcome] = Settling(on_wait)

    @property
    def accepted(self) -> Awaitable[None]:
        """Settles once the service has the control, valid and journaled; raises as awaiting the receipt does."""
        return self._accepted

    @property
    def is_settled(self) -> bool:
        return self._outcome.is_settled

    @property
    def outcome(self) -> Outcome | NacreError | None:
        """The outcome, or the error that awaiting raises; None while neither is known."""
        return self._outcome.value

    @property
    def is_awaited(self) -> bool:
        return self._outcome.num_waiting + self._accepted.num_waiting > 0

    @property
    def is_accepted(self) -> bool:
        return self._accepted.is_settled

    def accept(self, due_chunk_index: int | None = None) -> None:
        self.due_chunk_index = due_chunk_index
        self._accepted.settle(None)

    def settle(self, outcome: Outcome | NacreError) -> None:
        self._accepted.settle(outcome if isinstance(outcome, NacreError) else None)
        self._outcome.settle(outcome)

    def __await__(self) -> Generator[None, None, Outcome]:
        return self._outcome.__await__()

    def __repr__(self) -> str:
        return f"Receipt({self.control_id!r}, {self.outcome or 'pending'})"
