"""The calls of nacre.v1.AccessService."""

from __future__ import annotations

import time
from collections.abc import Callable

from nacre.v1 import access_pb2, access_pb2_grpc
from serving.access.authenticator import Authenticator
from serving.access.principal import current
from serving.access.tokens import DEFAULT_LIFETIME_S, TokenOrder
from serving.errors import AuthenticationOffError
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
