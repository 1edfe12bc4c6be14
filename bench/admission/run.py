"""`python -m bench admission`: refusals with a full house, the cost of a control, and sessions that come and go."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

from bench.admission.measures import ControlCost, Rejections, churn, compared, control_cost, reject
from bench.admission.rig import TOY_MODEL, House, house
from bench.results import Result

AIM_REJECTION_S = 0.1
AIM_CONTROL_S = 0.0003
NUM_SLOTS = 2
LEAKABLE = ("num_files", "num_tasks", "num_used_slots", "num_leases")
MODEL = f"toy ({TOY_MODEL})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionBenchConfig:
    rejections: int = 1_000
    sessions: int = 10_000
    rounds: int = 5
    control_seconds: float = 20.0
    controls_per_s: float = 50.0  # below what a session may send


def bench_admission(config: AdmissionBenchConfig) -> Result:
    """Raises `ServiceError`."""
    return asyncio.run(_bench(config))  # one loop for all: gRPC does not like to be taken to another


async def _bench(config: AdmissionBenchConfig) -> Result:
    with house(num_slots=NUM_SLOTS) as full:
        rejections = await reject(full, NUM_SLOTS, config.rejections)
    with house(num_slots=NUM_SLOTS) as full, house(num_slots=NUM_SLOTS, plain=True) as plain:
        controls = compared(*await _in_turns(full, plain, config))
    with house(num_slots=NUM_SLOTS) as full:
        sessions = await churn(full, config.sessions)
    return Result(
        benchmark="admission",
        model=MODEL,
        settings=asdict(config),
        figures={"rejections": asdict(rejections), "controls": controls, "sessions": sessions},
        summary=_summary(rejections, controls, sessions),
        faults=tuple(_faults(rejections, sessions, config)),
    )


async def _in_turns(
    full: House, plain: House, config: AdmissionBenchConfig
) -> tuple[list[ControlCost], list[ControlCost]]:
    costs: tuple[list[ControlCost], list[ControlCost]] = ([], [])
    for _ in range(config.rounds):
        for kind, measured in zip((full, plain), costs, strict=True):
            measured.append(await control_cost(kind, config.control_seconds, config.controls_per_s))
    return costs


def _summary(rejections: Rejections, controls: dict[str, Any], sessions: dict[str, Any]) -> tuple[str, ...]:
    p50_s, p99_s = rejections.p50_s or 0.0, rejections.p99_s or 0.0
    ratio = controls["ratio"]
    return (
        f"refused with a full house: p50 {1000 * p50_s:.1f} ms, p99 {1000 * p99_s:.1f} ms"
        f" (aim: <= {1000 * AIM_REJECTION_S:.0f} ms), of {rejections.num_rejected}",
        f"a control: {1000 * controls['per_control_s']:.3f} ms of processor, and"
        f" {1000 * controls['plain_per_control_s']:.3f} ms without authentication, quotas and books"
        + (f" (ratio {ratio:.2f})" if ratio else "")
        + f": {1000 * controls['added_per_control_s']:.3f} ms added (aim: <= {1000 * AIM_CONTROL_S:.1f} ms)",
        f"{sessions['num_sessions']:,} sessions came and went, {sessions['sessions_per_s']:.1f} a second:"
        f" {sessions['bytes_per_session']:+,.0f} bytes each"
        f" ({sessions['bytes_per_session_low']:+,.0f} to {sessions['bytes_per_session_high']:+,.0f})",
        *(f"{name}: {sessions['before'][name]} before, {sessions['after'][name]} after" for name in LEAKABLE),
        f"places held afterwards: {sessions['num_places']}",
    )


def _faults(rejections: Rejections, sessions: dict[str, Any], config: AdmissionBenchConfig) -> list[str]:
    """What was lost or left behind; slow is no fault."""
    faults = [
        f"{name} went from {sessions['before'][name]} to {sessions['after'][name]}"
        for name in LEAKABLE
        if sessions["after"][name] > sessions["before"][name]
    ]
    if sessions["num_places"]:
        faults.append(f"{sessions['num_places']} places are still held")
    if rejections.num_rejected != config.rejections:
        faults.append(f"{config.rejections - rejections.num_rejected} were let into a full house")
    return faults
