"""The service's own figures, read from its metrics endpoints before and after, and subtracted."""

from __future__ import annotations

import math
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bench.service import ServiceError
from observability.heap import Heap
from observability.metric_table import CHUNK_STAGE, HEAP_FREE, HEAP_IN_USE, WORKER_STAGE, WORKER_STAGE_CPU

TIMEOUT_S = 5.0
TRANSFORMER = "transformer"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramTotals:
    """One series of a histogram: how many, how much, and how many up to each edge."""

    count: float = 0.0
    sum: float = 0.0
    buckets: Mapping[float, float] = field(default_factory=dict)

    def __sub__(self, earlier: HistogramTotals) -> HistogramTotals:
        buckets = {edge: count - earlier.buckets.get(edge, 0.0) for edge, count in self.buckets.items()}
        return HistogramTotals(count=self.count - earlier.count, sum=self.sum - earlier.sum, buckets=buckets)

    def __add__(self, other: HistogramTotals) -> HistogramTotals:
        edges = {*self.buckets, *other.buckets}
        buckets = {edge: self.buckets.get(edge, 0.0) + other.buckets.get(edge, 0.0) for edge in edges}
        return HistogramTotals(count=self.count + other.count, sum=self.sum + other.sum, buckets=buckets)

    @property
    def mean(self) -> float | None:
        return self.sum / self.count if self.count else None

    def percentile(self, percent: float) -> float | None:
        """Linear within its bucket; the last finite edge for what lies beyond it."""
        rank = self.count * percent / 100
        low_edge, low_count = 0.0, 0.0
        for edge, count in sorted(self.buckets.items()):
            if count >= rank and count > low_count:
                if math.isinf(edge):
                    return low_edge
                return low_edge + (edge - low_edge) * (rank - low_count) / (count - low_count)
            low_edge, low_count = (edge, count) if math.isfinite(edge) else (low_edge, count)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTotals:
    """Seconds that delivered chunks took in each stage, since the service started."""

    stages: Mapping[str, HistogramTotals] = field(default_factory=dict)
    num_steps: float = 0.0  # of the transformers: a chunk for every session in each, delivered or not
    model_cpu_s: float = 0.0  # processor time of all calls of the workers' stages
    step_cpu_s: float = 0.0  # of the transformers' alone

    def __sub__(self, earlier: StageTotals) -> StageTotals:
        stages = {name: totals - earlier.stages.get(name, HistogramTotals()) for name, totals in self.stages.items()}
        return StageTotals(
            stages={name: totals for name, totals in stages.items() if totals.count},
            num_steps=self.num_steps - earlier.num_steps,
            model_cpu_s=self.model_cpu_s - earlier.model_cpu_s,
            step_cpu_s=self.step_cpu_s - earlier.step_cpu_s,
        )

    def __add__(self, other: StageTotals) -> StageTotals:
        names = {*self.stages, *other.stages}
        nothing = HistogramTotals()
        return StageTotals(
            stages={name: self.stages.get(name, nothing) + other.stages.get(name, nothing) for name in names},
            num_steps=self.num_steps + other.num_steps,
            model_cpu_s=self.model_cpu_s + other.model_cpu_s,
            step_cpu_s=self.step_cpu_s + other.step_cpu_s,
        )

    @property
    def seconds_per_chunk(self) -> dict[str, float]:
        return {name: totals.sum / totals.count for name, totals in sorted(self.stages.items()) if totals.count}


def read_stages(metrics_urls: Iterable[str]) -> StageTotals:
    """Raises ServiceError where an endpoint does not answer."""
    return parse_stages(read_page(url) for url in metrics_urls)


def parse_stages(pages: Iterable[str]) -> StageTotals:
    """Adds up the pages of several gateways and workers."""
    num_steps = model_cpu_s = step_cpu_s = 0.0
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, float] = defaultdict(float)
    buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for page in pages:
        for family in text_string_to_metric_families(page):
            num_steps += sum(_is_step_count(sample) * sample.value for sample in family.samples)
            model_cpu_s += sum(sample.value for sample in family.samples if sample.name == WORKER_STAGE_CPU.name)
            step_cpu_s += sum(sample.value for sample in family.samples if _is_step_cpu(sample))
            for sample in family.samples if family.name == CHUNK_STAGE.name else ():
                stage = sample.labels["stage"]
                if sample.name.endswith("_sum"):
                    sums[stage] += sample.value
                elif sample.name.endswith("_count"):
                    counts[stage] += sample.value
                elif sample.name.endswith("_bucket"):
                    buckets[stage][float(sample.labels["le"])] += sample.value
    return StageTotals(
        stages={
            stage: HistogramTotals(count=counts[stage], sum=sums[stage], buckets=dict(buckets[stage])) for stage in sums
        },
        num_steps=num_steps,
        model_cpu_s=model_cpu_s,
        step_cpu_s=step_cpu_s,
    )


def parse_heap(page: str) -> Heap | None:
    """What the process that answers holds of the C library's heap; None where it does not tell."""
    values = {sample.name: sample.value for family in text_string_to_metric_families(page) for sample in family.samples}
    if HEAP_IN_USE.name not in values:
        return None
    return Heap(in_use_bytes=round(values[HEAP_IN_USE.name]), free_bytes=round(values[HEAP_FREE.name]))


def _is_step_cpu(sample: Sample) -> bool:
    return sample.name == WORKER_STAGE_CPU.name and sample.labels["stage"] == TRANSFORMER


def _is_step_count(sample: Sample) -> bool:
    return sample.name == f"{WORKER_STAGE.name}_count" and sample.labels["stage"] == TRANSFORMER


def read_page(url: str) -> str:
    """Raises ServiceError where it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
            return response.read().decode()
    except OSError as error:
        raise ServiceError(f"no metrics at {url}: {error}") from error
