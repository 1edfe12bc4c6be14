"""What a session did since its snapshot, to be done again by the worker that goes on with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from model.interface import ChunkControls
from serving.sessions.encoded import EncodedControl, HeldAxes
from serving.sessions.journal import JournalEntry
from serving.sessions.record_codec import is_before
from serving.sessions.replay import controls_by_chunk, held_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    first_chunk_idx: int  # the snapshot's next
    deliver_from: int  # earlier chunks are made again for their effect alone
    shown_until: int  # earlier chunks were shown: they are made at once, and take no credit
    controls: tuple[ChunkControls, ...]  # of the chunks from the first to the last that is on record, or was shown
    held: HeldAxes  # after them
    waiting: tuple[EncodedControl, ...]  # accepted, and never settled

    @property
    def end_chunk_idx(self) -> int:
        """The first chunk that is free."""
        return self.first_chunk_idx + len(self.controls)

    def at(self, chunk_idx: int) -> ChunkControls:
        return self.controls[chunk_idx - self.first_chunk_idx]


def write_script(
    entries: Sequence[JournalEntry],
    first_chunk_idx: int,
    deliver_from: int,
    *,
    is_rewind: bool = False,
    held: HeldAxes | None = None,
    shown_until: int = 0,
) -> Script:
    """`entries`: the whole journal; or with `held`, in force before the first chunk, what it has since. With
    `is_rewind` all is new from `deliver_from` on, whatever is on record, and nothing waits. Chunks before `shown_until`
    were shown, whatever is on record: nothing new takes effect in them."""
    shown_until = max(shown_until, deliver_from)
    if is_rewind:
        entries = [entry for entry in entries if is_before(entry, deliver_from)]
    applied = [entry for entry in entries if entry.applied_chunk_idx is not None]
    applied.sort(key=lambda entry: entry.applied_chunk_idx or 0)
    last = max((entry.applied_chunk_idx or 0 for entry in applied), default=-1)
    end = max(last + 1, shown_until, first_chunk_idx)
    before, beginning = held, 0 if held is None else first_chunk_idx
    held = held or HeldAxes()
    for entry in applied:
        held = held_after(held, entry.control)
    applied_at = {entry.control.control_id: entry.applied_chunk_idx for entry in applied}
    return Script(
        first_chunk_idx=first_chunk_idx,
        deliver_from=deliver_from,
        shown_until=shown_until,
        controls=tuple(
            islice(controls_by_chunk(applied, beginning, before), first_chunk_idx - beginning, end - beginning)
        ),
        held=held,
        waiting=tuple(_scheduled(entry.control, applied_at) for entry in entries if entry.is_pending),
    )


def _scheduled(control: EncodedControl, applied_at: Mapping[str, int | None]) -> EncodedControl:
    """With its chunk, where the control that it waits for took effect meanwhile."""
    schedule = control.schedule
    if schedule is None or schedule.chunk_idx is not None:
        return control
    chunk_idx = applied_at.get(schedule.after_control_id)
    return control if chunk_idx is None else replace(control, schedule=schedule.after(chunk_idx))
