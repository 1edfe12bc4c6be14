"""Asks, before every call is answered, whether whoever makes it may. `serving.access.rules` says what a call takes,
`serving.access.policy` decides, and this is the one place that asks.

What is not there and what is a stranger's are looked for in the same way and answered in the same words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
import grpc.aio

from serving.access.policy import Thing, Verdict, decide, decide_at_large, decide_start
from serving.access.principal import Principal, current
from serving.access.roles import Permission
from serving.access.rules import RULES, About, Rule
from serving.catalogue.plane import CataloguedPlane
from serving.errors import (
    InternalError,
    NacreError,
    PermissionMissingError,
    SessionNotFoundError,
    UnavailableError,
    WorldNotFoundError,
)
from serving.gateway.library_validation import check_name
from serving.gateway.registry import SessionRegistry
from serving.gateway.validation import check_id

PACKAGE = "/nacre."

Handler = grpc.RpcMethodHandler
Context = grpc.aio.ServicerContext


def no_session(field: str) -> SessionNotFoundError:
    return SessionNotFoundError("there is no session of that id", field=field)


def no_world(field: str) -> WorldNotFoundError:
    return WorldNotFoundError("there is no saved world of that id or name", field=field)


class Doorkeeper:
    """Raises `PermissionMissingError` for what a caller sees and may not do, and not-found for all else."""

    def __init__(self, registry: SessionRegistry, catalogue: CataloguedPlane | None) -> None:
        self._registry = registry
        self._catalogue = catalogue

    async def check(self, rule: Rule, request: Any) -> None:
        """Before a call is answered."""
        match rule.about:
            case About.LARGE:
                self.at_large(rule.permission)
            case About.SESSION:
                for field in rule.fields:
                    await self.session(check_id(getattr(request, field), field), rule.permission, field)
            case About.FORK:
                [field] = rule.fields
                await self.fork(check_id(getattr(request, field), field), rule.permission, field)
            case About.WORLD:
                [field] = rule.fields
                await self._world(check_id(getattr(request, field), field), rule.permission, field)
            case About.MAYBE_WORLD:
                [field] = rule.fields
                if world_id := getattr(request, field):
                    await self._world(check_id(world_id, field), rule.permission, field)
                else:
                    self.at_large(rule.permission)
            case About.START:
                await self._start(request, rule.permission)
            case About.SHARE:
                [field] = rule.fields
                await self._share(check_id(getattr(request, field), field), rule.permission, field)
            case About.LATER:
                pass

    def at_large(self, permission: Permission) -> None:
        asker = current()
        if decide_at_large(asker, permission) is not Verdict.ALLOWED:
            raise _forbidden(asker, permission)

    async def session(
        self,
        session_id: str,
        permission: Permission,
        field: str,
        *,
        link_scope: str | None = None,
        hidden: NacreError | None = None,
    ) -> None:
        """`link_scope`: of a link to the session that the caller has shown. `hidden`: what to raise for one that is not
        there, where that is not of an id."""
        asker = current()
        thing = await self._thing(session_id, lambda here: decide(asker, here, permission, link_scope))
        verdict = decide(asker, thing, permission, link_scope)
        _raise_unless_allowed(verdict, asker, permission, hidden or no_session(field))

    async def fork(
        self,
        session_id: str,
        permission: Permission,
        field: str,
        *,
        link_scope: str | None = None,
        hidden: NacreError | None = None,
    ) -> None:
        """As `session`, to start another from it."""
        asker = current()
        thing = await self._thing(session_id, lambda here: decide_start(asker, here, permission, link_scope))
        verdict = decide_start(asker, thing, permission, link_scope)
        _raise_unless_allowed(verdict, asker, permission, hidden or no_session(field))

    async def first_allowed(self, session_id: str, permissions: Sequence[Permission], field: str) -> Permission:
        """The first of them that the caller has there. Raises what `session` does for the last."""
        asker = current()
        thing = await self._thing(session_id, lambda here: decide(asker, here, permissions[0]))
        for permission in permissions:
            if decide(asker, thing, permission) is Verdict.ALLOWED:
                return permission
        last = permissions[-1]
        _raise_unless_allowed(decide(asker, thing, last), asker, last, no_session(field))
        return last

    async def _thing(self, session_id: str, decided: Callable[[Thing | None], Verdict]) -> Thing | None:
        """What runs here is one's own at most calls, and known without asking. The record knows of others, and of
        access lists: a stranger's session that runs here takes as long as one that is not there."""
        session = self._registry.known(session_id)
        here = None if session is None else session.identity.thing
        if decided(here) is Verdict.ALLOWED or self._catalogue is None:
            return here
        access = self._catalogue.library.access
        return await self._catalogue.call(lambda: access.of_session(session_id))

    async def _world(self, world_id: str, permission: Permission, field: str) -> None:
        asker, kept = current(), self._kept
        thing = await kept.call(lambda: kept.library.access.of_world(world_id))
        _raise_unless_allowed(decide(asker, thing, permission), asker, permission, no_world(field))

    async def _start(self, request: Any, permission: Permission) -> None:
        asker, kept = current(), self._kept
        if request.WhichOneof("which") == "name":
            field, name = "name", check_name(request.name, "name")
            thing = await kept.call(lambda: kept.library.access.of_world_named(asker.tenant_id, name))
        else:
            field, world_id = "world_id", check_id(request.world_id, "world_id")
            thing = await kept.call(lambda: kept.library.access.of_world(world_id))
        _raise_unless_allowed(decide_start(asker, thing, permission), asker, permission, no_world(field))

    async def _share(self, share_id: str, permission: Permission, field: str) -> None:
        asker, kept = current(), self._kept
        thing = await kept.call(lambda: kept.library.access.of_share(share_id))
        hidden = SessionNotFoundError("there is no share link of that id", field=field)
        _raise_unless_allowed(decide(asker, thing, permission), asker, permission, hidden)

    @property
    def _kept(self) -> CataloguedPlane:
        if self._catalogue is None:
            raise UnavailableError("this service keeps no sessions")
        return self._catalogue


class DoorInterceptor(grpc.aio.ServerInterceptor):
    """Lets the doorkeeper look at each request. The last of its server's: it has to know who calls."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method  # pyright: ignore[reportAttributeAccessIssue]
        if handler is None or not method.startswith(PACKAGE):  # health and reflection tell nothing of anybody
            return handler
        rule = RULES.get(method)
        if rule is None:
            raise InternalError(f"nobody said who may call {method}")
        if rule.about is About.LATER:
            return handler
        return self._guarded(handler, rule)

    def _guarded(self, handler: Handler, rule: Rule) -> Handler:
        """For calls of one request: a stream of them says later what it is about."""
        assert not handler.request_streaming, "whoever sends a stream of requests is asked in its handler"
        doorkeeper = self._doorkeeper
        behaviour: Any = handler.unary_stream if handler.response_streaming else handler.unary_unary

        async def call(request: Any, context: Context) -> Any:
            await doorkeeper.check(rule, request)
            return await behaviour(request, context)

        async def stream(request: Any, context: Context) -> None:
            await doorkeeper.check(rule, request)
            await _write_all(behaviour(request, context), context)

        if handler.response_streaming:
            make, guarded = grpc.unary_stream_rpc_method_handler, stream
        else:
            make, guarded = grpc.unary_unary_rpc_method_handler, call
        return make(
            guarded,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


async def _write_all(responses: Any, context: Context) -> None:
    """Of a handler that yields its responses, or writes them itself."""
    if hasattr(responses, "__aiter__"):
        async for response in responses:
            await context.write(response)
    else:
        await responses


def _raise_unless_allowed(verdict: Verdict, asker: Principal, permission: Permission, hidden: NacreError) -> None:
    if verdict is Verdict.HIDDEN:
        raise hidden
    if verdict is Verdict.FORBIDDEN:
        raise _forbidden(asker, permission)


def _forbidden(asker: Principal, permission: Permission) -> PermissionMissingError:
    if asker.role.may(permission):
        return PermissionMissingError(f"the credential's limits do not let it {permission} here")
    return PermissionMissingError(f"a {asker.role} may not {permission}")
