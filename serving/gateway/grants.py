"""Access lists of worlds, checked and turned into plain values and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from nacre.v1 import access_pb2, library_pb2
from serving.access.policy import GRANTABLE, Grant
from serving.access.roles import Role
from serving.catalogue.access import MAX_GRANTS
from serving.catalogue.schema import MAX_SUBJECT_CHARS
from serving.errors import InvalidFieldError
from serving.gateway.validation import check_id

ROLE_PREFIX = "ROLE_"
SUBJECT = re.compile(r"[\x21-\x7e]+", re.ASCII)  # an identity provider's words, without spaces


def check_grants(messages: Sequence[library_pb2.Grant], own_tenant_id: str) -> list[Grant]:
    """Raises `InvalidFieldError`."""
    if len(messages) > MAX_GRANTS:
        raise InvalidFieldError(f"a world has at most {MAX_GRANTS} lines of access", field="grants")
    grants = [_check_grant(message, own_tenant_id, f"grants[{index}]") for index, message in enumerate(messages)]
    if len({(grant.tenant_id, grant.subject_id) for grant in grants}) < len(grants):
        raise InvalidFieldError("somebody has two lines", field="grants")
    return grants


def to_grants(grants: Iterable[Grant]) -> list[library_pb2.Grant]:
    return [
        library_pb2.Grant(
            tenant_id=grant.tenant_id, subject_id=grant.subject_id, role=f"{ROLE_PREFIX}{grant.role.name}"
        )
        for grant in grants
    ]


def _check_grant(message: library_pb2.Grant, own_tenant_id: str, field: str) -> Grant:
    subject_id = message.subject_id
    if subject_id and (len(subject_id) > MAX_SUBJECT_CHARS or not SUBJECT.fullmatch(subject_id)):
        raise InvalidFieldError(f"1 to {MAX_SUBJECT_CHARS} printable characters", field=f"{field}.subject_id")
    tenant_id = check_id(message.tenant_id, f"{field}.tenant_id") if message.tenant_id else own_tenant_id
    return Grant(tenant_id=tenant_id, subject_id=subject_id, role=_check_role(message.role, f"{field}.role"))


def _check_role(value: access_pb2.Role, field: str) -> Role:
    by_value = {access_pb2.Role.Value(f"{ROLE_PREFIX}{role.name}"): role for role in GRANTABLE}
    if value not in by_value:
        names = tuple(f"{ROLE_PREFIX}{role.name}" for role in GRANTABLE)
        raise InvalidFieldError("a line of access needs a role", field=field, allowed=names)
    return by_value[value]
