"""When a control is to take effect, from what its client asked for. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

from nacre.v1 import control_pb2
from serving.errors import InvalidFieldError, PredecessorLostError
from serving.gateway.controls import Fate
from serving.sessions.attribution import Schedule

# A clock that is wrong, not a plan.
MAX_AHEAD_S = 86_400.0
MAX_CHUNK_IDX = 1 << 53
# A world time is a sum of chunk times in floating point; a chunk that begins this much earlier begins then.
SAME_TIME_S = 1e-6
FIELD = "control.schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A schedule as a client asks for it. One of the three, or none with `after_control_id`."""

    chunk_idx: int | None = None
    world_time_s: float | None = None
    after_s: float | None = None
    after_control_id: str = ""


def check_wish(message: control_pb2.Control) -> Wish | None:
    """Raises `InvalidFieldError`."""
    if not message.HasField("schedule"):
        return None
    schedule = message.schedule
    match schedule.WhichOneof("when"):
        case "at_chunk_index":
            if schedule.at_chunk_index > MAX_CHUNK_IDX:
                raise InvalidFieldError("no session gets that far", field=f"{FIELD}.at_chunk_index")
            wish = Wish(chunk_idx=schedule.at_chunk_index)
        case "at_world_time":
            wish = Wish(world_time_s=_seconds(schedule.at_world_time, f"{FIELD}.at_world_time", math.inf))
        case "after":
            after_s = _seconds(schedule.after, f"{FIELD}.after", MAX_AHEAD_S)
            wish = Wish(after_s=after_s, after_control_id=schedule.after_control_id)
        case _:
            if not schedule.after_control_id:
                raise InvalidFieldError("the schedule says nothing", field=FIELD)
            wish = Wish(after_control_id=schedule.after_control_id)
    if schedule.after_control_id and not wish.after_control_id:
        message_text = "at a time, or after a control; not both"
        raise InvalidFieldError(message_text, field=f"{FIELD}.after_control_id")
    return wish


def plan(wish: Wish, next_chunk_idx: int, chunk_duration_s: float, fate: Fate | None) -> Schedule:
    """`next_chunk_idx`: of the chunk that is shown next. `fate`: of `after_control_id`, None for one that is not known.
    Raises `InvalidFieldError` or `PredecessorLostError`."""
    if wish.after_control_id:
        schedule = Schedule(
            after_control_id=wish.after_control_id, delay_chunks=_chunks(wish.after_s or 0.0, chunk_duration_s)
        )
        return _after(schedule, fate)
    if wish.after_s is not None:
        return Schedule(chunk_idx=next_chunk_idx + _chunks(wish.after_s, chunk_duration_s))
    if wish.world_time_s is not None:
        chunk_idx = _chunks(wish.world_time_s, chunk_duration_s)
    else:
        assert wish.chunk_idx is not None, "a wish says something"
        chunk_idx = wish.chunk_idx
    if (chunk_idx - next_chunk_idx) * chunk_duration_s > MAX_AHEAD_S:
        raise InvalidFieldError(f"at most {MAX_AHEAD_S:g} s of world time ahead", field=FIELD)
    return Schedule(chunk_idx=chunk_idx)


def _after(schedule: Schedule, fate: Fate | None) -> Schedule:
    if fate is None:
        raise InvalidFieldError("the session had no control of that id lately", field=f"{FIELD}.after_control_id")
    if fate.is_lost:
        raise PredecessorLostError(
            "the control that it was to come after did not take effect", field=f"{FIELD}.after_control_id"
        )
    return schedule if fate.chunk_idx is None else schedule.after(fate.chunk_idx)


def _chunks(seconds: float, chunk_duration_s: float) -> int:
    """As many as begin before: never early."""
    return math.ceil((seconds - SAME_TIME_S) / chunk_duration_s) if seconds > SAME_TIME_S else 0


def _seconds(duration: Duration, field: str, most_s: float) -> float:
    seconds = duration.seconds + duration.nanos / 1e9
    if not 0.0 <= seconds <= min(most_s, MAX_CHUNK_IDX):
        raise InvalidFieldError(f"0 to {min(most_s, MAX_CHUNK_IDX):g} seconds", field=field)
    return seconds
