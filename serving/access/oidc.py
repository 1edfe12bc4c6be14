"""Tokens of an identity provider: OpenID Connect, by its published keys."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

import jwt

from serving.access.config import OidcConfig
from serving.access.credentials import unauthenticated
from serving.access.principal import Principal
from serving.access.roles import PERMISSIONS, Role

logger = logging.getLogger(__name__)

# Asymmetric ones alone: with HS256 among them, the provider's public key would be a secret that everybody has.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
DISCOVERY_PATH = "/.well-known/openid-configuration"
FETCH_TIMEOUT_S = 3.0
FRESH_S = 300.0
# A provider that is away for a while keeps nobody out who has its token.
STALE_S = 3_600.0
# Tokens with made-up key ids do not make us ask the provider more often than this.
MIN_FETCH_INTERVAL_S = 10.0
# Clocks of two machines differ.
LEEWAY_S = 10.0
MAX_SUBJECT_CHARS = 200
MAX_DOCUMENT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcToken:
    principal: Principal
    issued_s: float
    expires_s: float


class OidcVerifier:
    """Reads tokens of one issuer. Keys are fetched on a thread of its own. Of one loop; use `close`."""

    def __init__(self, config: OidcConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_s = self._asked_s = float("-inf")
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "oidc")

    @property
    def issuer(self) -> str:
        return self._config.issuer

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def read(self, text: str) -> OidcToken:
        """Raises `UnauthenticatedError`, whatever is wrong."""
        try:
            key = await self._key(jwt.get_unverified_header(text).get("kid"))
            claims = jwt.decode(
                text,
                key,
                algorithms=[key.algorithm_name],
                audience=self._config.audience,
                issuer=self._config.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
            return OidcToken(
                principal=to_principal(claims, self._config),
                issued_s=float(claims["iat"]),
                expires_s=float(claims["exp"]),
            )
        except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
            logger.info("a token of %s was refused: %s", self.issuer, error)
            raise unauthenticated() from None

    async def _key(self, key_id: object) -> jwt.PyJWK:
        """Raises `jwt.PyJWTError` where there is none of that id."""
        if not isinstance(key_id, str):
            raise jwt.InvalidTokenError("it does not say which key signed it")
        if key_id not in self._keys or self._clock() - self._fetched_s > FRESH_S:
            await self._fetch(key_id)
        key = self._keys.get(key_id)
        if key is None or self._clock() - self._fetched_s > STALE_S:
            raise jwt.InvalidTokenError("no key of the issuer has that id")
        if key.algorithm_name not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError("its key is not one whose public half may be known")
        return key

    async def _fetch(self, key_id: str) -> None:
        async with self._lock:
            now_s = self._clock()
            is_there = key_id in self._keys and now_s - self._fetched_s <= FRESH_S  # another fetched meanwhile
            if is_there or now_s - self._asked_s < MIN_FETCH_INTERVAL_S:
                return
            self._asked_s = now_s
            try:
                self._keys = await asyncio.get_running_loop().run_in_executor(self._thread, fetch_keys, self._config)
            except (jwt.PyJWTError, OSError, HTTPException, ValueError) as error:
                logger.warning("the keys of %s cannot be had: %s", self.issuer, error)
                return
            self._fetched_s = self._clock()


def fetch_keys(config: OidcConfig) -> dict[str, jwt.PyJWK]:
    """Blocking. Raises `jwt.PyJWTError`, OSError, HTTPException or ValueError."""
    url = config.jwks_url or _discovered_url(config.issuer)
    client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_TIMEOUT_S)
    return {key.key_id: key for key in client.get_signing_keys() if key.key_id}


def _discovered_url(issuer: str) -> str:
    """OpenID Connect Discovery 1.0, section 4."""
    with urllib.request.urlopen(issuer.rstrip("/") + DISCOVERY_PATH, timeout=FETCH_TIMEOUT_S) as response:
        document = json.loads(response.read(MAX_DOCUMENT_BYTES))
    if document["issuer"] != issuer:
        raise ValueError(f"the discovery document is of {document['issuer']}")
    return OidcConfig(issuer=issuer, audience="-", jwks_url=document["jwks_uri"]).jwks_url  # checked as ours is


def to_principal(claims: Mapping[str, Any], config: OidcConfig) -> Principal:
    """Pure. Raises ValueError."""
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS:
        raise ValueError("the subject is no text of usual length")
    tenant_id = claims.get(config.tenant_claim, config.default_tenant)
    if not isinstance(tenant_id, str) or not tenant_id:
        raise ValueError("it names no tenant")
    return Principal(tenant_id=tenant_id, subject_id=f"oidc:{subject}", role=_role(claims, config))


def _role(claims: Mapping[str, Any], config: OidcConfig) -> Role:
    """The one with most permissions, of those it names."""
    named = claims.get(config.role_claim, config.default_role)
    words = [named] if isinstance(named, str) else list(named)
    roles = [Role(word) for word in words if word in set(Role)]
    if not roles:
        raise ValueError("it names no role")
    return max(roles, key=lambda role: len(PERMISSIONS[role]))
