"""Answers in the catalogue to requests that came with an idempotency key, for when they come again.

An answer may hold a token, and no token is kept. So it is sealed with a secret that is made from the key itself, of
which only a hash is kept: whoever reads the catalogue alone learns nothing from it.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, Update, delete, select, text

from serving.catalogue.database import Database
from serving.catalogue.schema import keyed_answers
from serving.errors import KeyOutcomeUnknownError, KeyReusedError

# For a client to come back after a night; what it asks a day later is a new request.
KEPT_S = 24 * 3600.0
# Of one that is being answered: its gateway says three times in this time that it lives.
RUNNING_S = 30.0
NONCE_BYTES, SECRET_BYTES = 12, 32
SECRET_PURPOSE = b"nacre keyed answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """A key and whose it is. Others' keys are other keys, whatever they are called."""

    tenant_id: str
    subject_id: str
    key: str

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self._words).digest()

    @property
    def _words(self) -> bytes:
        return "\0".join((self.tenant_id, self.subject_id, self.key)).encode()

    def seal(self, answer: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._secret(nonce)).encrypt(nonce, answer, None)

    def unseal(self, sealed: bytes) -> bytes:
        nonce = sealed[:NONCE_BYTES]
        return AESGCM(self._secret(nonce)).decrypt(nonce, sealed[NONCE_BYTES:], None)

    def _secret(self, salt: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=salt, info=SECRET_PURPOSE).derive(self._words)


class BusyElsewhere:
    """Another gateway is answering the request now."""


class KeyedAnswers:
    """Of one gateway, among others. Blocking."""

    def __init__(self, database: Database, gateway_id: str, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._gateway_id = gateway_id
        self._clock = clock

    def begin(self, key: RequestKey, request_sha256: bytes) -> bytes | BusyElsewhere | None:
        """The answer given before, or None: then this gateway is the one to answer. Raises `KeyReusedError`, or
        `KeyOutcomeUnknownError` where whoever was to answer is dead."""
        now_s, sha256 = self._clock(), key.sha256
        row = {"request_sha256": request_sha256, "gateway_id": self._gateway_id, "until_s": now_s + RUNNING_S}
        is_it = keyed_answers.c.key_sha256 == sha256
        with self._database.write() as connection:
            self._lock(connection, sha256)
            self._drop_old(connection, now_s)
            known = connection.execute(select(keyed_answers).where(is_it)).one_or_none()
            if known is None:
                connection.execute(keyed_answers.insert().values(key_sha256=sha256, **row))
                return None
        if known.request_sha256 != request_sha256:
            raise KeyReusedError("the key came with another request before", field="idempotency_key")
        if known.answer is not None:
            return key.unseal(known.answer)
        if known.until_s > now_s:
            return BusyElsewhere()
        raise KeyOutcomeUnknownError(
            "the request was begun, and the gateway that had it died; see whether it was done, and use a new key",
            field="idempotency_key",
        )

    def is_new(self, key: RequestKey, request_sha256: bytes) -> bool:
        """Whether nobody has begun to answer it. Raises `KeyReusedError`."""
        query = select(keyed_answers.c.request_sha256).where(keyed_answers.c.key_sha256 == key.sha256)
        with self._database.read() as connection:
            known = connection.execute(query).scalar_one_or_none()
        if known is not None and bytes(known) != request_sha256:
            raise KeyReusedError("the key came with another request before", field="idempotency_key")
        return known is None

    def renew(self, key: RequestKey) -> None:
        """It is still being answered here."""
        with self._database.write() as connection:
            connection.execute(self._update(key, until_s=self._clock() + RUNNING_S))

    def finish(self, key: RequestKey, answer: bytes) -> None:
        with self._database.write() as connection:
            connection.execute(self._update(key, until_s=self._clock() + KEPT_S, answer=key.seal(answer)))

    def forget(self, key: RequestKey) -> None:
        """Nothing was done; the same request may be tried again."""
        is_it = (keyed_answers.c.key_sha256 == key.sha256) & (keyed_answers.c.gateway_id == self._gateway_id)
        with self._database.write() as connection:
            connection.execute(delete(keyed_answers).where(is_it, keyed_answers.c.answer.is_(None)))

    def _update(self, key: RequestKey, **values: object) -> Update:
        return keyed_answers.update().where(keyed_answers.c.key_sha256 == key.sha256).values(**values)

    def _lock(self, connection: Connection, sha256: bytes) -> None:
        """Two at the same instant come one after the other; in SQLite all writers do."""
        if not self._database.is_sqlite:
            lock = int.from_bytes(sha256[:8], "big", signed=True)
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})

    def _drop_old(self, connection: Connection, now_s: float) -> None:
        """One that was never answered is remembered as long as one that was."""
        is_answered = keyed_answers.c.answer.is_not(None)
        old_s = now_s - KEPT_S
        connection.execute(delete(keyed_answers).where(keyed_answers.c.until_s < old_s))
        connection.execute(delete(keyed_answers).where(is_answered, keyed_answers.c.until_s < now_s))
