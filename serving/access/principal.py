"""Who is asking. Set once for each call by whoever authenticated it, read wherever it matters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from serving.access.roles import Permission, Role
from serving.errors import PermissionMissingError

DEFAULT_TENANT = "default"
GUEST_PREFIX = "share:"  # of the subject ids of those whom a share link lets in


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """One who was authenticated. What is left out of the limits is not limited by the credential."""

    tenant_id: str
    subject_id: str  # "key:...", "token:...", "oidc:...", "share:..." or "local"; goes into audit and attribution
    role: Role
    session_id: str | None = None  # the only session it may touch
    world_id: str | None = None  # the only world it may start from
    max_seconds: float | None = None  # of world time, in each session it creates
    max_cost: float | None = None  # in the price sheet's currency, in each session it creates

    def check(self, permission: Permission) -> None:
        """Raises `PermissionMissingError`."""
        if not self.role.may(permission):
            raise PermissionMissingError(f"a {self.role} may not {permission}")


# Without authentication, on the loopback: one tenant, and whoever is there may do anything.
LOCAL = Principal(tenant_id=DEFAULT_TENANT, subject_id="local", role=Role.ADMIN)

_principal: ContextVar[Principal] = ContextVar("principal", default=LOCAL)


def current() -> Principal:
    """Of the call that is being answered."""
    return _principal.get()


class Caller:
    """Of one call, for those who hear of its end: whoever was authenticated inside."""

    def __init__(self, tenant_id: str) -> None:
        """`tenant_id`: as long as nobody is known; empty for nobody's."""
        self.tenant_id = tenant_id


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


@contextmanager
def called_by(caller: Caller) -> Iterator[None]:
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


@contextmanager
def acting(principal: Principal) -> Iterator[None]:
    """For as long as the block runs, and in tasks that it starts."""
    if (caller := _caller.get()) is not None:
        caller.tenant_id = principal.tenant_id
    token = _principal.set(principal)
    try:
        yield
    finally:
        _principal.reset(token)
