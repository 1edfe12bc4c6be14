"""Who a caller is, by what the call brought along.

`nacre_...` is an API key, `share-...` the token of a share link, anything else a signed token: one of ours, or of the
identity provider that the settings name. Without any of them it is the client's certificate, where those are asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import jwt

from serving.access.config import CertificateHolder
from serving.access.credentials import Credentials, unauthenticated
from serving.access.directory import Directory
from serving.access.keys import KEY_PREFIX, read_key
from serving.access.oidc import OidcVerifier
from serving.access.principal import GUEST_PREFIX, Principal
from serving.access.revocations import Given, Revocations
from serving.access.roles import Role
from serving.access.tokens import KEY_SUBJECT, TokenMint
from serving.errors import ShareLinkExpiredError, ShareLinkRevokedError

SHARE_PREFIX = "share-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who somebody is, and until when at most."""

    principal: Principal
    expires_s: float | None = None  # time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Raises `UnauthenticatedError` with the same words for everything that is wrong, and `StorageUnavailableError`
    where the catalogue is away and the caller is new. Of a link that is over it raises `ShareLinkRevokedError` or
    `ShareLinkExpiredError`: its guest has nothing else to show, and should know why."""

    directory: Directory
    mint: TokenMint
    oidc: OidcVerifier | None = None
    certificates: Mapping[str, CertificateHolder] = field(default_factory=dict)
    revocations: Revocations | None = None  # of tokens, before their end; none where they cannot be taken back
    clock: Callable[[], float] = time.time

    async def authenticate(self, credentials: Credentials) -> Standing:
        bearer = credentials.bearer
        if not bearer:
            standing = self._by_certificate(credentials.certificate_names)
        elif bearer.startswith(KEY_PREFIX):
            return await self._by_key(bearer)
        elif bearer.startswith(SHARE_PREFIX):
            standing = await self._by_link(bearer.removeprefix(SHARE_PREFIX))
        else:
            standing = await self._by_token(bearer, credentials.origin)
        if not await self.directory.is_open(standing.principal.tenant_id):
            raise unauthenticated()
        return standing

    async def start(self) -> None:
        if self.revocations is not None:
            await self.revocations.start()

    async def changed(self, timeout_s: float) -> None:
        """Returns when tokens were taken back, or after `timeout_s`."""
        if self.revocations is not None:
            await self.revocations.changed(timeout_s)
        else:
            await asyncio.sleep(timeout_s)

    def close(self) -> None:
        self.directory.close()
        if self.revocations is not None:
            self.revocations.close()
        if self.oidc is not None:
            self.oidc.close()

    async def _by_key(self, text: str) -> Standing:
        secret = read_key(text)
        key = None if secret is None else await self.directory.key(secret.key_id)
        if secret is None or key is None or not secret.fits(key.secret_sha256) or key.is_taken_back:
            raise unauthenticated()
        self._check_time(key.expires_s)
        self.directory.note_use(key)
        principal = Principal(tenant_id=key.tenant_id, subject_id=KEY_SUBJECT + key.key_id, role=key.role)
        return Standing(principal=principal, expires_s=key.expires_s)

    async def _by_token(self, text: str, origin: str | None) -> Standing:
        issuer = _claimed_issuer(text)
        if self.oidc is not None and issuer == self.oidc.issuer:
            token = await self.oidc.read(text)
            self._check_given(token.principal, token.issued_s)
            return Standing(principal=token.principal, expires_s=token.expires_s)
        token = self.mint.read(text)
        if token.origins and origin is not None and origin not in token.origins:
            raise unauthenticated()
        if (key_id := token.minting_key_id) is not None:
            key = await self.directory.key(key_id)
            if key is None or key.is_taken_back or key.tenant_id != token.principal.tenant_id:
                raise unauthenticated()
            self._check_time(key.expires_s)
        self._check_given(token.principal, token.issued_s, token.minter_id)
        return Standing(principal=token.principal, expires_s=token.expires_s)

    async def _by_link(self, token: str) -> Standing:
        link = await self.directory.link(token)
        if link is None:
            raise unauthenticated()
        if link.is_taken_back:
            raise ShareLinkRevokedError("the link was taken back")
        if link.expires_s is not None and self.clock() >= link.expires_s:
            raise ShareLinkExpiredError("the link's time is over")
        # What the link allows beyond looking, the call that shows it again is told.
        principal = Principal(
            tenant_id=link.tenant_id,
            subject_id=f"{GUEST_PREFIX}{link.share_id.removeprefix(SHARE_PREFIX)}",
            role=Role.VIEWER,
            session_id=link.session_id,
            world_id=link.world_id,
        )
        return Standing(principal=principal, expires_s=link.expires_s)

    def _by_certificate(self, names: tuple[str, ...]) -> Standing:
        holders = [(name, self.certificates[name]) for name in names if name in self.certificates]
        if not holders:
            raise unauthenticated()
        name, holder = holders[0]
        principal = Principal(tenant_id=holder.tenant_id, subject_id=f"certificate:{name}", role=holder.role)
        return Standing(principal=principal)

    def _check_given(self, to: Principal, issued_s: float, minter_id: str = "") -> None:
        if self.revocations is not None:
            given = Given(tenant_id=to.tenant_id, subject_id=to.subject_id, issued_s=issued_s, minter_id=minter_id)
            self.revocations.check(given)

    def _check_time(self, expires_s: float | None) -> None:
        if expires_s is not None and self.clock() >= expires_s:
            raise unauthenticated()


def _claimed_issuer(text: str) -> object:
    """Not believed: it only says who is to check the rest."""
    try:
        return jwt.decode(text, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError):
        raise unauthenticated() from None
