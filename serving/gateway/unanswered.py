"""What a client that came back is told of controls whose outcome it never heard: its connection broke, or its gateway
died. Each has one outcome, and is told of it again; what nobody knows of never took effect and never will."""

from __future__ import annotations

from collections.abc import Sequence

from model.interface import ModelInfo
from serving.errors import ControlLostError, NacreError
from serving.gateway.audience import Audience, Member
from serving.gateway.controls import ControlBook, Fate
from serving.sessions.attribution import Sender
from serving.sessions.contract import Accepted, Applied, Outcome, Rejected, SessionLink, TellingLink

LOST_MESSAGE = "no outcome of it is on record: it was lost on its way, and will not take effect"


async def answers(
    control_ids: Sequence[str],
    member: Member,
    controls: ControlBook,
    audience: Audience,
    link: SessionLink,
    info: ModelInfo,
) -> list[Outcome]:
    """In the order they were asked for. Nothing of those whose outcome comes by itself, nor of other clients'; and
    nothing of what cannot be read now. Changes who hears of what waits, and what is taken as a control's id."""
    asked = {each: controls.fate(each) for each in control_ids if not controls.is_pending(each)}
    on_record = {}
    if isinstance(link, TellingLink) and asked:
        try:
            on_record = await link.on_record(tuple(asked))
        except NacreError:
            asked = {each: fate for each, fate in asked.items() if fate is not None}
    told: list[Outcome] = []
    for control_id, fate in asked.items():
        if controls.is_pending(control_id) or controls.fate(control_id) != fate:
            continue  # it came, or its outcome, while the record was read
        if (entry := on_record.get(control_id)) is None:
            told.append(_without_record(control_id, fate, info))
            controls.bar(control_id)
        elif _may_hear(member, entry.sender):
            if isinstance(entry.outcome, Accepted) and audience.sender(control_id) is None:
                audience.note_sender(control_id, member)
            told.append(entry.outcome)
    return told


def _without_record(control_id: str, fate: Fate | None, info: ModelInfo) -> Outcome:
    """By what this gateway remembers."""
    if fate is None or fate.chunk_idx is None:
        return Rejected(control_id=control_id, reason=ControlLostError.reason, message=LOST_MESSAGE)
    return Applied(
        control_id=control_id,
        chunk_idx=fate.chunk_idx,
        frame_idx=fate.chunk_idx * info.frames_per_chunk,
        world_time_s=fate.chunk_idx * info.chunk_duration_s,
    )


def _may_hear(member: Member, sender: Sender | None) -> bool:
    """Whether it was the client's own, as far as it has a name that it comes back under."""
    if sender is None:
        return True
    is_same_name = sender.client_id == member.client_id or not member.is_named
    return sender.subject_id == member.subject_id and is_same_name
