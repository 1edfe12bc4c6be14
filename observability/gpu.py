"""GPU gauges read from NVML when a scrape asks. A machine without a GPU has none, and says nothing."""

# ruff: noqa: N802  (the names are NVML's)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pynvml
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from observability import metric_table
from observability.metric_table import MetricRow

MILLIWATTS_PER_WATT = 1_000
PERCENT = 100


class Nvml(Protocol):
    """The part of NVML's Python binding that is used here; `pynvml` is one."""

    @property
    def NVML_TEMPERATURE_GPU(self) -> int: ...
    @property
    def NVMLError(self) -> type[Exception]: ...
    def nvmlInit(self) -> Any: ...
    def nvmlDeviceGetCount(self) -> int: ...
    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any: ...
    def nvmlDeviceGetName(self, handle: Any) -> str | bytes: ...
    def nvmlDeviceGetUtilizationRates(self, handle: Any) -> Any: ...
    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> Any: ...
    def nvmlDeviceGetPowerUsage(self, handle: Any) -> int: ...
    def nvmlDeviceGetTemperature(self, handle: Any, sensor: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Gpu:
    index: int
    model: str
    handle: Any


def find_gpus(nvml: Nvml = pynvml) -> tuple[Gpu, ...]:
    """The GPUs of this machine; none where there is no driver."""
    try:
        nvml.nvmlInit()
        handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
        return tuple(Gpu(index, _text(nvml.nvmlDeviceGetName(handle)), handle) for index, handle in enumerate(handles))
    except nvml.NVMLError:
        return ()


class GpuCollector(Collector):
    """Asks NVML at each scrape, so that nothing runs between scrapes."""

    def __init__(
        self, gpus: tuple[Gpu, ...], rows: tuple[MetricRow, ...] = metric_table.GPU_ROWS, nvml: Nvml = pynvml
    ) -> None:
        self._gpus = gpus
        self._rows = rows
        self._nvml = nvml

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for row in self._rows if self._gpus else ():
            family = GaugeMetricFamily(row.name, row.help, labels=row.labels)
            for gpu in self._gpus:
                value = self._read(row, gpu.handle)
                if value is not None:
                    family.add_metric([str(gpu.index), gpu.model], value)
            yield family

    def _read(self, row: MetricRow, handle: Any) -> float | None:
        """One gauge of one GPU; None where this GPU does not offer it (many have no power sensor)."""
        nvml = self._nvml
        try:
            if row is metric_table.GPU_UTILIZATION:
                return nvml.nvmlDeviceGetUtilizationRates(handle).gpu / PERCENT
            if row is metric_table.GPU_MEMORY_USED:
                return float(nvml.nvmlDeviceGetMemoryInfo(handle).used)
            if row is metric_table.GPU_MEMORY_CAPACITY:
                return float(nvml.nvmlDeviceGetMemoryInfo(handle).total)
            if row is metric_table.GPU_POWER:
                return nvml.nvmlDeviceGetPowerUsage(handle) / MILLIWATTS_PER_WATT
            return float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
        except nvml.NVMLError:
            return None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
