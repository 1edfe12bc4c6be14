"""Pages of lists, the newest first. A cursor names the last row that was given: what is added moves nothing. It is of
use to the tenant that it was given to, and to that list alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Row, Select, tuple_

from serving.access.principal import Principal
from serving.errors import InvalidFieldError

MAX_PAGE = 1_000
MARK_CHARS = 16
Listed = TypeVar("Listed")


def read_page(
    connection: Connection,
    query: Select[Any],
    *,
    created_s: Column[float],
    row_id: Column[str],
    limit: int,
    cursor: str,
    read: Callable[[Row[Any]], Listed],
    asker: Principal | None = None,
) -> tuple[list[Listed], str]:
    """The rows of `query`, and the cursor of the next page, empty after the last. Raises `InvalidFieldError`."""
    if limit < 1:
        raise InvalidFieldError(f"a page has at least 1 row, not {limit}", field="limit")
    limit = min(limit, MAX_PAGE)
    mark = _mark(row_id, asker)
    if cursor:
        query = query.where(tuple_(created_s, row_id) < tuple_(*_decoded(cursor, mark)))
    query = query.order_by(created_s.desc(), row_id.desc()).limit(limit + 1)
    rows: Sequence[Row[Any]] = connection.execute(query).all()
    is_last = len(rows) <= limit
    rows = rows[:limit]
    next_cursor = "" if is_last else _encoded(rows[-1]._mapping[created_s], rows[-1]._mapping[row_id], mark)
    return [read(row) for row in rows], next_cursor


def _mark(row_id: Column[str], asker: Principal | None) -> str:
    """Of a list and of who reads it."""
    reader = "" if asker is None else asker.tenant_id
    return hashlib.sha256(f"{row_id}|{reader}".encode()).hexdigest()[:MARK_CHARS]


def _encoded(created_s: float, row_id: str, mark: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([created_s, row_id, mark]).encode()).decode()


def _decoded(cursor: str, mark: str) -> tuple[float, str]:
    try:
        created_s, row_id, its_mark = json.loads(base64.b64decode(cursor.encode(), b"-_", validate=True))
        if its_mark != mark:
            raise ValueError("another list's, or another tenant's")
        return float(created_s), str(row_id)
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidFieldError("the cursor is none that a list gave", field="cursor") from error
