"""Who sent a control, when it is to take effect, and what it lost to: what is on record beside what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    subject_id: str  # as `serving.access.principal` names it
    client_id: str  # the client's own name within the session


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Without `chunk_idx` it waits for `after_control_id` to take effect, and for `delay_chunks` more chunks."""

    chunk_idx: int | None = None
    after_control_id: str = ""
    delay_chunks: int = 0

    def after(self, chunk_idx: int) -> Schedule:
        """As it is once the control that it waits for took effect at a chunk."""
        return Schedule(chunk_idx=chunk_idx + max(1, self.delay_chunks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """To another control, before it took effect."""

    by_control_id: str
    reason: str = ""  # a name of nacre.v1.SupersededReason without its prefix; empty means LATER


def sender_fields(sender: Sender | None) -> Mapping[str, Any]:
    """What a record has of it: nothing where it is not known."""
    return {} if sender is None else {"sender": {"subject_id": sender.subject_id, "client_id": sender.client_id}}


def read_sender(fields: Mapping[str, Any]) -> Sender | None:
    """Of a record, also one from before there were senders."""
    found = fields.get("sender")
    return None if found is None else Sender(subject_id=found["subject_id"], client_id=found["client_id"])


def schedule_fields(schedule: Schedule | None) -> Mapping[str, Any]:
    if schedule is None:
        return {}
    if schedule.chunk_idx is not None:
        return {"schedule": {"chunk_idx": schedule.chunk_idx}}
    return {"schedule": {"after_control_id": schedule.after_control_id, "delay_chunks": schedule.delay_chunks}}


def read_schedule(fields: Mapping[str, Any]) -> Schedule | None:
    found = fields.get("schedule")
    return None if found is None else Schedule(**found)
