"""Any message of the contract as a stranger may send it, made from its descriptor: well formed, or not at all.

What names something (ids, tokens, names) is sometimes a placeholder, for a test to put the name of a real thing in.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.pictures import encode, gradient, png_bomb

MAX_DEPTH = 4
PLACEHOLDER = "@@{}@@"  # in text; filled in before it is sent
# What may name a real thing, by the field's name.
NAMED = frozenset(
    {
        "session_id", "other_session_id", "resume_token", "world_id", "share_id", "token", "worker_id", "name",
        "reservation_id", "control_id", "key_id", "tenant_id",
    }
)  # fmt: skip
NASTY_TEXTS = (
    "", " ", "\x00", "a\x00b", "../../etc/passwd", "x" * 64, "x" * 100_000, "🦀" * 3_000, "\u202e\u0000", "%s%n{}${x}",
    "'; DROP TABLE sessions; --", "share-", "share-" + "x" * 500, "\ud7ff\uffff", "NaN", "-1", "s-1\n",
)  # fmt: skip
PNG = encode(gradient(16, 16))
NASTY_BYTES = (b"", b"\x00" * 64, PNG, PNG[:30], png_bomb(9_000, 9_000), b"PK\x03\x04" + b"\xff" * 60, b"\xff" * 3)
NASTY_FLOATS = (0.0, -0.0, 1.0, -1.0, float("nan"), float("inf"), float("-inf"), 3.4e38, -1e-45)

_Field = FieldDescriptor
INTEGERS = {
    _Field.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    _Field.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    _Field.CPPTYPE_UINT32: (0, 2**32 - 1),
    _Field.CPPTYPE_UINT64: (0, 2**64 - 1),
}


@dataclass(frozen=True, slots=True)
class Payload:
    """What goes onto the wire, but for the names of real things."""

    message: Message | None  # None for bytes that were never one
    unknown: bytes = b""  # fields that the type does not have, before its own
    cut_at: int | None = None
    flipped_at: int | None = None

    def to_bytes(self, names: Mapping[str, str]) -> bytes:
        if self.message is None:
            return self.unknown
        message = type(self.message)()
        message.CopyFrom(self.message)
        fill(message, names)
        data = bytearray(self.unknown + message.SerializeToString())
        if self.flipped_at is not None and data:
            data[self.flipped_at % len(data)] ^= 1 + self.flipped_at % 255
        return bytes(data[: self.cut_at])


def payloads(descriptor: Descriptor) -> SearchStrategy[Payload]:
    """Mostly messages of the type, some with what the type does not know, some spoilt, some never messages."""
    whole, anywhere = messages(descriptor), st.integers(0, 200)
    wrong = st.one_of(
        st.builds(Payload, whole, unknown=st.sampled_from(UNKNOWN)),
        st.builds(Payload, whole, cut_at=anywhere),
        st.builds(Payload, whole, flipped_at=anywhere),
        st.builds(Payload, st.none(), unknown=JUNK),
    )
    return mostly(whole.map(Payload), wrong)


def fill(message: Message, names: Mapping[str, str]) -> None:
    """The names of real things in place of what stands for them."""
    for field, value in message.ListFields():
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else [value]:
                fill(each, names)
        elif field.type == _Field.TYPE_STRING and not field.is_repeated and value == PLACEHOLDER.format(field.name):
            setattr(message, field.name, names.get(field.name, "x"))


def messages(descriptor: Descriptor, depth: int = 0) -> SearchStrategy[Any]:
    """Names are there, and one field of a oneof, mostly; any other field is or is not."""
    make = message_factory.GetMessageClass(descriptor)
    if depth >= MAX_DEPTH:
        return st.builds(make)
    oneofs = [each for each in descriptor.oneofs if len(each.fields) > 1]
    alone = [field for field in descriptor.fields if field.containing_oneof not in oneofs]
    fields = {field.name: _values(field, depth) for field in alone}
    named = {name: values for name, values in fields.items() if name in NAMED}
    others = {name: values for name, values in fields.items() if name not in NAMED}
    parts = [st.fixed_dictionaries(named, optional=others), *(_choice(each.fields, depth) for each in oneofs)]
    return st.tuples(*parts).map(lambda dictionaries: make(**reduce(operator.or_, dictionaries)))


def _choice(fields: Sequence[FieldDescriptor], depth: int) -> SearchStrategy[dict[str, Any]]:
    each = [st.fixed_dictionaries({field.name: _values(field, depth)}) for field in fields]
    return mostly(st.one_of(each), st.just({}))


def mostly(usual: SearchStrategy[Any], other: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Eight times in ten."""
    return st.integers(0, 9).flatmap(lambda number: other if number in (8, 9) else usual)


def _values(field: FieldDescriptor, depth: int) -> SearchStrategy[Any]:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields
        return st.dictionaries(_scalars(key), _single(value, depth), max_size=3)
    single = _single(field, depth)
    return st.lists(single, max_size=4) if field.is_repeated else single


def _single(field: FieldDescriptor, depth: int) -> SearchStrategy[Any]:
    return _scalars(field) if field.message_type is None else messages(field.message_type, depth + 1)


def _scalars(field: FieldDescriptor) -> SearchStrategy[Any]:
    match field.cpp_type:
        case _Field.CPPTYPE_STRING if field.type == _Field.TYPE_BYTES:
            return st.one_of(st.sampled_from(NASTY_BYTES), st.binary(max_size=64))
        case _Field.CPPTYPE_STRING:
            texts = st.one_of(st.sampled_from(NASTY_TEXTS), st.text(max_size=20), st.just("a quiet street"))
            return mostly(st.just(PLACEHOLDER.format(field.name)), texts) if field.name in NAMED else texts
        case _Field.CPPTYPE_BOOL:
            return st.booleans()
        case _Field.CPPTYPE_ENUM:
            assert field.enum_type is not None
            known = st.sampled_from(list(field.enum_type.values_by_number))
            return st.one_of(known, known, st.integers(-(2**31), 2**31 - 1))
        case _Field.CPPTYPE_FLOAT:
            return st.one_of(st.sampled_from(NASTY_FLOATS), st.floats(width=32))
        case _Field.CPPTYPE_DOUBLE:
            return st.one_of(st.sampled_from(NASTY_FLOATS), st.floats())
        case kind:
            least, most = INTEGERS[kind]
            return st.one_of(st.sampled_from((0, 1, most, least)), st.integers(0, 300), st.integers(least, most))


# Fields that no version has, of every wire type; the last nests for ever.
UNKNOWN = (b"\xf8\xff\x07\x01", b"\xfa\xff\x07\x03abc", b"\xf9\xff\x07" + b"\xff" * 8, b"\xfb\xff\x07" * 200)
JUNK = st.one_of(
    st.binary(max_size=64),
    st.sampled_from((b"\xff" * 20, b"\x0a" * 400, b"\x0a\xff\xff\xff\xff\x7f", b"\x0b" * 1_000, b"\x0a\x02\xc3\x28")),
)
