"""Client tokens: signed here, for browsers and whoever should not hold a key.

A token is a JWT, HS256 with the installation's own key: nobody but the service has to read one. It names the key that
minted it, and opens nothing once that one does not.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

import jwt

from serving.access.credentials import unauthenticated
from serving.access.principal import Principal
from serving.access.roles import PERMISSIONS, Role
from serving.errors import InvalidFieldError, PermissionMissingError

ALGORITHM = "HS256"
DEFAULT_LIFETIME_S = 600.0
MAX_LIFETIME_S = 24 * 3_600.0
MAX_ORIGINS = 16
MAX_ORIGIN_CHARS = 200
ID_BYTES = 9
REQUIRED = ("exp", "iat", "aud", "iss", "jti", "tenant", "role", "minter")
KEY_SUBJECT = "key:"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrder:
    """What a token shall allow. What is left out of the limits is not limited by the token."""

    role: Role
    lifetime_s: float = DEFAULT_LIFETIME_S
    session_id: str | None = None
    world_id: str | None = None
    max_seconds: float | None = None
    max_cost: float | None = None
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientToken:
    principal: Principal
    minter_id: str  # the subject that minted it
    issued_s: float
    expires_s: float
    origins: tuple[str, ...]  # web pages that may use it; any when empty

    @property
    def minting_key_id(self) -> str | None:
        return self.minter_id.removeprefix(KEY_SUBJECT) if self.minter_id.startswith(KEY_SUBJECT) else None


class TokenMint:
    """Makes tokens and reads them. No I/O."""

    def __init__(self, signing_key: bytes, issuer: str) -> None:
        self._key = signing_key
        self.issuer = issuer

    def mint(self, minter: Principal, order: TokenOrder, now_s: float) -> tuple[str, ClientToken]:
        """Raises `InvalidFieldError`, or `PermissionMissingError` for more than the minter may itself."""
        check_order(minter, order)
        number, limits = secrets.token_urlsafe(ID_BYTES), narrowed(minter, order)
        issued_s, expires_s = float(int(now_s)), float(int(now_s + order.lifetime_s))
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "iat": int(issued_s),
            "exp": int(expires_s),
            "jti": number,
            "tenant": minter.tenant_id,
            "role": order.role.value,
            "minter": minter.subject_id,
            "session": limits.session_id,
            "world": limits.world_id,
            "max_seconds": limits.max_seconds,
            "max_cost": limits.max_cost,
            "origins": list(order.origins) or None,
        }
        text = jwt.encode({name: value for name, value in claims.items() if value is not None}, self._key, ALGORITHM)
        principal = replace(limits, subject_id=f"token:{number}", role=order.role)
        token = ClientToken(
            principal=principal,
            minter_id=minter.subject_id,
            issued_s=issued_s,
            expires_s=expires_s,
            origins=order.origins,
        )
        return text, token

    def read(self, text: str) -> ClientToken:
        """Raises `UnauthenticatedError`, whatever is wrong."""
        try:
            claims = jwt.decode(
                text,
                self._key,
                algorithms=[ALGORITHM],
                audience=self.issuer,
                issuer=self.issuer,
                # The clock of the gateway that minted it may be ahead of ours; what counts is when it ends.
                options={"require": list(REQUIRED), "verify_iat": False},
            )
            return _to_token(claims)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            raise unauthenticated() from None


def check_order(minter: Principal, order: TokenOrder) -> None:
    """Raises `InvalidFieldError` or `PermissionMissingError`."""
    check_lasts(minter)
    check_role(minter, order.role)
    if not 1 <= order.lifetime_s <= MAX_LIFETIME_S:
        raise InvalidFieldError(f"1 to {MAX_LIFETIME_S:g} seconds", field="lifetime")
    if order.session_id is not None and order.world_id is not None:
        raise InvalidFieldError("a session or a world, not both", field="world_id")
    for field, limit in (("max_session_duration", order.max_seconds), ("max_cost", order.max_cost)):
        if limit is not None and not 0 < limit < float("inf"):
            raise InvalidFieldError("a positive number", field=field)
    if len(order.origins) > MAX_ORIGINS or any(len(each) > MAX_ORIGIN_CHARS for each in order.origins):
        raise InvalidFieldError(f"at most {MAX_ORIGINS} of {MAX_ORIGIN_CHARS} characters", field="allowed_origins")


def check_lasts(giver: Principal) -> None:
    """What ends soon gives nothing that lasts longer. Raises `PermissionMissingError`."""
    if giver.subject_id.startswith(("token:", "share:")):
        raise PermissionMissingError("a token makes no token and no key: it would never end")


def check_role(giver: Principal, role: Role) -> None:
    """Nobody gives what they have not. Raises `PermissionMissingError`."""
    if not PERMISSIONS[role] <= PERMISSIONS[giver.role]:
        raise PermissionMissingError(f"a {giver.role} may not make a {role}")


def narrowed(minter: Principal, order: TokenOrder) -> Principal:
    """The minter, within the order's limits as well as its own."""
    return replace(
        minter,
        session_id=order.session_id or minter.session_id,
        world_id=order.world_id or minter.world_id,
        max_seconds=_smaller(minter.max_seconds, order.max_seconds),
        max_cost=_smaller(minter.max_cost, order.max_cost),
    )


def _smaller(one: float | None, other: float | None) -> float | None:
    given = [each for each in (one, other) if each is not None]
    return min(given) if given else None


def _to_token(claims: dict[str, Any]) -> ClientToken:
    principal = Principal(
        tenant_id=claims["tenant"],
        subject_id=f"token:{claims['jti']}",
        role=Role(claims["role"]),
        session_id=claims.get("session"),
        world_id=claims.get("world"),
        max_seconds=claims.get("max_seconds"),
        max_cost=claims.get("max_cost"),
    )
    origins = tuple(claims.get("origins", ()))
    return ClientToken(
        principal=principal,
        minter_id=claims["minter"],
        issued_s=float(claims["iat"]),
        expires_s=float(claims["exp"]),
        origins=origins,
    )
