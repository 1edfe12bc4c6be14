"""GPU gauges: read where there are GPUs, absent without complaint where there are none."""

# ruff: noqa: N802  (the names are NVML's)

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from observability.gpu import GpuCollector, find_gpus


class FakeNvmlError(Exception):
    pass


class FakeNvml:
    """Two GPUs, the second without a power sensor; or no driver at all."""

    NVML_TEMPERATURE_GPU = 0
    NVMLError = FakeNvmlError

    def __init__(self, has_driver: bool = True) -> None:
        self._has_driver = has_driver

    def nvmlInit(self) -> None:
        if not self._has_driver:
            raise FakeNvmlError("Driver Not Loaded")

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> str | bytes:
        return ("H200", b"L4")[handle]

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        return SimpleNamespace(gpu=(50, 100)[handle])

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(used=2**30, total=2**34)

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        if handle == 1:
            raise FakeNvmlError("Not Supported")
        return 350_500

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:
        return 61


def registry_of(nvml: FakeNvml) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(GpuCollector(find_gpus(nvml), nvml=nvml))
    return registry


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("nacre_gpu_utilization_ratio", 0.5, 1.0),
        ("nacre_gpu_memory_used_bytes", 2.0**30, 2.0**30),
        ("nacre_gpu_memory_capacity_bytes", 2.0**34, 2.0**34),
        ("nacre_gpu_power_watts", 350.5, None),
        ("nacre_gpu_temperature_celsius", 61.0, 61.0),
    ],
)
def test_each_gpu_is_read_in_base_units(name: str, first: float, second: float | None) -> None:
    registry = registry_of(FakeNvml())
    assert registry.get_sample_value(name, {"gpu": "0", "model": "H200"}) == first
    assert registry.get_sample_value(name, {"gpu": "1", "model": "L4"}) == second


def test_a_machine_without_a_driver_has_no_gauges() -> None:
    assert list(registry_of(FakeNvml(has_driver=False)).collect()) == []


def test_this_machine_is_asked_without_complaint() -> None:
    assert isinstance(find_gpus(), tuple)
