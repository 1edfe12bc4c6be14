"""Between records and what the engine knows: openings, controls, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from model.interface import Tensors
from serving.sessions.contract import CameraMove, LatestWins, Look, Move, SetPerspective
from serving.sessions.encoded import EncodedControl, EncodedDirective, EncodedImage, EncodedKind, Opening
from serving.sessions.journal import JournalEntry
from serving.sessions.records import Record, RecordKind, SealedRecord
from serving.sessions.tensor_bytes import from_bytes, to_bytes

PLAIN_KINDS: Mapping[str, type[LatestWins]] = {
    "move": Move,
    "look": Look,
    "perspective": SetPerspective,
    "camera": CameraMove,
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


def opened(opening: Opening, model: str, weights_sha256: str, first_chunk_idx: int = 0) -> Record:
    conditions = {"prompt": opening.prompt, "image": opening.image}
    tensors = {f"{part}/{name}": array for part, named in conditions.items() for name, array in (named or {}).items()}
    body = {
        "seed": opening.seed,
        "model": model,
        "weights_sha256": weights_sha256,
        "conditions": [part for part, named in conditions.items() if named is not None],
        "first_chunk_idx": first_chunk_idx,
    }
    return Record(kind=RecordKind.OPENED, body=body, tensors=to_bytes(tensors) if tensors else None)


def resumed(chunk_idx: int) -> Record:
    return Record(kind=RecordKind.RESUMED, body={"chunk_idx": chunk_idx})


def accepted(control: EncodedControl) -> Record:
    name, values, tensors = _control_parts(control.kind)
    body = {"control_id": control.control_id, "received_s": control.received_s, "control": name, "values": values}
    return Record(kind=RecordKind.ACCEPTED, body=body, tensors=None if tensors is None else to_bytes(tensors))


def applied(control_id: str, chunk_idx: int) -> Record:
    return Record(kind=RecordKind.APPLIED, body={"control_id": control_id, "chunk_idx": chunk_idx})


def superseded(control_id: str, by_control_id: str) -> Record:
    return Record(kind=RecordKind.SUPERSEDED, body={"control_id": control_id, "by_control_id": by_control_id})


def rejected(control_id: str, reason: str) -> Record:
    return Record(kind=RecordKind.REJECTED, body={"control_id": control_id, "reason": reason})


def read_entries(records: Iterable[SealedRecord]) -> tuple[JournalEntry, ...]:
    """What became of each control. Raises `RecordUnreadableError`."""
    entries: dict[str, JournalEntry] = {}
    for record in records:
        _fold(entries, record)
    return tuple(entries.values())


def read_history(records: Sequence[SealedRecord]) -> History:
    """Raises `RecordUnreadableError`."""
    if not records or records[0].fields["kind"] != RecordKind.OPENED:
        raise RecordUnreadableError("the journal does not begin with an opening")
    first, fields = records[0], records[0].fields
    tensors = from_bytes(first.tensors) if first.tensors else {}
    conditions = {part: _under(part, tensors) for part in fields["conditions"]}
    opening = Opening(
        session_id=fields["session_id"],
        seed=fields["seed"],
        epoch=fields["epoch"],
        prompt=conditions.get("prompt"),
        image=conditions.get("image"),
    )
    return History(
        opening=opening,
        model=fields["model"],
        weights_sha256=fields["weights_sha256"],
        entries=read_entries(records),
        first_chunk_idx=fields["first_chunk_idx"],
    )


def _fold(entries: dict[str, JournalEntry], record: SealedRecord) -> None:
    fields = record.fields
    try:
        match RecordKind(fields["kind"]):
            case RecordKind.ACCEPTED:
                entries[fields["control_id"]] = JournalEntry(control=_control(fields, record.tensors))
            case RecordKind.APPLIED:
                entry = entries[fields["control_id"]]
                entries[fields["control_id"]] = replace(entry, applied_chunk_idx=fields["chunk_idx"])
            case RecordKind.SUPERSEDED:
                entry = entries[fields["control_id"]]
                entries[fields["control_id"]] = replace(entry, superseded_by=fields["by_control_id"])
            case RecordKind.REJECTED:
                entry = entries[fields["control_id"]]
                entries[fields["control_id"]] = replace(entry, rejected_for=fields["reason"])
            case RecordKind.OPENED | RecordKind.RESUMED:
                pass
    except (KeyError, TypeError, ValueError) as error:
        raise RecordUnreadableError(f"record {record.seq} cannot be read: {error!r}") from error


def _control_parts(kind: EncodedKind) -> tuple[str, dict[str, Any], Tensors | None]:
    match kind:
        case EncodedDirective(text=text, tensors=tensors):
            return "directive", {"text": text}, tensors
        case EncodedImage(tensors=tensors):
            return "image", {}, tensors
        case _:
            return _NAMES[type(kind)], asdict(kind), None


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
    return EncodedControl(control_id=fields["control_id"], kind=kind, received_s=fields["received_s"])


def _under(part: str, tensors: Tensors) -> Tensors:
    prefix = f"{part}/"
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
