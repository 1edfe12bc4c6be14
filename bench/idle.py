"""What the service costs while nobody plays."""

from __future__ import annotations

import time

from bench.measure import Service
from bench.process_tree import TreeUse, measure_tree
from bench.results import Result

SETTLE_S = 5.0  # what starting left to do is not idling
AIM_SHARE = 0.2
GIB = 1 << 30


def bench_idle(service: Service, seconds: float) -> Result:
    """Processor time of all processes of the service, as a share of one core."""
    assert service.pid, "a service on this machine"
    time.sleep(SETTLE_S)
    before, start_s = measure_tree(service.pid), time.monotonic()
    time.sleep(seconds)
    after, wall_s = measure_tree(service.pid), time.monotonic() - start_s
    share = after.cpu_s_since(before) / wall_s
    return Result(
        benchmark="idle",
        model="none running",
        settings={"seconds": seconds},
        figures={
            "core_share": share,
            "rss_bytes": after.rss_bytes,
            "processes": _by_process(before, after, wall_s),
        },
        summary=(
            f"{share:.1%} of one core (aim: <= {AIM_SHARE:.0%}), {after.rss_bytes / GIB:.2f} GiB"
            f" in {len(after.processes)} processes",
        ),
    )


def _by_process(before: TreeUse, after: TreeUse, wall_s: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"name": use.name, "role": use.role, "core_share": cpu_s / wall_s, "rss_bytes": use.rss_bytes}
        for use, cpu_s in after.cpu_s_by_process(before).items()
    ]
    return sorted(rows, key=lambda row: str(row["name"]))
