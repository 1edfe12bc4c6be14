"""The line between two networks: what one tunnel's end gives and what comes through goes into the other."""

from __future__ import annotations

import os
import select
import threading
import time
from dataclasses import dataclass, replace
from itertools import chain
from types import TracebackType
from typing import Any, Self

from bench.lossy.link import Link, LinkConfig
from bench.statistics import percentile

MAX_PACKET_BYTES = 1 << 16
STOP = b"s"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Direction:
    source: int
    sink: int
    link: Link


class Relay:
    """Both directions, in a thread of its own, from the block's beginning to its end.

    `near` and `far` are descriptors that do not block, of tunnels or of anything that keeps packets apart; the relay
    closes them. Directions have dice of their own.
    """

    def __init__(self, near: int, far: int, config: LinkConfig) -> None:
        up, down = (Link(replace(config, seed=2 * config.seed + which)) for which in range(2))
        self._directions = (
            _Direction(source=near, sink=far, link=up),
            _Direction(source=far, sink=near, link=down),
        )
        self._stopped, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run, name="lossy-relay", daemon=True)
        self.num_refused = 0  # packets that the other end did not take
        self.fault = ""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.write(self._stop, STOP)
        self._thread.join()
        for each in (self._stop, self._stopped, *(each.source for each in self._directions)):
            os.close(each)

    def figures(self) -> dict[str, Any]:
        """How well it was the line it was meant to be. Milliseconds beyond the delay."""
        links = [each.link for each in self._directions]
        lag_ms = [1_000 * each for each in chain.from_iterable(link.lag_s for link in links)]
        return {
            "num_packets": sum(link.num_packets for link in links),
            "num_lost": sum(link.num_lost for link in links),
            "num_not_taken": self.num_refused + sum(link.num_overflowed for link in links),
            "lag_p50_ms": percentile(lag_ms, 50),
            "lag_p99_ms": percentile(lag_ms, 99),
        }

    def _run(self) -> None:
        sources = [each.source for each in self._directions]
        try:
            while True:
                ready, _, _ = select.select([self._stopped, *sources], [], [], self._patience_s())
                if self._stopped in ready:
                    return
                for each in self._directions:
                    if each.source in ready:
                        self._read(each)
                    self._write(each)
        except OSError as error:  # told by whoever looks: the play goes on without a line, and sees nothing
            self.fault = f"the line broke: {error}"

    def _patience_s(self) -> float | None:
        due_s = [each.link.due_s for each in self._directions if each.link.due_s is not None]
        return max(0.0, min(due_s) - time.monotonic()) if due_s else None

    def _read(self, direction: _Direction) -> None:
        while True:
            try:
                packet = os.read(direction.source, MAX_PACKET_BYTES)
            except BlockingIOError:
                return
            if not packet:
                raise OSError("one of its ends was closed")
            direction.link.take(packet, time.monotonic())

    def _write(self, direction: _Direction) -> None:
        for packet in direction.link.give(time.monotonic()):
            try:
                os.write(direction.sink, packet)
            except OSError:
                self.num_refused += 1
