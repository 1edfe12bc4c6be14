"""The service's memory and step times now and then, read beside a play."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bench.measure import Service
from bench.process_tree import ProcessUse, measure_tree
from bench.scrape import StageTotals, parse_heap, parse_stages, read_page
from bench.service import ServiceError
from observability.heap import Heap

SAMPLE_EVERY_S = 5.0
# A step takes megabytes for as long as it lasts, and may be caught at it. What is held between steps is the least of
# several looks; intervals of another length than a chunk's meet every phase of it.
LOOKS = 10
MAX_NAME_CHARS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakSample:
    time_s: float
    rss_bytes_by_process: Mapping[str, int]  # those of the service; the least since the sample before
    anonymous_bytes_by_process: Mapping[str, int] = field(default_factory=dict)  # of it, what is no file's
    stages: StageTotals
    heaps: Mapping[str, Heap] = field(default_factory=dict)  # of the gateways and workers, by where they tell it

    @property
    def rss_bytes(self) -> int:
        return sum(self.rss_bytes_by_process.values())

    @property
    def anonymous_bytes(self) -> int:
        return sum(self.anonymous_bytes_by_process.values())


class SoakSampler:
    """Samples from a thread of its own."""

    def __init__(
        self,
        service: Service,
        on_sample: Callable[[SoakSample], None] = lambda sample: None,
        interval_s: float = SAMPLE_EVERY_S,
    ) -> None:
        self._service = service
        self._on_sample = on_sample
        self._interval_s = interval_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="soak-sampler", daemon=True)
        self.samples: list[SoakSample] = []
        self.num_missed = 0  # where a metrics endpoint did not answer in time

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        assert self._service.pid, "a service on this machine"
        while (seen := self._least_of_looks(self._service.pid)) is not None:
            try:
                pages = {url: read_page(url) for url in self._service.metrics_urls}
            except ServiceError:  # a machine that is busy for once is no reason to be blind from then on
                self.num_missed += 1
                continue
            sample = SoakSample(
                time_s=time.monotonic(),
                rss_bytes_by_process={name: rss_bytes for name, (rss_bytes, _) in seen.items()},
                anonymous_bytes_by_process={name: num_bytes for name, (_, num_bytes) in seen.items()},
                stages=parse_stages(pages.values()),
                heaps={url: heap for url, page in pages.items() if (heap := parse_heap(page)) is not None},
            )
            self.samples.append(sample)
            self._on_sample(sample)

    def _least_of_looks(self, pid: int) -> dict[str, tuple[int, int]] | None:
        """Of every process its memory, and what of that is no file's; None at the end."""
        least: dict[str, tuple[int, int]] = {}
        for _ in range(LOOKS):
            if self._is_over.wait(self._interval_s / LOOKS):
                return None
            looked = {_label(each): (each.rss_bytes, each.anonymous_bytes) for each in measure_tree(pid).processes}
            least = {name: min(now, least.get(name, now)) for name, now in looked.items()}
        return least


def _label(process: ProcessUse) -> str:
    return f"{process.name[:MAX_NAME_CHARS]} {process.pid}"
