"""Client tokens: what they open, what they limit, and how they end."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import jwt
import pytest
from google.protobuf.duration_pb2 import Duration

from nacre.v1 import access_pb2, session_pb2
from serving.access.config import AccessConfig
from serving.access.roles import Role
from serving.gateway import authentication
from tests.integration.access.harness import Door, bearer, door
from tests.integration.gateway.harness import read_refusal, refusal


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Door]:
    async with door(tmp_path) as gate:
        gate.library.tenants.create("acme")
        yield gate


def signing_key(folder: Path) -> bytes:
    return bytes.fromhex((folder / "signing.key").read_text())


def seconds(value: float) -> Duration:
    return Duration(nanos=round(value * 1e9) % 1_000_000_000, seconds=int(value))


async def test_e03_a_token_says_what_it_allows_and_is_let_in(gate: Door) -> None:
    _, key = gate.key(Role.OWNER, "acme")
    minted = await gate.mint(
        key, session_id="s-1", max_session_duration=seconds(90), max_cost=2.5, allowed_origins=["https://play.example"]
    )
    assert 590 < minted.expire_time.ToNanoseconds() / 1e9 - time.time() <= 600
    assert minted.allowed_origins == ["https://play.example"]
    caller = await gate.caller(bearer(minted.token))
    assert caller == minted.caller
    assert (caller.tenant_id, caller.role, caller.session_id) == ("acme", access_pb2.ROLE_PLAYER, "s-1")
    assert (caller.max_session_duration.seconds, caller.max_cost) == (90, 2.5)
    assert caller.subject_id.startswith("token:")


async def test_e03_a_token_is_not_above_the_key_that_mints_it(gate: Door) -> None:
    _, player = gate.key(Role.PLAYER)
    for role in (access_pb2.ROLE_OWNER, access_pb2.ROLE_ADMIN, access_pb2.ROLE_AUDITOR):
        assert (await refusal(gate.mint(player, role=role))).reason == "PERMISSION_MISSING"
    assert (await refusal(gate.mint(player, role=access_pb2.ROLE_UNSPECIFIED))).field == "role"


@pytest.mark.parametrize(("field", "order"), [
    ("lifetime", {"lifetime": seconds(0)}),
    ("lifetime", {"lifetime": seconds(25 * 3600)}),
    ("max_cost", {"max_cost": float("nan")}),
    ("max_session_duration", {"max_session_duration": seconds(0)}),
    ("world_id", {"session_id": "s-1", "world_id": "w-1"}),
    ("session_id", {"session_id": "../s"}),
    ("allowed_origins", {"allowed_origins": ["https://a.example"] * 17}),
])  # fmt: skip
async def test_an_order_that_makes_no_sense_is_refused_by_field(gate: Door, field: str, order: dict[str, Any]) -> None:
    assert (await refusal(gate.mint(gate.key()[1], **order))).field == field


async def test_e03_tokens_that_we_did_not_sign_open_nothing(gate: Door, tmp_path: Path) -> None:
    """Each of them is ours but for one thing."""
    token = (await gate.mint(gate.key()[1])).token
    claims = jwt.decode(token, options={"verify_signature": False})
    key = signing_key(tmp_path)
    head, body, signature = token.split(".")
    none_head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    forged = {
        "of another key": jwt.encode(claims, b"\x01" * 32, "HS256"),
        "of another algorithm": jwt.encode(claims, key * 2, "HS512"),
        "unsigned": f"{none_head}.{body}.",
        "unsigned with a signature": f"{none_head}.{body}.{signature}",
        "altered": f"{head}.{body[:-2]}{'A' if body[-2] != 'A' else 'B'}{body[-1]}.{signature}",
        "of another issuer": jwt.encode({**claims, "iss": "another"}, key, "HS256"),
        "for others": jwt.encode({**claims, "aud": "another"}, key, "HS256"),
        "over": jwt.encode({**claims, "exp": int(time.time()) - 1}, key, "HS256"),
        "of an unknown key": jwt.encode({**claims, "minter": "key:abcdefghijkm"}, key, "HS256"),
        "of an unknown role": jwt.encode({**claims, "role": "king"}, key, "HS256"),
        "of an unknown tenant": jwt.encode({**claims, "tenant": "globex"}, key, "HS256"),
        "of a tenant that is not the key's": jwt.encode({**claims, "tenant": "acme"}, key, "HS256"),
    }
    for name in ("exp", "aud", "iss", "tenant", "role", "minter", "jti"):
        fewer = {each: value for each, value in claims.items() if each != name}
        forged[f"without {name}"] = jwt.encode(fewer, key, "HS256")
    await gate.caller(bearer(jwt.encode(claims, key, "HS256")))
    for what, text in forged.items():
        refused = await gate.refused(bearer(text))
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"), what


async def test_e03_a_token_opens_nothing_on_a_page_that_it_was_not_made_for(gate: Door) -> None:
    token = (await gate.mint(gate.key()[1], allowed_origins=["https://play.example"])).token
    await gate.caller(bearer(token, origin="https://play.example"))
    await gate.caller(bearer(token))  # no browser
    for origin in ("https://evil.example", "https://play.example.evil.example", "null", ""):
        assert (await gate.refused(bearer(token, origin=origin))).reason == "UNAUTHENTICATED"


async def test_e03_a_token_ends_with_the_key_that_minted_it(gate: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.access.memory.FRESH_S", 0.02)
    key_id, key = gate.key()
    token = (await gate.mint(key)).token
    await gate.caller(bearer(token))
    gate.library.keys.revoke(key_id)
    await gate.until(token, is_let_in=False)


async def test_a_stream_ends_with_its_token_and_says_so_before(gate: Door) -> None:
    _, key = gate.key()
    created = await gate.create(key)
    token = (await gate.mint(key, lifetime=seconds(2))).token
    call = await gate.play(created, token)
    went = await call.until("go_away")
    assert went.reason == session_pb2.END_REASON_CREDENTIAL_EXPIRED
    assert 0 < went.time_left.ToNanoseconds() / 1e9 <= 2
    await assert_unauthenticated(call)
    again = await gate.play(created, key)  # the session waits for somebody who may
    assert len(await again.chunks(2)) == 2


async def test_e03_a_stream_ends_when_its_key_is_revoked(gate: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.access.memory.FRESH_S", 0.02)
    monkeypatch.setattr(authentication, "RECHECK_S", 0.05)
    key_id, key = gate.key()
    call = await gate.play(await gate.create(key), key)
    await call.chunks(2)
    gate.library.keys.revoke(key_id)
    went = await call.until("go_away")
    assert (went.reason, went.time_left.ToNanoseconds()) == (session_pb2.END_REASON_CREDENTIAL_EXPIRED, 0)
    await assert_unauthenticated(call)


async def test_a_stream_goes_on_while_its_key_is_good(gate: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.access.memory.FRESH_S", 0.02)
    monkeypatch.setattr(authentication, "RECHECK_S", 0.02)
    _, key = gate.key()
    call = await gate.play(await gate.create(key), key)
    assert len(await call.chunks(20)) == 20
    assert not [each for each in call.backlog if each.HasField("go_away")]


@pytest.mark.parametrize(("operators_s", "ends_after_s"), [(0.0, 1.0), (600.0, 1.0), (0.5, 0.5)])
async def test_a_session_lasts_no_longer_than_its_token_allows(
    tmp_path: Path, operators_s: float, ends_after_s: float
) -> None:
    async with door(tmp_path, max_session_s=operators_s, warn_before_limit_s=0.2) as gate:
        token = (await gate.mint(gate.key()[1], max_session_duration=seconds(1.0))).token
        created = await gate.create(token)
        session = created.session
        lasts_s = (session.end_time.ToNanoseconds() - session.create_time.ToNanoseconds()) / 1e9
        assert lasts_s == pytest.approx(ends_after_s, abs=1e-3)
        call = await gate.play(created, token)
        assert (await call.until("go_away")).reason == session_pb2.END_REASON_TIME_LIMIT
        ended = await call.until("ended")
        assert ended.session.end_reason == session_pb2.END_REASON_TIME_LIMIT


async def test_without_authentication_no_token_is_minted(tmp_path: Path) -> None:
    async with door(tmp_path, access=AccessConfig()) as gate:
        assert (await gate.caller([])).subject_id == "local"
        assert (await refusal(gate.mint("none"))).reason == "AUTHENTICATION_OFF"


async def assert_unauthenticated(call: Any) -> None:
    call.gives_credit = False
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with asyncio.timeout(10.0):
            await call.rest()
    refused = read_refusal(caught.value)
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
