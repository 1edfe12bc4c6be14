"""Whose worlds and sessions are, and who else may do what with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nacre.enums import name_of, value_of
from nacre.v1 import access_pb2, library_pb2, world_pb2

_ROLE_PREFIX = "ROLE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Whose something is, and what it was made from."""

    tenant_id: str
    owner_id: str  # who made it
    licence: str  # in the owner's words; empty where none was given
    model: str
    weights_sha256: str
    model_licence: str  # SPDX identifier; empty where the service has other weights by now
    inputs: tuple[str, ...]  # "words", "image:<SHA-256>", "file:<SHA-256>", "world:<id>", "session:<id>@<chunk>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A line of a world's access list."""

    role: str  # "viewer", "director", "player" or "owner"
    tenant_id: str = ""  # the world's own when empty
    subject_id: str = ""  # one there, as in `Provenance.owner_id`; everybody, each up to their own role, when empty


def to_provenance(message: world_pb2.Provenance) -> Provenance:
    return Provenance(
        tenant_id=message.tenant_id,
        owner_id=message.owner_id,
        licence=message.licence,
        model=message.model,
        weights_sha256=message.weights_sha256,
        model_licence=message.model_licence,
        inputs=tuple(message.inputs),
    )


def to_grants(messages: Iterable[library_pb2.Grant]) -> list[Grant]:
    return [
        Grant(
            role=name_of(access_pb2.Role, message.role, _ROLE_PREFIX).lower(),
            tenant_id=message.tenant_id,
            subject_id=message.subject_id,
        )
        for message in messages
    ]


def from_grants(grants: Iterable[Grant]) -> list[library_pb2.Grant]:
    """Raises ValueError for a role that is none."""
    return [
        library_pb2.Grant(
            tenant_id=grant.tenant_id,
            subject_id=grant.subject_id,
            role=value_of(access_pb2.Role, grant.role, _ROLE_PREFIX),
        )
        for grant in grants
    ]
