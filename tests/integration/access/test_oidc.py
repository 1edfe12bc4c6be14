"""An identity provider's tokens, with a real provider's answers and real keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from nacre.v1 import access_pb2
from serving.access import oidc
from serving.access.config import AccessConfig, OidcConfig
from serving.access.oidc import OidcVerifier
from serving.access.roles import Role
from serving.errors import UnauthenticatedError
from tests.integration.access.harness import Door, bearer, door
from tests.integration.access.issuer import AUDIENCE, EC_ID, RSA_ID, Issuer, running_issuer


@pytest.fixture(scope="module")
def one_issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(one_issuer: Issuer) -> Iterator[Issuer]:
    """As it was made: its keys take a while."""
    keys = list(one_issuer.keys)
    one_issuer.num_fetched = 0
    yield one_issuer
    one_issuer.keys, one_issuer.is_away, one_issuer.documented_issuer = keys, False, one_issuer.url


def settings(issuer: Issuer, **values: str) -> OidcConfig:
    return OidcConfig(issuer=issuer.url, audience=AUDIENCE, **values)


@pytest.fixture
async def gate(tmp_path: Path, issuer: Issuer) -> AsyncIterator[Door]:
    access = AccessConfig(is_on=True, own_key_file=str(tmp_path / "signing.key"), oidc=settings(issuer))
    async with door(tmp_path, access=access) as gate:
        gate.library.tenants.create("acme")
        yield gate


@pytest.fixture
async def verifier(issuer: Issuer) -> AsyncIterator[OidcVerifier]:
    verifier = OidcVerifier(settings(issuer))
    yield verifier
    verifier.close()


async def test_b12_a_person_signs_in_with_the_organisations_own_account(gate: Door, issuer: Issuer) -> None:
    for text in (issuer.token(), issuer.ec_token()):
        caller = await gate.caller(bearer(text))
        assert (caller.tenant_id, caller.subject_id) == ("acme", "oidc:alice@example")
        assert caller.role == access_pb2.ROLE_PLAYER
    assert issuer.num_fetched == 1
    minted = await gate.mint(issuer.token(nacre_role="owner"))
    assert (await gate.caller(bearer(minted.token))).tenant_id == "acme"


async def test_of_several_roles_the_one_that_allows_most_counts(gate: Door, issuer: Issuer) -> None:
    caller = await gate.caller(bearer(issuer.token(nacre_role=["staff", "viewer", "owner", "director"])))
    assert caller.role == access_pb2.ROLE_OWNER


async def test_e03_a_token_that_is_not_good_is_refused_in_the_same_words_whatever_is_wrong(
    gate: Door, issuer: Issuer
) -> None:
    stranger = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    now_s, kid = int(time.time()), {"kid": RSA_ID}
    refused = {
        "over": issuer.token(exp=now_s - 60),
        "without an end": issuer.token(exp=None),
        "for others": issuer.token(aud="another"),
        "for nobody": issuer.token(aud=None),
        "of another issuer": issuer.token(iss="https://evil.example"),
        "of no issuer": issuer.token(iss=None),
        "of nobody": issuer.token(sub=None),
        "of nobody in particular": issuer.token(sub=""),
        "not yet": issuer.token(nbf=now_s + 600),
        "of no tenant": issuer.token(nacre_tenant=None),
        "of a tenant that is not there": issuer.token(nacre_tenant="globex"),
        "of tenants": issuer.token(nacre_tenant=["acme"]),
        "of no role": issuer.token(nacre_role=None),
        "of a role that is none": issuer.token(nacre_role="king"),
        "of a role that is no word": issuer.token(nacre_role=7),
        "alg none": unsigned(issuer),
        "HS256 with the public key": confused(issuer),
        "signed by a stranger": jwt.encode(issuer.claims(), stranger, "RS256", headers=kid),
        "of an unknown key": jwt.encode(issuer.claims(), issuer.rsa, "RS256", headers={"kid": "rsa-2"}),
        "of no key": jwt.encode(issuer.claims(), issuer.rsa, "RS256"),
        "of the other key": jwt.encode(issuer.claims(), issuer.rsa, "RS256", headers={"kid": EC_ID}),
        "of another algorithm": jwt.encode(issuer.claims(), issuer.rsa, "PS256", headers=kid),
        "cut short": issuer.token()[:-20],
    }
    await gate.caller(bearer(issuer.token()))
    messages = set()
    for what, text in refused.items():
        found = await gate.refused(bearer(text))
        assert (found.code, found.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"), what
        messages.add(found.message)
    assert len(messages) == 1


async def test_e03_a_providers_own_symmetric_key_is_not_believed(verifier: OidcVerifier, issuer: Issuer) -> None:
    secret = b"s" * 32
    encoded = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    issuer.keys.append({"kty": "oct", "k": encoded, "kid": "oct-1", "alg": "HS256", "use": "sig"})
    await verifier.read(issuer.token())
    with pytest.raises(UnauthenticatedError):
        await verifier.read(jwt.encode(issuer.claims(), secret, "HS256", headers={"kid": "oct-1"}))


async def test_an_issuer_that_is_away_keeps_newcomers_out_and_nobody_who_was_known(
    verifier: OidcVerifier, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.is_away = True
    with pytest.raises(UnauthenticatedError):
        await verifier.read(issuer.token())
    issuer.is_away = False
    monkeypatch.setattr(oidc, "MIN_FETCH_INTERVAL_S", 0.0)
    await verifier.read(issuer.token())
    issuer.is_away = True
    monkeypatch.setattr(oidc, "FRESH_S", 0.0)
    assert (await verifier.read(issuer.token())).principal.role is Role.PLAYER
    monkeypatch.setattr(oidc, "STALE_S", 0.0)
    with pytest.raises(UnauthenticatedError):
        await verifier.read(issuer.token())


async def test_a_new_key_is_fetched_and_made_up_ones_do_not_make_us_ask_again(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    verifier = OidcVerifier(settings(issuer), clock=lambda: now_s)
    [first, second] = issuer.keys
    issuer.keys = [first]
    await verifier.read(issuer.token())
    issuer.keys = [first, second]
    for _ in range(20):
        with pytest.raises(UnauthenticatedError):
            await verifier.read(issuer.ec_token())
    assert issuer.num_fetched == 1
    now_s = oidc.MIN_FETCH_INTERVAL_S
    await verifier.read(issuer.ec_token())
    assert issuer.num_fetched == 2
    verifier.close()


async def test_e03_a_discovery_document_of_somebody_else_is_not_believed(
    verifier: OidcVerifier, issuer: Issuer
) -> None:
    issuer.documented_issuer = "https://evil.example"
    with pytest.raises(UnauthenticatedError):
        await verifier.read(issuer.token())


async def test_keys_may_be_named_without_discovery(issuer: Issuer) -> None:
    issuer.documented_issuer = "https://evil.example"  # nobody looks
    config = settings(issuer, jwks_url=f"{issuer.url}/keys", default_tenant="acme", default_role="viewer")
    verifier = OidcVerifier(config)
    token = await verifier.read(issuer.token(nacre_tenant=None, nacre_role=None))
    assert (token.principal.tenant_id, token.principal.role) == ("acme", Role.VIEWER)
    verifier.close()


def unsigned(issuer: Issuer) -> str:
    return ".".join([part({"alg": "none", "kid": RSA_ID}), part(issuer.claims()), ""])


def confused(issuer: Issuer) -> str:
    """Signed with what everybody knows, as if it were a secret."""
    text = f"{part({'alg': 'HS256', 'kid': RSA_ID})}.{part(issuer.claims())}"
    signature = hmac.new(issuer.public_pem, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def part(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
