"""Keeps a gateway's books: made when it starts, closed when all its sessions are over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from serving.books.accounts import Accounts, Keep
from serving.books.chain import Book, BookId
from serving.books.config import BooksConfig
from serving.books.events import NotToldError, make_exporter
from serving.books.housekeeping import Housekeeping
from serving.books.ledger import Ledger
from serving.books.spending import MonthlySpending
from serving.books.storage_meter import storage_entries, stored_bytes
from serving.books.tenant_places import TenantPlaces
from serving.books.writer import BookWriter
from serving.catalogue.database import Database
from serving.catalogue.storage import StorageConfig, worker_name
from serving.errors import NacreError

logger = logging.getLogger(__name__)

EXPORT_EVERY_S = 5.0
PINS_EVERY_S = 5.0
STATE_EVERY_S = 1.0
TIDY_EVERY_S = 3_600.0


class Bookkeeper:
    """Owns the thread that writes and the task that counts what is stored. `start` and `stop` it on the loop."""

    def __init__(
        self,
        database: Database,
        storage: StorageConfig,
        config: BooksConfig | None = None,
        keep_session: Keep | None = None,
        *,
        is_authenticated: bool = False,
        on_state: Callable[[float, int, int], None] = lambda away_s, num_unwritten, num_lost: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config or BooksConfig()
        self.ledger = Ledger(database, clock)
        self._database = database
        self.clock = clock
        self.is_authenticated = is_authenticated
        self._on_state = on_state
        self._places = TenantPlaces(database, storage)
        self.writer = BookWriter(self.ledger, worker_name(), self._places.folder_of, self._places.folders)
        spending = MonthlySpending(self.ledger, self.config.prices)
        self.accounts = Accounts(
            config=self.config, writer=self.writer, spending=spending, keep_session=keep_session, clock=clock
        )
        self._housekeeping = Housekeeping(database, storage, self.config, clock)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        # Owned by this object from start to stop.
        self._tasks.append(asyncio.create_task(self._count_storage(), name="storage-meter"))
        self._tasks.append(asyncio.create_task(self._tell_state(), name="books-state"))
        refresh = self._places.refresh
        self._tasks.append(asyncio.create_task(_every(PINS_EVERY_S, "who is pinned where is not known", refresh)))
        if self.config.export_to:
            export = make_exporter(self._database, self.ledger, self.config.export_to)
            self._tasks.append(asyncio.create_task(_every(EXPORT_EVERY_S, "usage was not told", export)))
        if self._housekeeping.has_work:
            tidy = self._housekeeping.tidy
            self._tasks.append(asyncio.create_task(_every(TIDY_EVERY_S, "the books were not tidied", tidy)))

    async def stop(self) -> None:
        """Once nothing more is used or asked. Safe to call twice."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        await asyncio.to_thread(self.writer.close)

    @property
    def must_refuse(self) -> bool:
        """Whether calls that change something have to wait until they can be written down."""
        return self.config.refuse_unaudited and self.writer.away_s > self.config.refuse_after_s

    async def _tell_state(self) -> None:
        num_told = 0
        while True:
            num_lost = self.writer.num_lost
            self._on_state(self.writer.away_s, self.writer.num_unwritten, num_lost - num_told)
            num_told = num_lost
            await asyncio.sleep(STATE_EVERY_S)

    async def _count_storage(self) -> None:
        """At the end of each interval of the clock: what every tenant has stored, for as long as it lasted."""
        every_s = self.config.storage_every_s
        while True:
            interval = int(self.clock() // every_s)
            await asyncio.sleep((interval + 1) * every_s - self.clock())
            try:
                stored = await asyncio.to_thread(stored_bytes, self._database)
            except NacreError as error:
                logger.warning("what is stored was not counted: %s", error.message)
                continue
            for tenant_id, entry in storage_entries(stored, interval, every_s):
                self.writer.write(BookId(Book.USAGE, tenant_id), entry)


async def _every(every_s: float, failed: str, work: Callable[[], object]) -> None:
    """At once and then again and again, on a thread of its own."""
    while True:
        try:
            await asyncio.to_thread(work)
        except (NacreError, NotToldError) as error:
            logger.warning("%s, and will be later: %s", failed, error)
        await asyncio.sleep(every_s)
