"""The calls of nacre.v1.AdmissionService."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from nacre.v1 import admission_pb2, admission_pb2_grpc, session_pb2
from serving.access.principal import current
from serving.access.roles import Permission
from serving.admission.asking import Asking, asking_as, check_admission, check_wait
from serving.admission.codec import to_quota, to_reservation, to_standing
from serving.admission.desk import Desk
from serving.admission.interceptor import key_of
from serving.admission.keyed import request_sha256
from serving.admission.keyed_answers import RequestKey
from serving.gateway.validation import check_id

# One key for both: whoever was cut off may go on with either.
CREATE_METHOD = "/nacre.v1.SessionService/CreateSession"
RESERVATION_PREFIX = "place-"
ID_BYTES = 16

Answer = TypeVar("Answer")
Create = Callable[[session_pb2.CreateSessionRequest, Any], Awaitable[session_pb2.CreateSessionResponse]]
Check = Callable[[session_pb2.CreateSessionRequest], Awaitable[object]]


class AdmissionService(admission_pb2_grpc.AdmissionServiceServicer):
    """Checks what came, asks the desk, answers. Raises `serving.errors`."""

    def __init__(self, desk: Desk, create: Create, check: Check, clock: Callable[[], float]) -> None:
        """`create`: answers nacre.v1.SessionService.CreateSession; `check` raises what that refuses whatever room there
        is."""
        self._desk = desk
        self._create = create
        self._check = check
        self._clock = clock
        self._open: dict[RequestKey, Asking] = {}  # of keyed calls on their way: whoever comes back listens to the same

    # Coroutines that write: they can wait for two things at once.
    async def OpenSession(  # noqa: N802  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: admission_pb2.OpenSessionRequest, context: Any
    ) -> None:
        create = request.create
        asked = check_admission(create.admission)
        asked.give_up_s = self._clock() + asked.wait_s

        async def tell(asked: Asking) -> None:
            async for standing in asked.standings():
                await context.write(admission_pb2.OpenSessionResponse(queued=to_standing(standing, asked.give_up_s)))

        if create.idempotency_key:
            opened = await self._open_keyed(key_of(create.idempotency_key), create, asked, tell, context)
        else:
            opened = await _beside(tell(asked), self._open_as(create, asked, context))
        await context.write(admission_pb2.OpenSessionResponse(opened=opened))

    async def Reserve(  # noqa: N802  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: admission_pb2.ReserveRequest, context: Any
    ) -> None:
        asked = Asking(check_wait(request.wait.seconds + request.wait.nanos / 1e9, "wait"))
        asked.give_up_s = self._clock() + asked.wait_s
        is_kept = bool(request.idempotency_key)
        reservation_id = _id_of(b"place", key_of(request.idempotency_key)) if is_kept else _new_id()

        async def tell() -> None:
            async for standing in asked.standings():
                await context.write(admission_pb2.ReserveResponse(queued=to_standing(standing, asked.give_up_s)))

        reserved = await _beside(tell(), self._desk.reserve(reservation_id, asked, is_kept=is_kept))
        await context.write(admission_pb2.ReserveResponse(reserved=to_reservation(reserved)))

    async def CancelReservation(  # noqa: N802
        self, request: admission_pb2.CancelReservationRequest, context: object
    ) -> admission_pb2.CancelReservationResponse:
        await self._desk.cancel(check_id(request.reservation_id, "reservation_id"))
        return admission_pb2.CancelReservationResponse()

    async def GetQuota(  # noqa: N802
        self, request: admission_pb2.GetQuotaRequest, context: object
    ) -> admission_pb2.GetQuotaResponse:
        asker = current()
        tenant_id = check_id(request.tenant_id, "tenant_id") if request.tenant_id else asker.tenant_id
        if tenant_id != asker.tenant_id:
            asker.check(Permission.FLEET)
        quotas = self._desk.quotas
        state = await self._desk.ask(lambda: quotas.state(tenant_id))
        return admission_pb2.GetQuotaResponse(quota=to_quota(state, self._clock()))

    async def _open_keyed(
        self,
        key: RequestKey,
        create: session_pb2.CreateSessionRequest,
        asked: Asking,
        tell: Callable[[Asking], Awaitable[None]],
        context: Any,
    ) -> session_pb2.CreateSessionResponse:
        if asked.wait_s > 0 and not asked.reservation_id and self._desk.keeps_places:
            return await _beside(tell(asked), self._open_in_turn(key, create, asked, context))
        asked = self._open.setdefault(key, asked)
        return await _beside(tell(asked), self._open_once(key, create, asked, context))

    async def _open_in_turn(
        self, key: RequestKey, create: session_pb2.CreateSessionRequest, asked: Asking, context: Any
    ) -> session_pb2.CreateSessionResponse:
        """The place comes first, under a name that is made from the key. Nothing has been done while it is waited for:
        whoever comes again, here or at another gateway, waits on where it was."""
        if await self._desk.keyed.is_new(key, request_sha256(CREATE_METHOD, create)):
            await self._check(create)
            place = await self._desk.reserve(_id_of(b"turn", key), asked, is_kept=True)
            asked = Asking(reservation_id=place.place_id)
        return await self._open_once(key, create, asked, context)

    async def _open_once(
        self, key: RequestKey, create: session_pb2.CreateSessionRequest, asked: Asking, context: Any
    ) -> session_pb2.CreateSessionResponse:
        async def work() -> bytes:
            try:
                return (await self._open_as(create, asked, context)).SerializeToString()
            finally:
                self._open.pop(key, None)

        try:
            answer = await self._desk.keyed.once(key, request_sha256(CREATE_METHOD, create), work)
        finally:
            if not self._desk.keyed.is_under_way(key):  # answered before, or refused
                self._open.pop(key, None)
        return session_pb2.CreateSessionResponse.FromString(answer)

    async def _open_as(
        self, create: session_pb2.CreateSessionRequest, asked: Asking, context: Any
    ) -> session_pb2.CreateSessionResponse:
        with asking_as(asked):
            return await self._create(create, context)


async def _beside(telling: Awaitable[None], work: Awaitable[Answer]) -> Answer:
    """Tell while it is worked. Ends with the work, or when nobody can be told any more."""
    tasks = asyncio.ensure_future(telling), asyncio.ensure_future(work)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[1].done():
            tasks[0].result()  # raises: telling ends in no other way
        return await tasks[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _id_of(purpose: bytes, key: RequestKey) -> str:
    """The same for the same key of the same caller, and nobody else's."""
    return RESERVATION_PREFIX + hashlib.sha256(purpose + key.sha256).hexdigest()[: 2 * ID_BYTES]


def _new_id() -> str:
    return RESERVATION_PREFIX + secrets.token_hex(ID_BYTES)
