"""The client: a connection to a service, and the sessions one asks it for."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from nacre.access import (
    Caller,
    ClientToken,
    RevokedToken,
    to_caller,
    to_client_token,
    to_duration,
    to_revoked_token,
    to_role,
)
from nacre.admin import Admin
from nacre.books import Books
from nacre.calls import Calls, repeatable_methods
from nacre.credentials import Tls, Token, to_bearer, to_tls
from nacre.enums import value_of
from nacre.errors import Unavailable
from nacre.hands import policy_value, to_policy
from nacre.image import ImageSource, to_image
from nacre.queueing import OnQueue, Quota, Reservation, Waiting, to_admission, to_quota, to_reservation, to_wait
from nacre.ranges import unsigned
from nacre.recording import Recording, find_recording
from nacre.records import (
    Capabilities,
    SavedWorld,
    SessionSummary,
    to_capabilities,
    to_saved_world,
    to_session_record,
    to_session_summary,
)
from nacre.session import Session
from nacre.sharing import Grant, from_grants, to_grants
from nacre.v1 import access_pb2, admission_pb2, library_pb2, session_pb2, world_pb2

# Raw frames of a 720p chunk of a dozen frames fit.
MAX_RECEIVE_BYTES = 64 << 20
# Where no service answers. What the service itself refuses for a while comes with a pushback: raised at once.
_SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [{"service": service, "method": method} for service, method in repeatable_methods()],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # A peer that vanished without a word is noticed after the two together. The service allows a ping every 5 s.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Below what a person would wait; the default grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # One client's broken connection is not another's.
    ("grpc.use_local_subchannel_pool", 1),
)


Opened = session_pb2.CreateSessionResponse | library_pb2.LoadWorldResponse | library_pb2.OpenShareLinkResponse


class Client:
    """Use with `async with`, or call `close`. Nothing is sent before the first call."""

    def __init__(
        self,
        address: str,
        *,
        credentials: grpc.ChannelCredentials | None,
        timeout_s: float,
        bearer: Token = "",
        tls: Tls | None = None,
    ) -> None:
        self.address = address
        options = [*_CHANNEL_OPTIONS, *(tls.options if tls else ())]
        credentials = tls.to_channel_credentials() if tls else credentials
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options=options)
        else:
            self._channel = grpc.aio.secure_channel(address, credentials, options=options)
        self._calls = Calls(self._channel, timeout_s, bearer)
        self.admin = Admin(self._calls)  # for those who run the service
        self.books = Books(self._calls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Worlds that are still entered lose their connection; their sessions live on."""
        await self._channel.close()

    async def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """Wait for a service to answer on the address. Raises `Unavailable` if none does."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._channel.channel_ready()
        except TimeoutError:
            raise Unavailable(f"no service on {self.address} within {timeout_s:g} s") from None

    async def caller(self) -> Caller:
        """Who one is, as far as the service knows."""
        return to_caller((await self._calls(self._calls.access.GetCaller, access_pb2.GetCallerRequest())).caller)

    async def mint_token(
        self,
        role: str = "player",
        *,
        lifetime_s: float = 600.0,
        session_id: str = "",
        world_id: str = "",
        max_session_s: float | None = None,
        max_cost: float | None = None,
        allowed_origins: Sequence[str] = (),
    ) -> ClientToken:
        """A token for a browser or somebody else's client, which allows no more than one's own key. It ends after
        `lifetime_s`, and with the key."""
        request = access_pb2.MintTokenRequest(
            role=to_role(role),
            lifetime=to_duration(lifetime_s),
            session_id=session_id,
            world_id=world_id,
            max_session_duration=to_duration(max_session_s),
            max_cost=max_cost,
            allowed_origins=allowed_origins,
        )
        return to_client_token(await self._calls(self._calls.access.MintToken, request))

    async def revoke_token(self, token: str = "", *, subject_id: str = "", tenant_id: str = "") -> RevokedToken:
        """Take back a token before its end, by its text or by its `subject_id`; or with the subject of somebody who
        signed in (oidc:, certificate:, key:) whatever they were given or have minted until now. Within a second it
        opens nothing, and what it had open ends."""
        if bool(token) == bool(subject_id):
            raise ValueError("a token or a subject")
        which = {"token": token} if token else {"subject_id": subject_id}
        request = access_pb2.RevokeTokenRequest(tenant_id=tenant_id, **which)
        return to_revoked_token(await self._calls(self._calls.access.RevokeToken, request))

    async def capabilities(self, model: str = "") -> Capabilities:
        """What `model` can do; empty means the service's default model."""
        request = session_pb2.GetCapabilitiesRequest(model=model)
        response = await self._calls(self._calls.sessions.GetCapabilities, request)
        return replace(
            to_capabilities(response.capabilities), arbitrations=tuple(map(to_policy, response.arbitrations))
        )

    async def create(
        self,
        *,
        prompt: str = "",
        character: str = "",
        scene: str = "",
        image: ImageSource | None = None,
        model: str = "",
        seed: int = 0,
        licence: str = "",
        arbitration: str = "single",
        idempotency_key: str = "",
        wait_s: float = 0.0,
        on_queue: OnQueue | None = None,
        reservation_id: str = "",
    ) -> Session:
        """A new session. Its world starts when somebody enters.

        Describe it by `prompt`, or by `scene` with or without `character`; `image` (bytes or a path) may
        stand alone or beside words. `seed` 0 lets the service choose. `arbitration`: how several clients control it,
        "single", "merge", "director" or "vote". Asking again with the same
        `idempotency_key` gives the same session.

        Where every slot is taken it is refused at once, or waits in a queue for `wait_s` at most; `on_queue` is told
        how far it is. `reservation_id` takes a place that `reserve` gave.
        """
        world = world_pb2.WorldSpec(
            prompt=prompt,
            character=character,
            scene=scene,
            image=None if image is None else to_image(image),
            model=model,
            seed=unsigned(seed, "seed"),
            licence=licence,
        )
        request = session_pb2.CreateSessionRequest(
            world=world,
            idempotency_key=idempotency_key or secrets.token_hex(16),
            arbitration=policy_value(arbitration),
            admission=to_admission(wait_s, reservation_id),
        )
        if wait_s:
            return await self._waiting(request, on_queue)
        response = await self._calls(self._calls.sessions.CreateSession, request)
        return self._session(response)

    def reserve(self, wait_s: float = 0.0, on_queue: OnQueue | None = None) -> Waiting[Reservation]:
        """A place that is held for a while, to be awaited: `create(reservation_id=...)` takes it. Iterate it before for
        how far one is in the queue."""
        call = self._calls.admission.Reserve(admission_pb2.ReserveRequest(wait=to_wait(wait_s)))
        return Waiting(call, lambda response: to_reservation(response.reserved), on_queue)

    async def cancel_reservation(self, reservation_id: str) -> None:
        """Give a reserved place back, or leave the queue."""
        request = admission_pb2.CancelReservationRequest(reservation_id=reservation_id)
        await self._calls(self._calls.admission.CancelReservation, request)

    async def quota(self, tenant_id: str = "") -> Quota:
        """What one's tenant may use, and uses. Others' are for those who run the service."""
        request = admission_pb2.GetQuotaRequest(tenant_id=tenant_id)
        return to_quota((await self._calls(self._calls.admission.GetQuota, request)).quota)

    def session(self, session_id: str, resume_token: str = "") -> Session:
        """A session that exists. Entering it needs the token that creating it gave."""
        return Session(self._calls, session_id, resume_token)

    async def recording(self, session_id: str) -> Recording:
        """What a session's players were shown, as a film. Raises `NotFound` where nothing was, or is kept."""
        return await find_recording(self._calls, session_id)

    async def sessions(self, *, states: Sequence[str] = (), page_size: int = 50) -> AsyncIterator[SessionSummary]:
        """All that are kept, the newest first. `states`: of "running", "parked" and "ended"."""
        wanted = [value_of(session_pb2.SessionState, state, "SESSION_STATE_") for state in states]
        request = session_pb2.ListSessionsRequest(page_size=page_size, states=wanted)
        while True:
            response = await self._calls(self._calls.sessions.ListSessions, request)
            for each in response.sessions:
                yield to_session_summary(each)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    # --- worlds that were saved ---

    async def load(self, *, name: str = "", world_id: str = "") -> Session:
        """A new session that goes on from a saved moment: the latest of that name, or one by its id."""
        if bool(name) == bool(world_id):
            raise ValueError("give a name or a world_id, one of the two")
        which: dict[str, Any] = {"name": name} if name else {"world_id": world_id}
        response = await self._calls(self._calls.library.LoadWorld, library_pb2.LoadWorldRequest(**which))
        return self._session(response)

    async def worlds(self, *, name: str = "", page_size: int = 50) -> AsyncIterator[SavedWorld]:
        """Saved moments, the newest first."""
        request = library_pb2.ListWorldsRequest(page_size=page_size, name=name)
        while True:
            response = await self._calls(self._calls.library.ListWorlds, request)
            for each in response.worlds:
                yield to_saved_world(each)
            if not response.next_page_token:
                return
            request.page_token = response.next_page_token

    async def import_world(self, data: bytes, name: str, *, note: str = "", licence: str = "") -> SavedWorld:
        """Keep what `session.export` gave, here or elsewhere, under a name; `load` goes on from it."""
        request = library_pb2.ImportWorldRequest(data=data, name=name, note=note, licence=licence)
        return to_saved_world((await self._calls(self._calls.library.ImportWorld, request)).world)

    async def world_access(self, world_id: str) -> list[Grant]:
        """Who may do what with a world beside its own tenant's members."""
        response = await self._calls(self._calls.library.GetAccess, library_pb2.GetAccessRequest(world_id=world_id))
        return to_grants(response.grants)

    async def set_world_access(self, world_id: str, grants: Sequence[Grant]) -> list[Grant]:
        """Instead of what was said before; none for nobody. It holds for the world, and for the sessions of its tenant
        that start from it. Gives the lines as they are now."""
        request = library_pb2.SetAccessRequest(world_id=world_id, grants=from_grants(grants))
        return to_grants((await self._calls(self._calls.library.SetAccess, request)).grants)

    async def delete_world(self, world_id: str) -> None:
        """Sessions that were loaded from it keep what they need."""
        await self._calls(self._calls.library.DeleteWorld, library_pb2.DeleteWorldRequest(world_id=world_id))

    async def open_share(self, token: str) -> Session:
        """What a share link leads to: the session itself, or for one that lets fork a new one."""
        response = await self._calls(self._calls.library.OpenShareLink, library_pb2.OpenShareLinkRequest(token=token))
        return self._session(response)

    def _waiting(self, request: session_pb2.CreateSessionRequest, on_queue: OnQueue | None) -> Waiting[Session]:
        call = self._calls.admission.OpenSession(admission_pb2.OpenSessionRequest(create=request))
        return Waiting(call, lambda response: self._session(response.opened), on_queue)

    def _session(self, response: Opened) -> Session:
        record = to_session_record(response.session)
        return Session(self._calls, record.session_id, response.resume_token, record)


def connect(
    address: str,
    *,
    api_key: str = "",
    token: Token = "",
    tls: Tls | bool = False,
    credentials: grpc.ChannelCredentials | None = None,
    timeout_s: float = 30.0,
) -> Client:
    """A client for the service at `address` ("localhost:50051").

    A service that asks who one is takes an `api_key`, or a `token`: one that was minted, an identity provider's, or
    that of a share link. A function as `token` is asked anew at each call. With `tls` the line is encrypted, else it is
    plain; `credentials` are for those who make their own. `timeout_s` holds for every single call; streams have none.
    """
    bearer, secured = to_bearer(api_key, token), to_tls(tls)
    if secured is not None and credentials is not None:
        raise ValueError("tls or credentials, not both")
    return Client(address, credentials=credentials, timeout_s=timeout_s, bearer=bearer, tls=secured)
