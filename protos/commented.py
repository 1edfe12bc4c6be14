"""The public protos with their comments, as plain values."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generate import PROTOS, PUBLIC, WELL_KNOWN_PROTOS
from google.protobuf import descriptor_pb2
from grpc_tools import protoc

# Numbers of fields in descriptor.proto, of which the paths to comments are made.
SERVICES, METHODS, ENUMS, VALUES = 6, 2, 5, 2
WHAT_TO_DO, ERRORS = "What to do", "Errors"
LABELS = (WHAT_TO_DO, ERRORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Something with a comment: what it says, and what it labels ("What to do: ...")."""

    name: str
    says: str
    labelled: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method(Named):
    service: str
    request: str
    response: str
    is_request_stream: bool
    is_response_stream: bool
    has_idempotency_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Named):
    methods: tuple[Method, ...]


def read_services() -> list[Service]:
    return [_service(file, service, idx) for file in _files() for idx, service in enumerate(file.service)]


def read_enum(name: str) -> list[Named]:
    """The values but the zeroth, which is never said."""
    for file in _files():
        for idx, enum in enumerate(file.enum_type):
            if enum.name == name:
                paths = [(ENUMS, idx, VALUES, value_idx) for value_idx in range(len(enum.value))]
                return [
                    Named(name=value.name, **_comment(file, path))
                    for value, path in zip(enum.value, paths, strict=True)
                    if value.number
                ]
    raise KeyError(name)


def _files() -> Sequence[descriptor_pb2.FileDescriptorProto]:
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "set"
        sources = sorted(str(path) for path in (PROTOS / PUBLIC.protos).glob("*.proto"))
        arguments = [f"-I{PROTOS}", f"-I{WELL_KNOWN_PROTOS}", "--include_source_info", f"--descriptor_set_out={out}"]
        if protoc.main(["protoc", *arguments, *sources]) != 0:
            raise SystemExit("protoc failed")
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file


def _service(
    file: descriptor_pb2.FileDescriptorProto, service: descriptor_pb2.ServiceDescriptorProto, idx: int
) -> Service:
    methods = tuple(
        Method(
            name=method.name,
            service=f"{file.package}.{service.name}",
            request=method.input_type.rpartition(".")[2],
            response=method.output_type.rpartition(".")[2],
            is_request_stream=method.client_streaming,
            is_response_stream=method.server_streaming,
            has_idempotency_key=_has_field(file, method.input_type, "idempotency_key"),
            **_comment(file, (SERVICES, idx, METHODS, method_idx)),
        )
        for method_idx, method in enumerate(service.method)
    )
    return Service(name=f"{file.package}.{service.name}", methods=methods, **_comment(file, (SERVICES, idx)))


def _has_field(file: descriptor_pb2.FileDescriptorProto, message_type: str, name: str) -> bool:
    """Requests lie beside their services."""
    message = next(each for each in file.message_type if each.name == message_type.rpartition(".")[2])
    return any(field.name == name for field in message.field)


def _comment(file: descriptor_pb2.FileDescriptorProto, path: tuple[int, ...]) -> dict[str, Any]:
    """What stands above: sentences, then lines that begin with a label and a colon."""
    text = next((each.leading_comments for each in file.source_code_info.location if tuple(each.path) == path), "")
    says: list[str] = []
    labelled: dict[str, list[str]] = {}
    current = says
    for line in text.split("\n"):
        label, colon, rest = line.strip().partition(": ")
        if colon and label in LABELS:
            current = labelled.setdefault(label, [])
            line = rest
        current.append(line.strip())
    joined = {label: " ".join(lines).strip() for label, lines in labelled.items()}
    return {"says": " ".join(says).strip(), "labelled": joined}
