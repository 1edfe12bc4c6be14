"""Who was taken back before their tokens end, as long as one of those could live."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from serving.access.revocations import TOKEN_SUBJECT, Revocation
from serving.access.tokens import MAX_LIFETIME_S
from serving.catalogue.database import Database
from serving.catalogue.schema import MAX_SUBJECT_CHARS, revocations
from serving.errors import InvalidFieldError, RateExceededError

# Those of one tenant at a time, who are all kept in memory by every gateway. More than that are taken back by whoever
# minted them, in one line.
MAX_OF_TENANT = 10_000
# An identity provider's tokens live as long as it likes; none of use for longer than this is known.
MAX_IDENTITY_S = 366 * 24 * 3_600.0
CLIENT_TOKEN_S = MAX_LIFETIME_S + 60.0  # and what clocks differ by
IDENTITY_SUBJECT = "oidc:"
# What can be taken back: a token, or everything that one of these was given or has minted.
SUBJECTS = (TOKEN_SUBJECT, IDENTITY_SUBJECT, "certificate:", "key:")


class RevocationTable:
    """`RevocationRecords` of the catalogue. Blocking; every method raises `StorageUnavailableError`."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, tenant_id: str, subject_id: str) -> Revocation:
        """Of one that is there already, the moment moves on. Raises `RateExceededError`."""
        now_s = self._clock()
        row = Revocation(
            tenant_id=tenant_id, subject_id=subject_id, revoked_s=now_s, until_s=now_s + keeping_s(subject_id)
        )
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        moment = {"revoked_s": row.revoked_s, "until_s": row.until_s}
        new = insert(revocations).values(tenant_id=tenant_id, subject_id=subject_id, **moment)
        with self._database.write() as connection:
            query = select(func.count()).where(revocations.c.tenant_id == tenant_id, revocations.c.until_s > now_s)
            if connection.execute(query).scalar_one() >= MAX_OF_TENANT:
                raise RateExceededError(
                    f"{MAX_OF_TENANT} are taken back already; take back whoever minted them",
                    subject=f"tenant:{tenant_id}",
                )
            connection.execute(new.on_conflict_do_update(index_elements=["tenant_id", "subject_id"], set_=moment))
        return row

    def since(self, from_s: float) -> list[Revocation]:
        """Those that still matter, written from then on."""
        query = select(revocations).where(revocations.c.until_s > self._clock())
        if from_s > 0:
            query = query.where(revocations.c.revoked_s >= from_s)
        with self._database.read() as connection:
            return [_revocation(row) for row in connection.execute(query)]

    def of(self, tenant_id: str | None) -> list[Revocation]:
        """Of one tenant, or of all; the newest first."""
        query = select(revocations).where(revocations.c.until_s > self._clock())
        if tenant_id is not None:
            query = query.where(revocations.c.tenant_id == tenant_id)
        with self._database.read() as connection:
            ordered = query.order_by(revocations.c.revoked_s.desc(), revocations.c.subject_id)
            return [_revocation(row) for row in connection.execute(ordered)]

    def forget_expired(self) -> int:
        """Gives how many there were."""
        with self._database.write() as connection:
            return connection.execute(delete(revocations).where(revocations.c.until_s <= self._clock())).rowcount


def check_subject(subject_id: str) -> str:
    """Raises `InvalidFieldError`."""
    if not (subject_id.startswith(SUBJECTS) and len(subject_id) <= MAX_SUBJECT_CHARS and subject_id.isprintable()):
        kinds = [f"{each}..." for each in SUBJECTS]
        raise InvalidFieldError("a token, or who mints them", field="subject_id", allowed=kinds)
    return subject_id


def keeping_s(subject_id: str) -> float:
    """For how long something could be shown that was given to them, or minted by them, until now."""
    return MAX_IDENTITY_S if subject_id.startswith(IDENTITY_SUBJECT) else CLIENT_TOKEN_S


def _revocation(row: Row[Any]) -> Revocation:
    return Revocation(tenant_id=row.tenant_id, subject_id=row.subject_id, revoked_s=row.revoked_s, until_s=row.until_s)
