"""A session's controls that have no terminal outcome yet, whichever worker has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from model.interface import ModelInfo
from serving.errors import ControlRewoundError
from serving.sessions.contract import Accepted, Applied, Control, Outcome, Rejected, SetQuality, Superseded
from serving.sessions.encoded import EncodedControl
from serving.sessions.journal import JournalEntry


@dataclass(slots=True, kw_only=True)
class WaitingControls:
    """In the order they came."""

    controls: dict[str, Control] = field(default_factory=dict)
    unsent: list[str] = field(default_factory=list)  # those that the present worker does not know
    _accepted: set[str] = field(default_factory=set)

    def add(self, control: Control) -> None:
        self.controls[control.control_id] = control
        self.unsent.append(control.control_id)

    def adopt(self, entries: Iterable[JournalEntry]) -> None:
        """What another gateway left to wait for its time: the present worker has it from the record, and the next one
        is to have it too."""
        for entry in entries:
            if entry.is_pending and (control := _scheduled(entry.control)) is not None:
                self.controls[control.control_id] = control
                self._accepted.add(control.control_id)

    def take_along(self, entries: Iterable[JournalEntry]) -> None:
        """What a worker had from the record, for the next one to be told of it: it was accepted by way of another
        gateway, or before this one woke the session."""
        for entry in entries:
            if entry.is_pending and (control := _again(entry.control)) is not None:
                self.controls.setdefault(control.control_id, control)
                self._accepted.add(control.control_id)

    def take_unsent(self) -> list[Control]:
        unsent, self.unsent = self.unsent, []
        return [self.controls[control_id] for control_id in unsent if control_id in self.controls]

    @property
    def are_on_record(self) -> bool:
        """Whether the workers took all of them."""
        return set(self.controls) <= self._accepted

    def is_news(self, outcome: Outcome) -> bool:
        """Note an outcome. False for an acceptance that was told before. A control that is not known came by way of
        another gateway, whose client may be ours by now."""
        control_id = outcome.control_id
        if control_id not in self.controls:
            return True
        if isinstance(outcome, Accepted):
            is_new = control_id not in self._accepted
            self._accepted.add(control_id)
            return is_new
        del self.controls[control_id]
        self._accepted.discard(control_id)
        if isinstance(outcome, Applied):
            self._note_applied(outcome)
        return True

    def _note_applied(self, outcome: Applied) -> None:
        """What waits for it may have to be told to a worker that never saw it."""
        for control_id, control in self.controls.items():
            schedule = control.schedule
            if schedule is not None and schedule.chunk_idx is None and schedule.after_control_id == outcome.control_id:
                self.controls[control_id] = replace(control, schedule=schedule.after(outcome.chunk_idx))

    def take_up(self, entries: Mapping[str, JournalEntry], info: ModelInfo) -> list[Outcome]:
        """After the worker was lost: what became of them while nobody could be told. What is not on record is to be
        sent again."""
        found = [entries[control_id] for control_id in self.controls if control_id in entries]
        told = [outcome for entry in found for outcome in outcomes_of(entry, info) if self.is_news(outcome)]
        self.unsent = [control_id for control_id in self.controls if control_id not in entries]
        return told

    def reject_all(self) -> list[Rejected]:
        """The session went back to before them."""
        controls, self.controls, self.unsent, self._accepted = self.controls, {}, [], set()
        message = "the session went back to before it"
        return [Rejected(control_id=each, reason=ControlRewoundError.reason, message=message) for each in controls]


def _scheduled(control: EncodedControl) -> Control | None:
    return None if control.schedule is None else _again(control)


def _again(control: EncodedControl) -> Control | None:
    """As it was sent, and with what it became already; the quality is a worker's own."""
    if isinstance(control.kind, SetQuality):
        return None
    return Control(
        control_id=control.control_id,
        kind=control.kind,
        received_s=control.received_s,
        sender=control.sender,
        schedule=control.schedule,
    )


def outcomes_of(entry: JournalEntry, info: ModelInfo) -> list[Outcome]:
    """What is to be told of a control by its record, the last being what became of it."""
    control_id = entry.control.control_id
    if entry.applied_chunk_idx is not None:
        chunk_idx = entry.applied_chunk_idx
        applied = Applied(
            control_id=control_id,
            chunk_idx=chunk_idx,
            frame_idx=chunk_idx * info.frames_per_chunk,
            world_time_s=chunk_idx * info.chunk_duration_s,
        )
        return [Accepted(control_id=control_id), applied]
    if entry.superseded_by is not None:
        by_control_id, reason = entry.superseded_by, entry.superseded_for
        return [Superseded(control_id=control_id, by_control_id=by_control_id, reason=reason)]
    if entry.rejected_for is not None:
        return [Rejected(control_id=control_id, reason=entry.rejected_for, message="it never took effect")]
    return [Accepted(control_id=control_id)]
