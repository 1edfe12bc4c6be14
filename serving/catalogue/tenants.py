"""Tenants: whose everything is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects import postgresql, sqlite

from serving.catalogue.database import Database
from serving.catalogue.schema import tenants
from serving.errors import InvalidFieldError, TenantExistsError, TenantNotFoundError

# In object names, labels of metrics and command lines: lower case, as DNS labels are.
TENANT_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRow:
    tenant_id: str
    name: str  # for people
    created_s: float
    suspended_s: float | None  # since when its keys open nothing


class Tenants:
    """Blocking."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, tenant_id: str, name: str = "") -> TenantRow:
        """Raises `InvalidFieldError` or `TenantExistsError`."""
        if not TENANT_ID.fullmatch(tenant_id):
            raise InvalidFieldError("1 to 63 of a-z, 0-9 and -, not at either end", field="tenant_id")
        if len(name) > MAX_NAME_CHARS:
            raise InvalidFieldError(f"at most {MAX_NAME_CHARS} characters", field="name")
        row = TenantRow(tenant_id=tenant_id, name=name, created_s=self._clock(), suspended_s=None)
        dialect = sqlite if self._database.is_sqlite else postgresql
        insert = dialect.insert(tenants).values(**{each: getattr(row, each) for each in TenantRow.__slots__})
        with self._database.write() as connection:
            made = connection.execute(insert.on_conflict_do_nothing().returning(tenants.c.tenant_id))
            if made.one_or_none() is None:
                raise TenantExistsError(f"there is a tenant {tenant_id} already", field="tenant_id")
        return row

    def find(self, tenant_id: str) -> TenantRow | None:
        with self._database.read() as connection:
            row = connection.execute(select(tenants).where(tenants.c.tenant_id == tenant_id)).one_or_none()
        return None if row is None else _tenant_row(row)

    def all(self) -> list[TenantRow]:
        """By their ids."""
        with self._database.read() as connection:
            return [_tenant_row(row) for row in connection.execute(select(tenants).order_by(tenants.c.tenant_id))]

    def suspend(self, tenant_id: str) -> TenantRow:
        """Let its keys open nothing, from within seconds on. What is kept of it stays. Raises
        `TenantNotFoundError`."""
        return self._set_suspended(tenant_id, self._clock())

    def restore(self, tenant_id: str) -> TenantRow:
        """Raises `TenantNotFoundError`."""
        return self._set_suspended(tenant_id, None)

    def _set_suspended(self, tenant_id: str, suspended_s: float | None) -> TenantRow:
        update = tenants.update().where(tenants.c.tenant_id == tenant_id).values(suspended_s=suspended_s)
        with self._database.write() as connection:
            row = connection.execute(update.returning(*tenants.c)).one_or_none()
        if row is None:
            raise no_tenant()
        return _tenant_row(row)


def no_tenant() -> TenantNotFoundError:
    return TenantNotFoundError("there is no tenant of that id", field="tenant_id")


def _tenant_row(row: Row[Any]) -> TenantRow:
    return TenantRow(**{name: row._mapping[name] for name in TenantRow.__slots__})
