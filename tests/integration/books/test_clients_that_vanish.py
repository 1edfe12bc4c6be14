"""What is billed of clients that are there one moment and gone the next."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nacre.v1 import session_pb2
from serving.access.config import AccessConfig
from serving.books.chain import Book, BookId
from serving.books.config import BooksConfig
from serving.books.ledger import Ledger
from serving.books.usage import read_usage, total_usage
from tests.integration.access.harness import door
from tests.integration.gateway.harness import Call

OWN = BookId(Book.USAGE, "default")


async def test_b02_a_client_that_vanishes_is_billed_for_what_it_got(tmp_path: Path) -> None:
    books = BooksConfig(row_every_s=0.05)
    async with door(tmp_path, access=AccessConfig(), books=books, detach_grace_s=0.2) as service:
        created = await service.create("")
        for num_chunks in (5, 7):
            call = Call(service.sessions.Play())
            session_id, token = created.session.session_id, created.resume_token
            await call.send(
                attach=session_pb2.Attach(session_id=session_id, resume_token=token, initial_credit=num_chunks)
            )
            call.gives_credit = False
            assert len(await call.chunks(num_chunks)) == num_chunks
            call.raw.cancel()
            await asyncio.sleep(0.05)
        ledger = Ledger(service.library.database)
        async with asyncio.timeout(10):
            while total_usage(read_usage(ledger.read(OWN))).num_frames < 12:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        assert total_usage(read_usage(ledger.read(OWN))).num_frames == 12
        assert ledger.verify(OWN) is None
