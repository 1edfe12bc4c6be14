"""What tells two sessions, or two moments of sessions, from each other: where they parted, and what each did since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from serving.catalogue.database import Database
from serving.catalogue.histories import whole_history
from serving.catalogue.lineage import Segment, segments_of
from serving.catalogue.sessions import Sessions
from serving.sessions.contract import InHand, SetQuality
from serving.sessions.encoded import EncodedDirective, EncodedImage, EncodedKind
from serving.sessions.journal import JournalEntry
from serving.sessions.record_codec import control_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A session as it stands, or with `epoch` and `chunk_idx` the state before that chunk, as a world keeps it."""

    session_id: str
    epoch: int | None = None
    chunk_idx: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One of the two that are compared."""

    segments: Sequence[Segment]  # itself first, and then those it came from
    entries: Sequence[JournalEntry]
    spec: Mapping[str, Any]
    num_chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A control that took effect."""

    chunk_idx: int
    control: str  # as in the journal: "move", "directive" and so on
    text: str  # a directive's words, or the values of another


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    num_chunks: int
    deeds: tuple[Deed, ...]  # since they parted

    def since(self, chunk_idx: int) -> Side:
        """Without what was done before."""
        return replace(self, deeds=tuple(deed for deed in self.deeds if deed.chunk_idx >= chunk_idx))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    parted_chunk_idx: int | None  # the first chunk they do not share; None when they never were one
    left: Side
    right: Side
    spec: Mapping[str, tuple[Any, Any]]  # the fields that are not the same, of the left and of the right


def compare_moments(database: Database, left: Moment, right: Moment) -> Difference:
    """Raises `SessionNotFoundError`, or ValueError for a journal that cannot be read."""
    return difference(read_past(database, left), read_past(database, right))


def read_past(database: Database, moment: Moment) -> Past:
    row = Sessions(database).find(moment.session_id, with_deleted=True)
    bounds = {"until_epoch": moment.epoch, "end_chunk_idx": moment.chunk_idx}
    with database.read() as connection:
        segments = segments_of(connection, moment.session_id, **bounds)
    return Past(
        segments=segments,
        entries=whole_history(database, moment.session_id, **bounds).entries,
        spec=row.spec,
        num_chunks=row.num_chunks if moment.chunk_idx is None else moment.chunk_idx,
    )


def difference(left: Past, right: Past) -> Difference:
    parted_idx = _parted_at(left, right)
    names = sorted(set(left.spec) | set(right.spec))
    return Difference(
        parted_chunk_idx=parted_idx,
        left=_side(left, parted_idx or 0),
        right=_side(right, parted_idx or 0),
        spec={
            name: (left.spec.get(name), right.spec.get(name))
            for name in names
            if left.spec.get(name) != right.spec.get(name)
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Chunks in a row that were made by one session on one of its futures."""

    session_id: str
    epoch: int  # of the rewind that they follow
    first_chunk_idx: int
    end_chunk_idx: int


def _parted_at(left: Past, right: Past) -> int | None:
    """The first chunk that comes from elsewhere, or that only one of them has."""
    parted_idx = 0
    ours, theirs = _pieces(left), _pieces(right)
    for one, other in zip(ours, theirs, strict=False):
        if replace(one, end_chunk_idx=0) != replace(other, end_chunk_idx=0):
            break
        parted_idx = min(one.end_chunk_idx, other.end_chunk_idx)
        if one.end_chunk_idx != other.end_chunk_idx:
            break
    return parted_idx if ours and theirs and ours[0].session_id == theirs[0].session_id else None


def _pieces(past: Past) -> list[_Piece]:
    """In the order of the chunks, without a gap."""
    pieces: list[_Piece] = []
    for segment in reversed(past.segments):
        end = past.num_chunks if segment.end_chunk_idx is None else min(segment.end_chunk_idx, past.num_chunks)
        begin = pieces[-1].end_chunk_idx if pieces else 0
        eras = segment.timeline.eras()
        ends = [*(era.first_chunk_idx for era in eras[1:]), end]
        for era, era_end in zip(eras, ends, strict=True):
            first, last = max(era.first_chunk_idx, begin), min(era_end, end)
            if first < last:
                pieces.append(
                    _Piece(session_id=segment.session_id, epoch=era.epoch, first_chunk_idx=first, end_chunk_idx=last)
                )
    return pieces


def _side(past: Past, parted_idx: int) -> Side:
    deeds = [
        Deed(
            chunk_idx=entry.applied_chunk_idx, control=control_name(entry.control.kind), text=_text(entry.control.kind)
        )
        for entry in past.entries
        if entry.applied_chunk_idx is not None
        and entry.applied_chunk_idx >= parted_idx
        and not isinstance(entry.control.kind, SetQuality | InHand)  # the service's own, nobody's deed
    ]
    return Side(num_chunks=past.num_chunks, deeds=tuple(sorted(deeds, key=lambda deed: deed.chunk_idx)))


def _text(kind: EncodedKind) -> str:
    match kind:
        case EncodedDirective(text=text):
            return text
        case EncodedImage():
            return ""
        case _:
            return ", ".join(f"{name} {value}" for name, value in asdict(kind).items())
