"""Tokens that are taken back before their end, at every gateway, with what they had open."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc.aio
import jwt
import pytest
from typer.testing import CliRunner

from nacre.v1 import access_pb2, session_pb2
from serving.access.config import AccessConfig, OidcConfig
from serving.access.principal import Principal
from serving.access.roles import Role
from serving.access.tokens import TokenMint, TokenOrder
from serving.books.audit import audit_record
from serving.books.chain import Book, BookId
from serving.books.ledger import Ledger
from serving.cli.app import app
from tests.integration.access.harness import Door, bearer, door
from tests.integration.access.issuer import AUDIENCE, Issuer, running_issuer
from tests.integration.access.test_tokens import assert_unauthenticated, signing_key
from tests.integration.gateway.harness import refusal

# Longer than a clock may be ahead.
LATER_S = 4


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
async def gate(tmp_path: Path, issuer: Issuer) -> AsyncIterator[Door]:
    oidc = OidcConfig(issuer=issuer.url, audience=AUDIENCE)
    access = AccessConfig(is_on=True, own_key_file=str(tmp_path / "signing.key"), oidc=oidc)
    async with door(tmp_path, access=access) as gate:
        gate.library.tenants.create("acme")
        yield gate


async def revoke(gate: Door, key: str, **which: Any) -> access_pb2.RevokeTokenResponse:
    return await gate.access.RevokeToken(access_pb2.RevokeTokenRequest(**which), metadata=bearer(key))


async def is_refused(gate: Door, text: str) -> None:
    assert (await gate.refused(bearer(text))).reason == "UNAUTHENTICATED"


async def test_e03_a_token_is_taken_back_alone_and_its_stream_ends(gate: Door) -> None:
    _, key = gate.key(Role.OWNER, "acme")
    one, other = await gate.mint(key), await gate.mint(key)
    created = await gate.create(key)
    call = await gate.play(created, one.token)
    await call.chunks(2)
    answer = await revoke(gate, key, subject_id=one.caller.subject_id)
    assert (answer.tenant_id, answer.subject_id) == ("acme", one.caller.subject_id)
    await is_refused(gate, one.token)
    went = await call.until("go_away")
    assert went.reason == session_pb2.END_REASON_CREDENTIAL_EXPIRED
    await assert_unauthenticated(call)
    await gate.caller(bearer(other.token))
    await gate.caller(bearer(key))
    assert len(await (await gate.play(created, other.token)).chunks(2)) == 2


async def test_e03_another_gateway_hears_of_it(tmp_path: Path) -> None:
    access = AccessConfig(is_on=True, own_key_file=str(tmp_path / "signing.key"))
    async with door(tmp_path, access=access) as here, door(tmp_path, access=access) as there:
        _, key = here.key()
        token = (await here.mint(key)).token
        created = await there.create(key)
        call = await there.play(created, token)
        await call.chunks(2)
        await revoke(here, key, token=token)
        await there.until(token, is_let_in=False)
        assert (await call.until("go_away")).reason == session_pb2.END_REASON_CREDENTIAL_EXPIRED
        await assert_unauthenticated(call)
    async with door(tmp_path, access=access) as later:
        await is_refused(later, token)


async def test_e03_what_somebody_who_signed_in_was_given_and_has_minted_is_void_together(
    gate: Door, issuer: Issuer
) -> None:
    _, key = gate.key(Role.OWNER, "acme")
    signed_in = issuer.token(nacre_role="owner")
    minted, others = (await gate.mint(signed_in)).token, (await gate.mint(key)).token
    await revoke(gate, key, subject_id="oidc:alice@example")
    for text in (signed_in, minted):
        await is_refused(gate, text)
    await gate.caller(bearer(others))
    again = issuer.token(nacre_role="owner", iat=int(time.time()) + LATER_S)
    assert (await gate.caller(bearer(again))).subject_id == "oidc:alice@example"
    await gate.caller(bearer(issuer.token(sub="bob@example")))


async def test_e03_what_a_certificate_minted_is_void_with_it(gate: Door, tmp_path: Path) -> None:
    _, key = gate.key(Role.OWNER, "acme")
    mint = TokenMint(signing_key(tmp_path), "nacre")
    minter = Principal(tenant_id="acme", subject_id="certificate:game.example", role=Role.OWNER)
    texts = [mint.mint(minter, TokenOrder(role=Role.PLAYER), time.time() + later_s)[0] for later_s in (0, LATER_S)]
    await gate.caller(bearer(texts[0]))
    await revoke(gate, key, subject_id="certificate:game.example")
    await is_refused(gate, texts[0])
    await gate.caller(bearer(texts[1]))


async def test_e03_one_takes_back_what_is_ones_own_and_an_owner_what_is_the_tenants(gate: Door, issuer: Issuer) -> None:
    player, (_, other) = issuer.token(), gate.key(Role.PLAYER, "acme")
    mine = await gate.mint(player)
    theirs = await gate.mint(other)
    for which in ({"subject_id": theirs.caller.subject_id}, {"token": theirs.token}, {"subject_id": "key:abc"}):
        assert (await refusal(revoke(gate, player, **which))).reason == "PERMISSION_MISSING", which
    await revoke(gate, player, token=mine.token)
    await is_refused(gate, mine.token)
    await revoke(gate, theirs.token, subject_id=theirs.caller.subject_id)  # a token signs itself out
    await is_refused(gate, theirs.token)
    _, elsewhere = gate.key(Role.OWNER)
    for which in ({"token": mine.token}, {"token": "no.token.atall"}, {"subject_id": "share:1"}, {}):
        refused = await refusal(revoke(gate, elsewhere, **which))
        assert refused.reason == "FIELD_INVALID", which
    asked = revoke(gate, elsewhere, subject_id="oidc:alice@example", tenant_id="acme")
    assert (await refusal(asked)).reason == "PERMISSION_MISSING"
    await gate.caller(bearer(issuer.token()))
    _, admin = gate.key(Role.ADMIN)
    await revoke(gate, admin, subject_id="oidc:alice@example", tenant_id="acme")
    await is_refused(gate, issuer.token())


async def test_e01_who_took_back_what_is_in_the_audit_book(gate: Door) -> None:
    key_id, key = gate.key(Role.OWNER, "acme")
    await revoke(gate, key, subject_id="token:one")
    ledger = Ledger(gate.library.database)
    async with asyncio.timeout(10):
        while True:
            rows = [audit_record(row) for row in ledger.read(BookId(Book.AUDIT, "acme"))]
            if found := [row for row in rows if row.method.endswith("/RevokeToken")]:
                break
            await asyncio.sleep(0.05)
    assert [(row.subject_id, row.is_allowed) for row in found] == [(f"key:{key_id}", True)]
    assert found[0].ids["subject_id"] == "token:one"


async def test_e03_the_command_takes_back_too(gate: Door, tmp_path: Path) -> None:
    _, key = gate.key(Role.OWNER, "acme")
    minted = await gate.mint(key)
    arguments = ["tokens", "revoke", minted.caller.subject_id, "--tenant", "acme", "--data-folder", str(tmp_path)]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.exit_code == 0, result.output
    await gate.until(minted.token, is_let_in=False)
    listing = ["tokens", "list", "--json", "--data-folder", str(tmp_path)]
    listed = json.loads((await asyncio.to_thread(CliRunner().invoke, app, listing)).output)
    assert [(each["tenant_id"], each["subject_id"]) for each in listed] == [("acme", minted.caller.subject_id)]
    assert (await asyncio.to_thread(CliRunner().invoke, app, [*arguments[:2], "local", *arguments[3:]])).exit_code == 2


async def test_without_authentication_there_is_nothing_to_take_back(tmp_path: Path) -> None:
    async with door(tmp_path, access=AccessConfig()) as gate:
        request = access_pb2.RevokeTokenRequest(subject_id="token:one")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gate.access.RevokeToken(request)
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_a_token_says_when_it_was_given(tmp_path: Path) -> None:
    mint = TokenMint(b"k" * 32, "nacre")
    minter = Principal(tenant_id="acme", subject_id="key:1", role=Role.OWNER)
    text, token = mint.mint(minter, TokenOrder(role=Role.PLAYER), time.time())
    assert token.issued_s == jwt.decode(text, options={"verify_signature": False})["iat"] == mint.read(text).issued_s
