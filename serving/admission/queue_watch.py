"""What is measured of the queue: who waits, for how long, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

AT_ONCE, REFUSED = "at_once", "refused"
ADMITTED, GIVEN_UP, LEFT = "admitted", "given_up", "left"


class QueueMetrics(Protocol):
    """Of one tenant. Its methods cost next to nothing and never raise."""

    def place_asked(self, outcome: str) -> None:
        """And nobody waited. `outcome`: AT_ONCE or REFUSED."""
        ...

    def queue_joined(self) -> None: ...

    def queue_left(self, outcome: str, waited_s: float) -> None:
        """`outcome`: ADMITTED, GIVEN_UP when the time was over, or LEFT by whoever waited."""
        ...


class Unmeasured:
    def place_asked(self, outcome: str) -> None: ...

    def queue_joined(self) -> None: ...

    def queue_left(self, outcome: str, waited_s: float) -> None: ...


@contextmanager
def waiting(metrics: QueueMetrics, clock: Callable[[], float]) -> Iterator[None]:
    """For as long as one waits: the block ends with a place, by `TimeoutError` or otherwise. `clock`: in seconds."""
    began_s, outcome = clock(), LEFT
    metrics.queue_joined()
    try:
        yield
        outcome = ADMITTED
    except TimeoutError:
        outcome = GIVEN_UP
        raise
    finally:
        metrics.queue_left(outcome, clock() - began_s)
