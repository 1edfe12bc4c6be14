"""Links that let others in: to watch a session, to play it, to direct it, or to go on from its moment."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from serving.access.principal import DEFAULT_TENANT, LOCAL, Principal
from serving.catalogue.database import Database
from serving.catalogue.schema import shares
from serving.errors import InvalidFieldError, SessionNotFoundError, ShareLinkExpiredError, ShareLinkRevokedError

VIEW, JOIN, FORK, DIRECT = "view", "join", "fork", "direct"
SCOPES = (VIEW, JOIN, FORK, DIRECT)
TOKEN_BYTES = 32
ID_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRow:
    share_id: str
    session_id: str | None  # this or the world
    world_id: str | None
    scope: str
    epoch: int | None  # of the moment that was shared; none for the present, whenever that is
    chunk_idx: int | None
    created_s: float
    expires_s: float | None
    revoked_s: float | None
    num_uses: int
    tenant_id: str = DEFAULT_TENANT
    owner_id: str = LOCAL.subject_id  # who made it


class Shares:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        *,
        scope: str,
        session_id: str | None = None,
        world_id: str | None = None,
        epoch: int | None = None,
        chunk_idx: int | None = None,
        expires_s: float | None = None,
        maker: Principal = LOCAL,
    ) -> tuple[ShareRow, str]:
        """The link and its token, which is told now and never again. Raises `InvalidFieldError`, or
        `StorageUnavailableError` for a session or world that is not there."""
        if scope not in SCOPES:
            raise InvalidFieldError(f"there is no scope {scope!r}", field="scope", allowed=SCOPES)
        if (session_id is None) == (world_id is None):
            raise InvalidFieldError("a link leads to a session or to a world", field="session_id")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        share = ShareRow(
            share_id=f"share-{secrets.token_hex(ID_BYTES)}",
            session_id=session_id,
            world_id=world_id,
            scope=scope,
            epoch=epoch,
            chunk_idx=chunk_idx,
            created_s=self._clock(),
            expires_s=expires_s,
            revoked_s=None,
            num_uses=0,
            tenant_id=maker.tenant_id,
            owner_id=maker.subject_id,
        )
        columns = {name: getattr(share, name) for name in ShareRow.__slots__}
        with self._database.write() as connection:
            connection.execute(shares.insert().values(**columns, token_sha256=_sha256(token)))
        return share, token

    def open(self, token: str, now_s: float | None = None) -> ShareRow:
        """The link as it is with this use. Raises `SessionNotFoundError` for an unknown token,
        `ShareLinkRevokedError` or `ShareLinkExpiredError`."""
        now_s = self._clock() if now_s is None else now_s
        is_this = shares.c.token_sha256 == _sha256(token)
        with self._database.write() as connection:
            row = _checked(connection.execute(select(shares).where(is_this).with_for_update()).one_or_none(), now_s)
            connection.execute(shares.update().where(is_this).values(num_uses=shares.c.num_uses + 1))
            return _share_row(row, num_uses=row.num_uses + 1)

    def check(self, token: str, now_s: float) -> ShareRow:
        """As `open`, and no use of it."""
        with self._database.read() as connection:
            row = connection.execute(select(shares).where(shares.c.token_sha256 == _sha256(token))).one_or_none()
        return _share_row(_checked(row, now_s))

    def known(self, token_sha256: bytes) -> ShareRow | None:
        """The link of that token as it is, which is no use of it."""
        with self._database.read() as connection:
            row = connection.execute(select(shares).where(shares.c.token_sha256 == token_sha256)).one_or_none()
        return None if row is None else _share_row(row)

    def find(self, share_id: str) -> ShareRow | None:
        with self._database.read() as connection:
            row = connection.execute(select(shares).where(shares.c.share_id == share_id)).one_or_none()
        return None if row is None else _share_row(row)

    def of(self, session_id: str) -> list[ShareRow]:
        """Those that lead to the session, the newest first, also such that lead nowhere any more."""
        query = (
            select(shares)
            .where(shares.c.session_id == session_id)
            .order_by(shares.c.created_s.desc(), shares.c.share_id.desc())
        )
        with self._database.read() as connection:
            return [_share_row(row) for row in connection.execute(query)]

    def revoke(self, share_id: str) -> bool:
        """Whether there is such a link. Revoking again changes nothing."""
        with self._database.write() as connection:
            is_this = shares.c.share_id == share_id
            connection.execute(
                shares.update().where(is_this, shares.c.revoked_s.is_(None)).values(revoked_s=self._clock())
            )
            return connection.execute(select(shares.c.share_id).where(is_this)).one_or_none() is not None


def _checked(row: Row[Any] | None, now_s: float) -> Row[Any]:
    """Raises what `Shares.open` does."""
    if row is None:
        raise SessionNotFoundError("no link has that token", field="token")
    if row.revoked_s is not None:
        raise ShareLinkRevokedError("the link was taken back", field="token")
    if row.expires_s is not None and now_s >= row.expires_s:
        raise ShareLinkExpiredError("the link's time is over", field="token")
    return row


def _sha256(token: str) -> bytes:
    """What is kept of a token: enough to know it again, not enough to use it."""
    return hashlib.sha256(token.encode()).digest()


def _share_row(row: Row[Any], **changes: Any) -> ShareRow:
    return ShareRow(**{**{name: row._mapping[name] for name in ShareRow.__slots__}, **changes})
