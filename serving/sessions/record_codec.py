"""Between records and what the engine knows: openings, controls, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from model.interface import Profile, Tensors
from serving.sessions.attribution import read_schedule, read_sender, schedule_fields, sender_fields
from serving.sessions.contract import CameraMove, Cancel, InHand, LatestWins, Look, Move, SetPerspective, SetQuality
from serving.sessions.encoded import EncodedControl, EncodedDirective, EncodedImage, EncodedKind, Opening
from serving.sessions.journal import JournalEntry
from serving.sessions.records import Record, RecordKind, SealedRecord
from serving.sessions.tensor_bytes import from_bytes, to_bytes
from serving.sessions.timeline import Span, Timeline

PLAIN_KINDS: Mapping[str, type[LatestWins | SetQuality | InHand]] = {
    "move": Move,
    "look": Look,
    "perspective": SetPerspective,
    "camera": CameraMove,
    "quality": SetQuality,
    "in_hand": InHand,
}
_NAMES = {kind: name for name, kind in PLAIN_KINDS.items()}


class RecordUnreadableError(ValueError):
    """The record is not one that this version writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A journal as it can be replayed."""

    opening: Opening
    model: str
    weights_sha256: str
    entries: tuple[JournalEntry, ...]  # in the order they were accepted
    first_chunk_idx: int  # not 0 for one that left another
    timeline: Timeline
    profile: str = Profile.EXACT  # "fast" where any of its workers was: then it comes out the same to a tolerance alone


def opened(
    opening: Opening, model: str, weights_sha256: str, first_chunk_idx: int = 0, profile: str = Profile.EXACT
) -> Record:
    conditions = {"prompt": opening.prompt, "image": opening.image}
    tensors = {f"{part}/{name}": array for part, named in conditions.items() for name, array in (named or {}).items()}
    body = {
        "seed": opening.seed,
        "model": model,
        "weights_sha256": weights_sha256,
        "conditions": [part for part, named in conditions.items() if named is not None],
        "first_chunk_idx": first_chunk_idx,
        "profile": str(profile),
        **({"is_rewind": True} if opening.is_rewind else {}),
    }
    return Record(kind=RecordKind.OPENED, body=body, tensors=to_bytes(tensors) if tensors else None)


def resumed(chunk_idx: int, profile: str = Profile.EXACT) -> Record:
    return Record(kind=RecordKind.RESUMED, body={"chunk_idx": chunk_idx, "profile": str(profile)})


def rewound(chunk_idx: int, profile: str = Profile.EXACT) -> Record:
    """Before anything else of its epoch: what earlier ones have from `chunk_idx` on does not count any more."""
    return Record(kind=RecordKind.REWOUND, body={"chunk_idx": chunk_idx, "profile": str(profile)})


def accepted(control: EncodedControl) -> Record:
    name, values, tensors = _control_parts(control.kind)
    body = {
        "control_id": control.control_id,
        "received_s": control.received_s,
        "control": name,
        "values": values,
        # Left out where there is nothing to say, as in records from before there was.
        **sender_fields(control.sender),
        **schedule_fields(control.schedule),
    }
    return Record(kind=RecordKind.ACCEPTED, body=body, tensors=None if tensors is None else to_bytes(tensors))


def applied(control_id: str, chunk_idx: int) -> Record:
    return Record(kind=RecordKind.APPLIED, body={"control_id": control_id, "chunk_idx": chunk_idx})


def superseded(control_id: str, by_control_id: str, reason: str = "") -> Record:
    body = {"control_id": control_id, "by_control_id": by_control_id, **({"reason": reason} if reason else {})}
    return Record(kind=RecordKind.SUPERSEDED, body=body)


def rejected(control_id: str, reason: str) -> Record:
    return Record(kind=RecordKind.REJECTED, body={"control_id": control_id, "reason": reason})


def control_name(kind: EncodedKind) -> str:
    """As records call it."""
    match kind:
        case EncodedDirective():
            return "directive"
        case EncodedImage():
            return "image"
        case Cancel():
            raise ValueError("what takes a control back is not on record itself")
        case _:
            return _NAMES[type(kind)]


def read_entries(records: Iterable[SealedRecord], until_epoch: int | None = None) -> tuple[JournalEntry, ...]:
    """What became of each control, in the order they were accepted, as far as it still counts: without what a
    rewind left behind, and as it stood at the end of `until_epoch`. Raises `RecordUnreadableError`."""
    return _Book(records, until_epoch).entries


def is_before(entry: JournalEntry, chunk_idx: int) -> bool:
    """Whether a rewind to that chunk leaves the entry on the timeline: what took effect later, or waits, it drops."""
    if entry.applied_chunk_idx is None:
        return not entry.is_pending
    return entry.applied_chunk_idx < chunk_idx


def read_span(record: SealedRecord) -> Span | None:
    """How an epoch begins; None for a record that begins none. Raises `RecordUnreadableError`."""
    with _reading(record):
        return _span(record.fields)


@contextmanager
def _reading(record: SealedRecord) -> Iterator[None]:
    """Whatever is wrong with what a record says: its text, its fields, their kinds."""
    try:
        yield
    except RecordUnreadableError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RecordUnreadableError(f"record {record.seq} cannot be read: {error!r}") from error


def _span(fields: Mapping[str, Any]) -> Span | None:
    match RecordKind(fields["kind"]):
        case RecordKind.OPENED:
            # A branch may begin before the chunk at which it left.
            is_rewind = fields.get("is_rewind", False)
            return Span(epoch=fields["epoch"], first_chunk_idx=fields["first_chunk_idx"], is_rewind=is_rewind)
        case RecordKind.RESUMED:
            return Span(epoch=fields["epoch"], first_chunk_idx=fields["chunk_idx"])
        case RecordKind.REWOUND:
            return Span(epoch=fields["epoch"], first_chunk_idx=fields["chunk_idx"], is_rewind=True)
        case _:
            return None


def read_history(records: Sequence[SealedRecord], until_epoch: int | None = None) -> History:
    """As it stands, or stood at the end of `until_epoch`. Raises `RecordUnreadableError`."""
    if not records:
        raise RecordUnreadableError("the journal is empty")
    with _reading(records[0]):
        opening, fields = _opening(records[0]), records[0].fields
        book = _Book(records, until_epoch)
        return History(
            opening=opening,
            model=fields["model"],
            weights_sha256=fields["weights_sha256"],
            entries=book.entries,
            first_chunk_idx=fields["first_chunk_idx"],
            timeline=Timeline(spans=tuple(book.spans), until_epoch=until_epoch),
            profile=Profile.EXACT if book.profiles <= {Profile.EXACT} else Profile.FAST,
        )


def _opening(first: SealedRecord) -> Opening:
    fields = first.fields
    if fields["kind"] != RecordKind.OPENED:
        raise RecordUnreadableError("the journal does not begin with an opening")
    tensors = from_bytes(first.tensors) if first.tensors else {}
    conditions = {part: _under(part, tensors) for part in fields["conditions"]}
    return Opening(
        session_id=fields["session_id"],
        seed=fields["seed"],
        epoch=fields["epoch"],
        prompt=conditions.get("prompt"),
        image=conditions.get("image"),
    )


class _Book:
    """What became of controls, record after record."""

    def __init__(self, records: Iterable[SealedRecord], until_epoch: int | None) -> None:
        self.spans: list[Span] = []
        self.profiles: set[str] = set()  # of the workers that held it
        self._entries: dict[int, JournalEntry] = {}  # by the number of the record that accepted them
        self._latest: dict[str, int] = {}  # of each control id
        for record in records:
            with _reading(record):
                fields = record.fields
                if until_epoch is not None and fields["epoch"] > until_epoch:
                    return  # epochs only grow
                self._add(record, fields)

    @property
    def entries(self) -> tuple[JournalEntry, ...]:
        return tuple(self._entries.values())

    def _add(self, record: SealedRecord, fields: Mapping[str, Any]) -> None:
        if (span := _span(fields)) is not None:
            self.spans.append(span)
            self.profiles.add(fields.get("profile", Profile.EXACT))
            if span.is_rewind:
                self._go_back(span.first_chunk_idx)
            return
        match RecordKind(fields["kind"]):
            case RecordKind.ACCEPTED:
                self._accept(record.seq, JournalEntry(control=_control(fields, record.tensors)))
            case RecordKind.APPLIED:
                self._settle(fields, applied_chunk_idx=fields["chunk_idx"])
            case RecordKind.SUPERSEDED:
                reason = fields.get("reason", "")
                self._settle(fields, superseded_by=fields["by_control_id"], superseded_for=reason)
            case RecordKind.REJECTED:
                self._settle(fields, rejected_for=fields["reason"])
            case _:
                pass  # a span

    def _go_back(self, chunk_idx: int) -> None:
        self._entries = {seq: entry for seq, entry in self._entries.items() if is_before(entry, chunk_idx)}
        self._latest = {entry.control.control_id: seq for seq, entry in self._entries.items()}

    def _accept(self, seq: int, entry: JournalEntry) -> None:
        """A control that waited when its session moved is accepted once more, and is still one control."""
        earlier = self._latest.get(entry.control.control_id)
        if earlier is not None and self._entries[earlier].is_pending:
            del self._entries[earlier]
        self._entries[seq], self._latest[entry.control.control_id] = entry, seq

    def _settle(self, fields: Mapping[str, Any], **outcome: Any) -> None:
        seq = self._latest[fields["control_id"]]
        self._entries[seq] = replace(self._entries[seq], **outcome)


def _control_parts(kind: EncodedKind) -> tuple[str, dict[str, Any], Tensors | None]:
    name = control_name(kind)
    match kind:
        case EncodedDirective(text=text, tensors=tensors):
            return name, {"text": text}, tensors
        case EncodedImage(tensors=tensors):
            return name, {}, tensors
        case _:
            return name, asdict(kind), None


def _control(fields: Mapping[str, Any], tensors: bytes | None) -> EncodedControl:
    name, values = fields["control"], fields["values"]
    if name in PLAIN_KINDS:
        kind: EncodedKind = PLAIN_KINDS[name](**values)
    elif tensors is None:
        raise RecordUnreadableError(f"a control of kind {name!r} without tensors")
    elif name == "directive":
        kind = EncodedDirective(text=values["text"], tensors=from_bytes(tensors))
    else:
        kind = EncodedImage(tensors=from_bytes(tensors))
    return EncodedControl(
        control_id=fields["control_id"],
        kind=kind,
        received_s=fields["received_s"],
        sender=read_sender(fields),
        schedule=read_schedule(fields),
    )


def _under(part: str, tensors: Tensors) -> Tensors:
    prefix = f"{part}/"
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
