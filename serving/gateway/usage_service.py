"""The calls of nacre.v1.UsageService."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal

from google.protobuf.duration_pb2 import Duration

from model.interface import ModelInfo
from nacre.v1 import usage_pb2, usage_pb2_grpc
from serving.access.principal import current
from serving.books.bookkeeper import Bookkeeper
from serving.books.prices import FREE
from serving.books.quotes import quote, quoted_bill
from serving.books.reading import UsageQuestion, usage_of
from serving.books.usage import Bill, BillLine, Usage, amount
from serving.catalogue.worlds import WorldRow
from serving.errors import InvalidFieldError, UnavailableError
from serving.gateway.library_codec import to_timestamp
from serving.gateway.tenants_asked import tenant_asked_for
from serving.gateway.validation import check_id, check_model, check_world

MAX_QUOTED_S = 366 * 86_400
MAX_QUOTED_VIEWERS = 100_000


class UsageService(usage_pb2_grpc.UsageServiceServicer):
    """Checks what came, asks for it, answers. Raises `serving.errors`."""

    def __init__(
        self,
        bookkeeper: Bookkeeper | None,
        info: ModelInfo,
        clock: Callable[[], float] = time.time,
        find_world: Callable[[str], Awaitable[WorldRow]] | None = None,
    ) -> None:
        """`find_world`: a saved one by its id; None where none are kept."""
        self._bookkeeper = bookkeeper
        self._info = info
        self._clock = clock
        self._find_world = find_world

    async def GetQuote(  # noqa: N802
        self, request: usage_pb2.GetQuoteRequest, context: object
    ) -> usage_pb2.GetQuoteResponse:
        await self._check_quoted(request)
        duration_s = request.duration.seconds + request.duration.nanos / 1e9
        if not 0 < duration_s <= MAX_QUOTED_S:
            raise InvalidFieldError(f"more than 0 and at most {MAX_QUOTED_S} s", field="duration")
        if request.num_viewers > MAX_QUOTED_VIEWERS:
            raise InvalidFieldError(f"at most {MAX_QUOTED_VIEWERS}", field="num_viewers")
        sheet = FREE if self._bookkeeper is None else self._bookkeeper.config.prices
        usage = quote(duration_s, self._info.frame_rate, request.num_viewers)
        response = usage_pb2.GetQuoteResponse(
            bill=to_bill(quoted_bill(usage, self._info.name, self._clock(), sheet)),
            num_frames=usage.num_frames,
            model=self._info.name,
            world_id=request.world_id,
        )
        await self._tell_budgets(response)
        return response

    async def _check_quoted(self, request: usage_pb2.GetQuoteRequest) -> None:
        """What is asked about can be played here: whoever asks may see it, as the doorkeeper found."""
        check_model(request.model, self._info, "model")
        if request.WhichOneof("of") == "world":
            check_world(request.world, self._info)
        elif request.world_id:
            if self._find_world is None:
                raise UnavailableError("this service keeps no worlds")
            check_model((await self._find_world(request.world_id)).model, self._info, "world_id")

    async def GetUsage(  # noqa: N802
        self, request: usage_pb2.GetUsageRequest, context: object
    ) -> usage_pb2.GetUsageResponse:
        if self._bookkeeper is None:
            raise UnavailableError("this service keeps no books")
        question = UsageQuestion(
            tenant_id=tenant_asked_for(request.tenant_id),
            session_id=check_id(request.session_id, "session_id") if request.session_id else "",
            world_id=check_id(request.world_id, "world_id") if request.world_id else "",
            month=request.month,
        )
        ledger, sheet = self._bookkeeper.ledger, self._bookkeeper.config.prices
        try:
            answer = await asyncio.to_thread(usage_of, ledger, question, sheet)
        except ValueError as error:
            raise InvalidFieldError(str(error), field="month") from error
        return usage_pb2.GetUsageResponse(
            tenant_id=question.tenant_id,
            usage=to_usage(answer.usage),
            bill=to_bill(answer.bill),
            num_rows=answer.head.length,
            last_hash=answer.head.hash,
        )

    async def _tell_budgets(self, response: usage_pb2.GetQuoteResponse) -> None:
        if self._bookkeeper is None:
            return
        asker, accounts = current(), self._bookkeeper.accounts
        limits = [self._bookkeeper.config.session_limit]
        limits.append(None if asker.max_cost is None else Decimal(str(asker.max_cost)))
        if known := [limit for limit in limits if limit is not None]:
            response.session_budget = amount(min(known))
        of_tenant = await accounts.tenant_spending(asker.tenant_id)
        if of_tenant is not None:
            response.tenant_budget_left = amount(max(Decimal(0), of_tenant.limit - of_tenant.spent))


def to_usage(usage: Usage) -> usage_pb2.Usage:
    session_time = Duration()
    session_time.FromMilliseconds(int(usage.seconds * 1000))
    return usage_pb2.Usage(
        num_frames=usage.num_frames,
        num_viewer_frames=usage.num_viewer_frames,
        num_blank_frames=usage.num_blank_frames,
        num_frozen_frames=usage.num_frozen_frames,
        num_invalid_viewer_frames=usage.num_invalid_viewer_frames,
        session_time=session_time,
        byte_seconds=usage.byte_seconds,
    )


def to_bill(bill: Bill) -> usage_pb2.Bill:
    lines = [_to_line(line) for line in bill.lines]
    return usage_pb2.Bill(currency=bill.currency, lines=lines, total=amount(bill.total))


def _to_line(line: BillLine) -> usage_pb2.BillLine:
    return usage_pb2.BillLine(
        item=line.item,
        model=line.model,
        quantity=amount(line.quantity),
        unit=line.unit,
        price=amount(line.price),
        amount=amount(line.amount),
        price_time=to_timestamp(line.from_s) if line.from_s else None,
    )
