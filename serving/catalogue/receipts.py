"""Receipts of delivered chunks in the catalogue: a row for every second or two of play."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy import select

from serving.catalogue.database import Database
from serving.catalogue.schema import receipts, sessions
from serving.catalogue.sessions import check_epoch
from serving.sessions.receipts import Receipt, join_hashes, split_hashes


class Receipts:
    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, session_id: str, epoch: int, added: Sequence[Receipt]) -> None:
        """Receipts of chunks in a row. Raises `SessionFencedError`."""
        with self._database.write() as connection:
            check_epoch(connection, session_id, epoch)
            connection.execute(
                receipts.insert().values(
                    session_id=session_id,
                    first_chunk_idx=added[0].chunk_idx,
                    num_chunks=len(added),
                    hashes=join_hashes(added),
                )
            )
            connection.execute(
                sessions.update()
                .where(sessions.c.session_id == session_id)
                .values(num_chunks=added[-1].chunk_idx + 1, updated_s=self._clock())
            )

    def of(self, session_id: str) -> list[Receipt]:
        query = select(receipts).where(receipts.c.session_id == session_id).order_by(receipts.c.first_chunk_idx)
        with self._database.read() as connection:
            rows = list(connection.execute(query))
        return [each for row in rows for each in split_hashes(row.first_chunk_idx, bytes(row.hashes))]
