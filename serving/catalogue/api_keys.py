"""API keys: whose they are, what they allow, and until when."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from serving.access.keys import NewKey
from serving.access.roles import Role
from serving.catalogue.database import Database
from serving.catalogue.schema import api_keys, tenants
from serving.catalogue.tenants import no_tenant
from serving.errors import InvalidFieldError, KeyNotFoundError

MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    key_id: str
    tenant_id: str
    role: Role
    name: str  # for people: what it is for
    created_s: float
    expires_s: float | None
    revoked_s: float | None
    last_used_s: float | None  # to within some minutes

    def is_good(self, now_s: float) -> bool:
        return self.revoked_s is None and (self.expires_s is None or now_s < self.expires_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """All that is needed to tell whether a key opens anything."""

    row: KeyRow
    secret_sha256: bytes
    is_tenant_suspended: bool


class ApiKeys:
    """Blocking."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(
        self, tenant_id: str, role: Role, *, name: str = "", expires_s: float | None = None
    ) -> tuple[KeyRow, str]:
        """The key and its text, which is told now and never again. Raises `InvalidFieldError` or
        `TenantNotFoundError`."""
        if len(name) > MAX_NAME_CHARS:
            raise InvalidFieldError(f"at most {MAX_NAME_CHARS} characters", field="name")
        if expires_s is not None and expires_s <= self._clock():
            raise InvalidFieldError("the key would be over before it begins", field="lifetime")
        with self._database.write() as connection:
            is_this = tenants.c.tenant_id == tenant_id
            if connection.execute(select(tenants.c.tenant_id).where(is_this)).one_or_none() is None:
                raise no_tenant()
            return self._insert(connection, tenant_id, role, name, expires_s)

    def find(self, key_id: str) -> KnownKey | None:
        query = select(api_keys, tenants.c.suspended_s).join(tenants).where(api_keys.c.key_id == key_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        is_suspended = row.suspended_s is not None
        return KnownKey(row=_key_row(row), secret_sha256=bytes(row.secret_sha256), is_tenant_suspended=is_suspended)

    def of(self, tenant_id: str | None) -> list[KeyRow]:
        """Of one tenant, or of all; the newest first, those that open nothing any more too."""
        query = select(api_keys).order_by(api_keys.c.created_s.desc(), api_keys.c.key_id)
        if tenant_id is not None:
            query = query.where(api_keys.c.tenant_id == tenant_id)
        with self._database.read() as connection:
            return [_key_row(row) for row in connection.execute(query)]

    def revoke(self, key_id: str, tenant_id: str | None = None) -> KeyRow:
        """Revoking again changes nothing. Raises `KeyNotFoundError`, also for one of another tenant than
        `tenant_id`."""
        update = api_keys.update().where(api_keys.c.key_id == key_id, *_of_tenant(tenant_id))
        update = update.values(revoked_s=func.coalesce(api_keys.c.revoked_s, self._clock()))
        with self._database.write() as connection:
            row = connection.execute(update.returning(*api_keys.c)).one_or_none()
        if row is None:
            raise _no_key()
        return _key_row(row)

    def rotate(self, key_id: str, grace_s: float, tenant_id: str | None = None) -> tuple[KeyRow, str]:
        """A new key that allows the same as this one, which goes on for `grace_s`. Raises `KeyNotFoundError`, and
        `InvalidFieldError` for one that opens nothing any more."""
        with self._database.write() as connection:
            query = select(api_keys).where(api_keys.c.key_id == key_id, *_of_tenant(tenant_id))
            row = connection.execute(query.with_for_update()).one_or_none()
            if row is None:
                raise _no_key()
            old, now_s = _key_row(row), self._clock()
            if not old.is_good(now_s):
                raise InvalidFieldError("the key is over: there is nothing to go on from", field="key_id")
            over_s = now_s + grace_s if old.expires_s is None else min(now_s + grace_s, old.expires_s)
            connection.execute(api_keys.update().where(api_keys.c.key_id == key_id).values(expires_s=over_s))
            return self._insert(connection, old.tenant_id, old.role, old.name, old.expires_s)

    def touch(self, key_id: str) -> None:
        """Note that it was used."""
        with self._database.write() as connection:
            connection.execute(api_keys.update().where(api_keys.c.key_id == key_id).values(last_used_s=self._clock()))

    def _insert(
        self, connection: Connection, tenant_id: str, role: Role, name: str, expires_s: float | None
    ) -> tuple[KeyRow, str]:
        new = NewKey.make()
        row = KeyRow(
            key_id=new.secret.key_id,
            tenant_id=tenant_id,
            role=role,
            name=name,
            created_s=self._clock(),
            expires_s=expires_s,
            revoked_s=None,
            last_used_s=None,
        )
        connection.execute(api_keys.insert().values(**asdict(row), secret_sha256=new.secret.sha256))
        return row, new.text


def _of_tenant(tenant_id: str | None) -> list[ColumnElement[bool]]:
    return [] if tenant_id is None else [api_keys.c.tenant_id == tenant_id]


def _no_key() -> KeyNotFoundError:
    return KeyNotFoundError("there is no key of that id", field="key_id")


def _key_row(row: Row[Any]) -> KeyRow:
    values = {name: row._mapping[name] for name in KeyRow.__slots__}
    return KeyRow(**{**values, "role": Role(row.role)})
