"""What playing for a while will use, before it begins. Pure."""

from __future__ import annotations

from decimal import Decimal

from serving.books.prices import PriceSheet
from serving.books.usage import SESSION, Bill, Usage, UsageRow, bill_for


def quote(duration_s: float, frame_rate: float, num_viewers: int) -> Usage:
    """Of one session that plays all the time, and is not late."""
    num_frames = round(duration_s * frame_rate)
    return Usage(
        num_frames=num_frames,
        num_viewer_frames=num_viewers * num_frames,
        seconds=Decimal(str(duration_s)).quantize(Decimal("0.001")),
    )


def quoted_bill(usage: Usage, model: str, now_s: float, sheet: PriceSheet) -> Bill:
    """At the prices of now."""
    row = UsageRow(seq=0, kind=SESSION, time_s=now_s, session_id="", world_id="", model=model, usage=usage)
    return bill_for([row], sheet)
