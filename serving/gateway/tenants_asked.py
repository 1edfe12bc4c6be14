"""Which tenant a question is about: one's own, or as an operator any."""

from __future__ import annotations

from collections.abc import Sequence

from serving.access.principal import current
from serving.access.roles import Permission
from serving.catalogue.tenants import TENANT_ID
from serving.errors import InvalidFieldError


def tenant_asked_for(tenant_id: str, *, others: Sequence[str] = ()) -> str:
    """`others` are no tenants and may be asked for as well. Raises `PermissionMissingError` or `InvalidFieldError`."""
    asker = current()
    if tenant_id in ("", asker.tenant_id):
        return asker.tenant_id
    asker.check(Permission.FLEET)
    if tenant_id not in others and not TENANT_ID.fullmatch(tenant_id):
        raise InvalidFieldError("1 to 63 of a-z, 0-9 and -, not at either end", field="tenant_id")
    return tenant_id
