"""Every call that changes something and every refusal is in the audit book, whoever refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import grpc.aio
import pytest

from nacre.v1 import audit_pb2, audit_pb2_grpc, session_pb2
from serving.access.config import AccessConfig
from serving.access.roles import Role
from serving.books.chain import NOBODY
from serving.books.config import BooksConfig
from tests.integration.access.harness import Door, bearer, door
from tests.integration.gateway.harness import WORLD, refusal

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def entries(service: Door, key: str, at_least: int = 1, **question: object) -> list[audit_pb2.AuditEntry]:
    """The oldest first, once so many are written."""
    stub = audit_pb2_grpc.AuditServiceStub(service.channel)
    request = audit_pb2.ListAuditEntriesRequest(**question)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        while True:
            found = (await stub.ListAuditEntries(request, metadata=bearer(key))).entries
            if len(found) >= at_least:
                return list(reversed(found))
            await asyncio.sleep(0.05)


def method(entry: audit_pb2.AuditEntry) -> str:
    return entry.method.rpartition("/")[2]


async def test_e04_the_whole_life_of_a_session_is_on_record(tmp_path: Path) -> None:
    async with door(tmp_path) as service:
        key_id, owner = service.key(Role.OWNER)
        _, auditor = service.key(Role.AUDITOR)
        request = session_pb2.CreateSessionRequest(world=WORLD)
        named = bearer(owner, **{"x-request-id": "mine-1", "traceparent": TRACE})
        created = await service.sessions.CreateSession(request, metadata=named)
        session_id = created.session.session_id
        await service.sessions.GetSession(session_pb2.GetSessionRequest(session_id=session_id), metadata=bearer(owner))
        call = await service.play(created, owner)
        await call.chunks(2)
        await service.sessions.EndSession(session_pb2.EndSessionRequest(session_id=session_id), metadata=bearer(owner))
        await call.rest()
        found = await entries(service, auditor, 4)
    assert sorted(map(method, found)) == ["CreateSession", "EndSession", "Play", "attached"]
    first = next(each for each in found if method(each) == "CreateSession")
    assert (first.subject_id, first.role, first.allowed) == (f"key:{key_id}", "owner", True)
    assert first.ids["session_id"] == first.session_id == session_id
    assert (first.request_id, first.trace_id) == ("mine-1", TRACE.split("-")[1])
    assert first.peer.startswith(("ipv4:127.0.0.1", "ipv6:"))
    assert "grpc-python" in first.user_agent
    assert all(each.session_id == session_id for each in found)


async def test_e04_refusals_are_on_record_whoever_refused(tmp_path: Path) -> None:
    async with door(tmp_path) as service:
        _, viewer = service.key(Role.VIEWER)
        _, admin = service.key(Role.ADMIN)
        create = session_pb2.CreateSessionRequest(world=WORLD)
        nobody = await refusal(service.sessions.CreateSession(create, metadata=bearer("nacre_sk_wrong")))
        forbidden = await refusal(service.sessions.CreateSession(create, metadata=bearer(viewer)))
        look = session_pb2.GetSessionRequest(session_id="s-unknown")
        missing = await refusal(service.sessions.GetSession(look, metadata=bearer(viewer)))
        own = await entries(service, admin, 2, refused_only=True)
        strangers = await entries(service, admin, 1, tenant_id=NOBODY)
    assert [(method(each), each.reason) for each in own] == [
        ("CreateSession", forbidden.reason),
        ("GetSession", missing.reason),
    ]
    assert not any(each.allowed for each in own)
    assert own[1].ids["session_id"] == "s-unknown"
    assert [(method(each), each.reason, each.subject_id) for each in strangers] == [
        ("CreateSession", nobody.reason, "")
    ]
    assert [each.request_id for each in (*own, *strangers)] == [
        each.request_id for each in (forbidden, missing, nobody)
    ]


async def test_e04_messages_and_methods_that_are_none_are_refused_on_record(tmp_path: Path) -> None:
    async with door(tmp_path, access=AccessConfig()) as service:
        for name in ("/nacre.v1.SessionService/EndSession", "/nacre.v1.SessionService/Nothing"):
            await refusal(service.channel.unary_unary(name)(b"\xff\xff"))
        found = await entries(service, "", 2)
    assert [(method(each), each.reason) for each in found] == [
        ("EndSession", "FIELD_INVALID"),
        ("Nothing", "METHOD_UNKNOWN"),
    ]


async def test_e04_a_tenants_book_is_read_by_its_auditors_alone_and_verified(tmp_path: Path) -> None:
    async with door(tmp_path) as service:
        _, auditor = service.key(Role.AUDITOR)
        _, owner = service.key(Role.OWNER)
        created = await service.create(owner)
        await entries(service, auditor, 1)
        stub = audit_pb2_grpc.AuditServiceStub(service.channel)
        verified = await stub.VerifyBooks(audit_pb2.VerifyBooksRequest(), metadata=bearer(auditor))
        with pytest.raises(grpc.aio.AioRpcError, match="PERMISSION_DENIED"):
            await stub.VerifyBooks(audit_pb2.VerifyBooksRequest(), metadata=bearer(owner))
        with pytest.raises(grpc.aio.AioRpcError, match="PERMISSION_DENIED"):
            question = audit_pb2.ListAuditEntriesRequest(tenant_id="another")
            await stub.ListAuditEntries(question, metadata=bearer(auditor))
    assert created.session.session_id
    books = {each.book: each for each in verified.books}
    assert books["audit"].num_rows >= 1
    assert not any(each.HasField("fault_sequence") for each in verified.books)


async def test_e04_nothing_is_done_unaudited_where_that_is_the_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = BooksConfig(refuse_unaudited=True, refuse_after_s=5.0)
    async with door(tmp_path, access=AccessConfig(), books=books) as service:
        created = await service.create("")
        bookkeeper = service.server.bookkeeper
        assert bookkeeper is not None
        with monkeypatch.context() as patch:
            patch.setattr(type(bookkeeper.writer), "away_s", 6.0)
            refused = await refusal(service.create(""))
            look = session_pb2.GetSessionRequest(session_id=created.session.session_id)
            await service.sessions.GetSession(look)
        assert refused.reason == "STORAGE_UNAVAILABLE"
        await service.create("")
