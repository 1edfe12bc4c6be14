"""Receipts of delivered chunks in the catalogue: a row for every second or two of play."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from serving.catalogue.database import Database
from serving.catalogue.lineage import Segment, segments_of
from serving.catalogue.schema import receipts, sessions
from serving.catalogue.sessions import check_epoch
from serving.sessions.receipts import FIRST_HASH, Receipt, join_hashes, split_hashes


class Receipts:
    """What is read is a session's timeline as it stands: with what it has in common with those it left, and without
    what a rewind left behind."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, session_id: str, epoch: int, added: Sequence[Receipt]) -> None:
        """Receipts of chunks in a row. Raises `SessionFencedError`."""
        with self._database.write() as connection:
            check_epoch(connection, session_id, epoch)
            for run in _runs(added):
                connection.execute(
                    receipts.insert().values(
                        session_id=session_id,
                        epoch=epoch,
                        first_chunk_idx=run[0].chunk_idx,
                        num_chunks=len(run),
                        previous_hash=run[0].previous,
                        hashes=join_hashes(run),
                    )
                )
            connection.execute(
                sessions.update()
                .where(sessions.c.session_id == session_id)
                .values(num_chunks=added[-1].chunk_idx + 1, updated_s=self._clock())
            )

    def of(self, session_id: str) -> list[Receipt]:
        """In the order of the chunks."""
        with self._database.read() as connection:
            found = _between(connection, segments_of(connection, session_id), 0, None)
        return [found[chunk_idx] for chunk_idx in sorted(found)]

    def at(self, session_id: str, chunk_idx: int) -> Receipt | None:
        with self._database.read() as connection:
            return _at(connection, segments_of(connection, session_id), chunk_idx)

    def last(self, session_id: str) -> Receipt | None:
        """That of the latest chunk on the timeline."""
        with self._database.read() as connection:
            segments = segments_of(connection, session_id)
            ends = [_end(segment, row) for segment in segments for row in _rows(connection, segment)]
            return _at(connection, segments, max(ends) - 1) if ends else None


def _runs(added: Iterable[Receipt]) -> Iterator[list[Receipt]]:
    """Cut where a chain began anew: a row holds one chain."""
    run: list[Receipt] = []
    for receipt in added:
        if run and receipt.previous != run[-1].hash:
            yield run
            run = []
        run.append(receipt)
    if run:
        yield run


def _at(connection: Connection, segments: Sequence[Segment], chunk_idx: int) -> Receipt | None:
    # With the one before: rows of old do not say what they follow.
    return _between(connection, segments, max(0, chunk_idx - 1), chunk_idx + 1).get(chunk_idx)


def _between(
    connection: Connection, segments: Sequence[Segment], first_chunk_idx: int, end_chunk_idx: int | None
) -> dict[int, Receipt]:
    """By chunk, from the ancestors' to the session's own, of which those of later epochs take precedence."""
    found: dict[int, Receipt] = {}
    for segment in reversed(segments):
        for row in _rows(connection, segment, first_chunk_idx, end_chunk_idx):
            before = found.get(row.first_chunk_idx - 1)
            previous = bytes(row.previous_hash) or (FIRST_HASH if before is None else before.hash)
            end = _end(segment, row)
            for receipt in split_hashes(row.first_chunk_idx, previous, bytes(row.hashes)):
                if first_chunk_idx <= receipt.chunk_idx < end:
                    found[receipt.chunk_idx] = receipt
    return found


def _rows(
    connection: Connection, segment: Segment, first_chunk_idx: int = 0, end_chunk_idx: int | None = None
) -> list[Row[Any]]:
    """Those of a session that reach into the segment, and into those chunks."""
    query = (
        select(receipts)
        .where(
            receipts.c.session_id == segment.session_id,
            receipts.c.first_chunk_idx + receipts.c.num_chunks > first_chunk_idx,
        )
        .order_by(receipts.c.epoch, receipts.c.first_chunk_idx)
    )
    if end_chunk_idx is not None:
        query = query.where(receipts.c.first_chunk_idx < end_chunk_idx)
    return [row for row in connection.execute(query) if _end(segment, row) > row.first_chunk_idx]


def _end(segment: Segment, row: Row[Any]) -> int:
    """The first chunk after those of the row that count."""
    end, row_end = segment.end_of(row.epoch), row.first_chunk_idx + row.num_chunks
    return row_end if end is None else min(end, row_end)
