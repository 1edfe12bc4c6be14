"""What the sessions of a gateway use, on its way into the books; and the budgets that it is held against."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serving.access.principal import current
from serving.books.budgets import Decision, Spending, Verdict, decide
from serving.books.chain import Book, BookId, Entry
from serving.books.config import BooksConfig
from serving.books.meter import HELD_CHUNKS, MeteredRow, SessionMeter
from serving.books.spending import MonthlySpending, last_billed_idx, spent_by_session
from serving.books.usage import HAS_LEFT, SESSION, cost_of
from serving.books.writer import BookWriter
from serving.errors import BudgetExhaustedError, NacreError

logger = logging.getLogger(__name__)

BUDGET = "BUDGET"
SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who pays for a session, and what it is."""

    session_id: str
    tenant_id: str
    subject_id: str
    model: str
    frame_rate: float
    world_id: str = ""
    first_chunk_idx: int = 0  # not 0 where another gateway may have had it before
    max_cost: Decimal | None = None  # as the credential has it that began it here

    @property
    def book_id(self) -> BookId:
        return BookId(Book.USAGE, self.tenant_id)


class Metered(Protocol):
    """A session that runs here, as far as its account goes."""

    @property
    def epoch(self) -> int: ...

    def announce_end(self, reason: str, time_left_s: float) -> None: ...

    def end(self, reason: str) -> None: ...


@dataclass(slots=True, kw_only=True)
class _Pace:
    """What a session cost of late."""

    cost: Decimal = Decimal(0)
    at_s: float = 0.0
    per_s: Decimal = Decimal(0)

    def note(self, cost: Decimal, now_s: float) -> None:
        if now_s > self.at_s:
            self.per_s = (cost - self.cost) / Decimal(str(now_s - self.at_s))
        self.cost, self.at_s = cost, now_s


class SessionAccount:
    """Of one session at one gateway. On the event loop; nothing that it does for a chunk waits."""

    def __init__(self, holder: Holder, accounts: Accounts) -> None:
        self.holder = holder
        self.meter = SessionMeter(holder.session_id, holder.frame_rate)
        self._accounts = accounts
        self._cost = Decimal(0)  # here, as far as it is in the books or on its way there
        self._spent_before = Decimal(0)
        self._pace = _Pace()
        self._was_warned = False

    def came(self, chunk_idx: int, frames_FHWC: NDArray[np.uint8]) -> None:
        self.meter.came(chunk_idx, frames_FHWC)

    def delivered(self, chunk_idx: int, num_frames: int, *, looks_on: bool) -> None:
        self.meter.delivered(chunk_idx, num_frames, self._accounts.clock(), looks_on=looks_on)

    async def follow(self, session: Metered) -> None:
        """Write what is used every few seconds, and hold it against the budgets, until cancelled."""
        config = self._accounts.config
        if self.holder.first_chunk_idx > 0:
            self.meter.was_billed_to(await self._accounts.billed_to(self.holder))
        if self._accounts.is_priced:
            self._spent_before = await self._accounts.spent_before(self.holder)
        self._pace.at_s = self._accounts.clock()
        while True:
            await asyncio.sleep(config.row_every_s)
            self.write(session.epoch, HELD_CHUNKS)
            decision = await self._decide()
            if decision.verdict is Verdict.WARN:
                self._was_warned = True
                session.announce_end(BUDGET, decision.time_left_s)
            elif decision.verdict is Verdict.END:
                await self._accounts.keep(self.holder)
                session.end(BUDGET)
                return

    def write(self, epoch: int, held_chunks: int = 0) -> None:
        """What was used since the last row, but for the newest chunks."""
        now_s = self._accounts.clock()
        row = self.meter.cut(epoch, now_s, held_chunks)
        if row is None:
            return
        cost = cost_of(row.usage, self.holder.model, now_s, self._accounts.config.prices)
        self._cost += cost
        self._accounts.write(self.holder, row, now_s, cost, has_left=not held_chunks)

    async def _decide(self) -> Decision:
        now_s, accounts = self._accounts.clock(), self._accounts
        self._pace.note(self._cost, now_s)
        if not accounts.is_priced:
            return Decision(verdict=Verdict.GO_ON)
        session_limits = [each for each in (accounts.config.session_limit, self.holder.max_cost) if each is not None]
        spent = self._spent_before + self._cost
        spendings = [Spending(limit=limit, spent=spent) for limit in session_limits]
        if (of_tenant := await accounts.tenant_spending(self.holder.tenant_id)) is not None:
            spendings.append(of_tenant)
        # Until the next look one more interval is played.
        warn_s = accounts.config.warn_before_budget_s + accounts.config.row_every_s
        return decide(spendings, self._pace.per_s, warn_s, was_warned=self._was_warned)


Keep = Callable[[str], Awaitable[object]]


@dataclass(kw_only=True)
class Accounts:
    """Of one gateway."""

    config: BooksConfig
    writer: BookWriter
    spending: MonthlySpending
    keep_session: Keep | None = None  # saves a session before its budget ends it
    clock: Callable[[], float] = time.time
    _salt: Callable[[], str] = field(default=lambda: secrets.token_hex(SALT_BYTES))

    @property
    def is_priced(self) -> bool:
        return bool(self.config.prices.periods)

    def open(self, holder: Holder) -> SessionAccount:
        return SessionAccount(holder, self)

    def write(self, holder: Holder, row: MeteredRow, now_s: float, cost: Decimal, *, has_left: bool) -> None:
        """`has_left`: it is the last of its session at this gateway, which ended in order."""
        entry = Entry(
            key=row.key,
            kind=SESSION,
            time_s=now_s,
            session_id=holder.session_id,
            body={
                "model": holder.model,
                "world_id": holder.world_id,
                "epoch": row.epoch,
                "chunks": [list(each) for each in row.chunks],
                **({HAS_LEFT: True} if has_left else {}),
                **row.usage.to_fields(),
            },
            personal={"subject_id": holder.subject_id},
            salt=self._salt(),
        )
        if self.config.tenant_limit is not None:  # before anybody can read the row
            self.spending.note(holder.tenant_id, row.key, cost)
        self.writer.write(holder.book_id, entry)

    async def admit(self) -> None:
        """Whoever asks may begin one more session. Raises `BudgetExhaustedError`."""
        asker = current()
        if not self.is_priced:
            return
        if asker.max_cost is not None and asker.max_cost <= 0:
            raise BudgetExhaustedError("the credential has nothing left to spend")
        of_tenant = await self.tenant_spending(asker.tenant_id)
        if of_tenant is not None and of_tenant.is_over:
            raise BudgetExhaustedError(
                f"the month's budget of {of_tenant.limit} {self.config.prices.currency} is spent"
            )

    async def tenant_spending(self, tenant_id: str) -> Spending | None:
        limit = self.config.tenant_limit
        if limit is None:
            return None
        try:
            spent = await asyncio.to_thread(self.spending.refreshed, tenant_id, self.clock())
        except NacreError as error:  # what is known already counts meanwhile
            logger.warning("what %s has spent is not known: %s", tenant_id, error.message)
            spent = self.spending.known(tenant_id)
        return Spending(limit=limit, spent=spent)

    async def spent_before(self, holder: Holder) -> Decimal:
        """By this session, when it ran here or elsewhere."""
        try:
            return await asyncio.to_thread(
                spent_by_session, self.spending.ledger, holder.book_id, holder.session_id, self.config.prices
            )
        except NacreError as error:
            logger.warning("what session %s has cost is not known: %s", holder.session_id, error.message)
            return Decimal(0)

    async def billed_to(self, holder: Holder) -> int:
        """The last chunk in the books of a session that a gateway had which died; -1 for none."""
        try:
            return await asyncio.to_thread(last_billed_idx, self.spending.ledger, holder.book_id, holder.session_id)
        except NacreError as error:
            logger.warning("what was billed of session %s is not known: %s", holder.session_id, error.message)
            return -1

    async def keep(self, holder: Holder) -> None:
        """A failure is logged: a budget is a budget."""
        if self.keep_session is None:
            return
        try:
            await self.keep_session(holder.session_id)
        except NacreError as error:
            logger.error("session %s ends unsaved: %s", holder.session_id, error.message)
