"""The calls of nacre.v1.AccessService."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from nacre.v1 import access_pb2, access_pb2_grpc
from serving.access.authenticator import Authenticator
from serving.access.principal import GUEST_PREFIX, Principal, current
from serving.access.revocations import Revocations
from serving.access.roles import Permission
from serving.access.tokens import DEFAULT_LIFETIME_S, ClientToken, TokenMint, TokenOrder
from serving.catalogue.revocations import check_subject
from serving.errors import (
    AuthenticationOffError,
    InvalidFieldError,
    PermissionMissingError,
    UnauthenticatedError,
)
from serving.gateway.access_codec import read_role, to_caller
from serving.gateway.library_codec import to_timestamp
from serving.gateway.validation import check_id


class AccessService(access_pb2_grpc.AccessServiceServicer):
    """Checks what came, asks for it, answers. Raises `serving.errors`."""

    def __init__(self, authenticator: Authenticator | None, clock: Callable[[], float] = time.time) -> None:
        """Without an `authenticator` nobody is asked who they are."""
        self._authenticator = authenticator
        self._clock = clock

    async def GetCaller(  # noqa: N802
        self, request: access_pb2.GetCallerRequest, context: object
    ) -> access_pb2.GetCallerResponse:
        return access_pb2.GetCallerResponse(caller=to_caller(current()))

    async def MintToken(  # noqa: N802
        self, request: access_pb2.MintTokenRequest, context: object
    ) -> access_pb2.MintTokenResponse:
        if self._authenticator is None:
            raise AuthenticationOffError("the service asks nobody who they are: a token would limit nothing")
        text, token = self._authenticator.mint.mint(current(), to_order(request), self._clock())
        return access_pb2.MintTokenResponse(
            token=text,
            expire_time=to_timestamp(token.expires_s),
            caller=to_caller(token.principal),
            allowed_origins=token.origins,
        )

    async def RevokeToken(  # noqa: N802
        self, request: access_pb2.RevokeTokenRequest, context: object
    ) -> access_pb2.RevokeTokenResponse:
        mint, revocations = self._revoking()
        asker = current()
        token = read_own(mint, asker, request.token) if request.WhichOneof("which") == "token" else None
        tenant_id = asker.tenant_id if token is not None else request.tenant_id or asker.tenant_id
        subject_id = token.principal.subject_id if token is not None else check_subject(request.subject_id)
        check_revoker(asker, tenant_id, subject_id, None if token is None else token.minter_id)
        made = await revocations.revoke(tenant_id, subject_id)
        return access_pb2.RevokeTokenResponse(
            tenant_id=tenant_id, subject_id=subject_id, revoke_time=to_timestamp(made.revoked_s)
        )

    def _revoking(self) -> tuple[TokenMint, Revocations]:
        if self._authenticator is None or self._authenticator.revocations is None:
            raise AuthenticationOffError("the service asks nobody who they are: there are no tokens to take back")
        return self._authenticator.mint, self._authenticator.revocations


def read_own(mint: TokenMint, asker: Principal, text: str) -> ClientToken:
    """One of the asker's tenant. Raises `InvalidFieldError`, whatever else it is."""
    with contextlib.suppress(UnauthenticatedError):
        token = mint.read(text)
        if token.principal.tenant_id == asker.tenant_id:
            return token
    raise InvalidFieldError("no token of this tenant that is good", field="token")


def check_revoker(asker: Principal, tenant_id: str, subject_id: str, minter_id: str | None) -> None:
    """Raises `PermissionMissingError`. What is one's own, or was minted by oneself, anybody may take back."""
    if tenant_id != asker.tenant_id:
        asker.check(Permission.FLEET)
    elif asker.subject_id not in (subject_id, minter_id):
        asker.check(Permission.TENANT)
        if asker.session_id is not None or asker.world_id is not None:
            raise PermissionMissingError("the credential's limits do not let it take others' back")
    if asker.subject_id.startswith(GUEST_PREFIX):  # one name for all whom a link lets in
        raise PermissionMissingError("a link is taken back by RevokeShareLink")


def to_order(request: access_pb2.MintTokenRequest) -> TokenOrder:
    """Raises `InvalidFieldError`."""
    return TokenOrder(
        role=read_role(request.role),
        lifetime_s=request.lifetime.ToNanoseconds() / 1e9 if request.HasField("lifetime") else DEFAULT_LIFETIME_S,
        session_id=check_id(request.session_id, "session_id") if request.session_id else None,
        world_id=check_id(request.world_id, "world_id") if request.world_id else None,
        max_seconds=(
            request.max_session_duration.ToNanoseconds() / 1e9 if request.HasField("max_session_duration") else None
        ),
        max_cost=request.max_cost if request.HasField("max_cost") else None,
        origins=tuple(request.allowed_origins),
    )
