"""`AccessRecords` of the catalogue."""

from __future__ import annotations

from serving.access.directory import KeyStanding, LinkStanding
from serving.catalogue.library import Library


class CatalogueAccess:
    def __init__(self, library: Library) -> None:
        self._keys = library.keys
        self._tenants = library.tenants
        self._shares = library.shares

    def key(self, key_id: str) -> KeyStanding | None:
        known = self._keys.find(key_id)
        if known is None:
            return None
        row = known.row
        return KeyStanding(
            key_id=row.key_id,
            tenant_id=row.tenant_id,
            role=row.role,
            secret_sha256=known.secret_sha256,
            expires_s=row.expires_s,
            last_used_s=row.last_used_s,
            is_taken_back=row.revoked_s is not None or known.is_tenant_suspended,
        )

    def is_open(self, tenant_id: str) -> bool:
        row = self._tenants.find(tenant_id)
        return row is not None and row.suspended_s is None

    def link(self, token_sha256: bytes) -> LinkStanding | None:
        row = self._shares.known(token_sha256)
        if row is None:
            return None
        return LinkStanding(
            share_id=row.share_id,
            tenant_id=row.tenant_id,
            session_id=row.session_id,
            world_id=row.world_id,
            scope=row.scope,
            expires_s=row.expires_s,
            is_taken_back=row.revoked_s is not None,
        )

    def note_use(self, key_id: str) -> None:
        self._keys.touch(key_id)
