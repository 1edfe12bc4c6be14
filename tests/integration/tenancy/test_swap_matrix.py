"""Every call of every service, by a stranger of every role, with another tenant's ids, names, tokens, cursors and keys.

A call fails here until somebody says below how a stranger would try it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from nacre.v1 import (
    access_pb2,
    admin_pb2,
    admission_pb2,
    audit_pb2,
    export_pb2,
    library_pb2,
    quota_pb2,
    session_pb2,
    usage_pb2,
)
from serving.access.roles import Permission, Role
from serving.access.rules import RULES
from serving.gateway.server import SERVICE_NAMES
from tests.catalogues import migrated_url, postgres_folder, shared_postgres
from tests.integration.gateway.harness import WORLD
from tests.integration.tenancy.harness import (
    BY_CALLS,
    KEY,
    METHODS,
    NOWHERE,
    WORLD_NAME,
    Answer,
    Belongings,
    Tenancy,
    belongings,
    tenancy,
)

__all__ = ["migrated_url", "postgres_folder", "shared_postgres"]

OURS, THEIRS = "acme", "other"
Ask = Callable[[Belongings, Belongings], Message]  # of what is asked for, and of one's own


class Kinds(NamedTuple):
    """How a call is tried."""

    # With what is theirs; it must be answered like what is not there.
    named: tuple[Ask, ...] = ()
    # About nothing in particular: nothing of theirs may be in the answer.
    at_large: tuple[Ask, ...] = ()
    # Of those who run the service: nobody else, whatever is named.
    of_fleet: tuple[Ask, ...] = ()


def _of_session(request: Any, **more: Any) -> tuple[Ask, ...]:
    return tuple(
        lambda it, own, name=name: request(session_id=getattr(it, name), **more)
        for name in ("session_id", "parked_id", "ended_id")
    )


def _of_world(request: Any) -> tuple[Ask, ...]:
    return (lambda it, own: request(world_id=it.world_id),)


def _place(it: Belongings) -> quota_pb2.Admission:
    return quota_pb2.Admission(reservation_id=it.reservation_id)


def _attach(session_id: str, token: str) -> session_pb2.PlayRequest:
    return session_pb2.PlayRequest(attach=session_pb2.Attach(session_id=session_id, resume_token=token))


S, L, A = "/nacre.v1.SessionService/", "/nacre.v1.LibraryService/", "/nacre.v1.AdminService/"
P, C = "/nacre.v1.AdmissionService/", "/nacre.v1.AccessService/"
U, B, E = "/nacre.v1.UsageService/", "/nacre.v1.AuditService/", "/nacre.v1.ExportService/"
CREATE = session_pb2.CreateSessionRequest(world=WORLD, idempotency_key=KEY)
CASES: Mapping[str, Kinds] = {
    S + "GetCapabilities": Kinds(at_large=(lambda it, own: session_pb2.GetCapabilitiesRequest(),)),
    # With the key that they used, word for word as they did.
    S + "CreateSession": Kinds(
        at_large=(lambda it, own: CREATE,),
        named=(lambda it, own: session_pb2.CreateSessionRequest(world=WORLD, admission=_place(it)),),
    ),
    S + "Play": Kinds(
        named=(
            lambda it, own: _attach(it.session_id, it.resume_token),
            lambda it, own: _attach(it.session_id, own.resume_token),
            lambda it, own: _attach(it.parked_id, it.parked_token),
            lambda it, own: _attach(it.session_id, own.share_token.replace("share-", "")),
            lambda it, own: _attach(own.session_id, it.resume_token),
            lambda it, own: _attach(it.session_id, NOWHERE.share_token),
        )
    ),
    S + "GetSession": Kinds(named=_of_session(session_pb2.GetSessionRequest)),
    S + "ListSessions": Kinds(
        at_large=(lambda it, own: session_pb2.ListSessionsRequest(page_size=1_000),),
        named=(lambda it, own: session_pb2.ListSessionsRequest(page_token=it.sessions_cursor),),
    ),
    S + "EndSession": Kinds(named=_of_session(session_pb2.EndSessionRequest)),
    S + "DeleteSession": Kinds(named=_of_session(session_pb2.DeleteSessionRequest)),
    S + "PauseSession": Kinds(named=_of_session(session_pb2.PauseSessionRequest)),
    S + "ResumeSession": Kinds(named=_of_session(session_pb2.ResumeSessionRequest)),
    S + "ParkSession": Kinds(named=_of_session(session_pb2.ParkSessionRequest)),
    S + "WakeSession": Kinds(
        named=(
            lambda it, own: session_pb2.WakeSessionRequest(session_id=it.parked_id, resume_token=it.parked_token),
            lambda it, own: session_pb2.WakeSessionRequest(session_id=it.session_id, resume_token=own.resume_token),
        )
    ),
    S + "ForkSession": Kinds(
        named=(
            *_of_session(session_pb2.ForkSessionRequest),
            *_of_session(session_pb2.ForkSessionRequest, chunk_index=0),
        )
    ),
    S + "RewindSession": Kinds(named=_of_session(session_pb2.RewindSessionRequest, chunk_index=0)),
    S + "GetBranches": Kinds(named=_of_session(session_pb2.GetBranchesRequest)),
    S + "DiffSessions": Kinds(
        named=(
            lambda it, own: session_pb2.DiffSessionsRequest(session_id=it.session_id, other_session_id=own.session_id),
            lambda it, own: session_pb2.DiffSessionsRequest(session_id=own.session_id, other_session_id=it.session_id),
            lambda it, own: session_pb2.DiffSessionsRequest(session_id=it.session_id, other_session_id=it.parked_id),
        )
    ),
    L + "SaveWorld": Kinds(named=_of_session(library_pb2.SaveWorldRequest, name="stolen")),
    L + "LoadWorld": Kinds(
        named=(
            lambda it, own: library_pb2.LoadWorldRequest(world_id=it.world_id),
            lambda it, own: library_pb2.LoadWorldRequest(name=f"{it.tenant_id}'s own"),
        ),
        # A name that both have leads to one's own.
        at_large=(lambda it, own: library_pb2.LoadWorldRequest(name=WORLD_NAME),),
    ),
    E + "GetRecording": Kinds(named=_of_session(export_pb2.GetRecordingRequest)),
    E + "DownloadRecording": Kinds(named=_of_session(export_pb2.DownloadRecordingRequest)),
    E + "CreateRecordingTicket": Kinds(named=_of_session(export_pb2.CreateRecordingTicketRequest)),
    E + "DeleteRecording": Kinds(named=_of_session(export_pb2.DeleteRecordingRequest)),
    L + "ListWorlds": Kinds(
        at_large=(
            lambda it, own: library_pb2.ListWorldsRequest(),
            lambda it, own: library_pb2.ListWorldsRequest(name=WORLD_NAME),
            lambda it, own: library_pb2.ListWorldsRequest(name=f"{it.tenant_id}'s own"),
        ),
        named=(lambda it, own: library_pb2.ListWorldsRequest(page_token=it.worlds_cursor),),
    ),
    L + "GetWorld": Kinds(named=_of_world(library_pb2.GetWorldRequest)),
    L + "DeleteWorld": Kinds(named=_of_world(library_pb2.DeleteWorldRequest)),
    L + "ExportSession": Kinds(named=_of_session(library_pb2.ExportSessionRequest)),
    L + "ImportWorld": Kinds(
        at_large=(lambda it, own: library_pb2.ImportWorldRequest(data=b"no snapshot", name=WORLD_NAME),)
    ),
    L + "CreateShareLink": Kinds(
        named=_of_session(library_pb2.CreateShareLinkRequest, scope=library_pb2.SHARE_SCOPE_JOIN)
    ),
    L + "ListShareLinks": Kinds(named=_of_session(library_pb2.ListShareLinksRequest)),
    L + "RevokeShareLink": Kinds(named=(lambda it, own: library_pb2.RevokeShareLinkRequest(share_id=it.share_id),)),
    # Whoever has a link's token is let in on purpose; its id is no token.
    L + "OpenShareLink": Kinds(named=(lambda it, own: library_pb2.OpenShareLinkRequest(token=it.share_id),)),
    L + "SetAccess": Kinds(
        named=(
            lambda it, own: library_pb2.SetAccessRequest(
                world_id=it.world_id, grants=[library_pb2.Grant(tenant_id=own.tenant_id, role=access_pb2.ROLE_OWNER)]
            ),
        )
    ),
    L + "GetAccess": Kinds(named=_of_world(library_pb2.GetAccessRequest)),
    P + "OpenSession": Kinds(at_large=(lambda it, own: admission_pb2.OpenSessionRequest(create=CREATE),)),
    P + "Reserve": Kinds(at_large=(lambda it, own: admission_pb2.ReserveRequest(idempotency_key=KEY),)),
    # Of no effect where there is none, and that is said to nobody.
    P + "CancelReservation": Kinds(
        named=(lambda it, own: admission_pb2.CancelReservationRequest(reservation_id=it.reservation_id),)
    ),
    P + "GetQuota": Kinds(
        at_large=(lambda it, own: admission_pb2.GetQuotaRequest(),),
        of_fleet=(lambda it, own: admission_pb2.GetQuotaRequest(tenant_id=it.tenant_id),),
    ),
    C + "GetCaller": Kinds(at_large=(lambda it, own: access_pb2.GetCallerRequest(),)),
    # A token names whatever it likes; what it opens is tried on its own below.
    C + "MintToken": Kinds(at_large=(lambda it, own: access_pb2.MintTokenRequest(role=access_pb2.ROLE_VIEWER),)),
    # Of no effect where nobody is called so, and that is said to nobody. What is told of is one's own tenant's.
    C + "RevokeToken": Kinds(
        at_large=(lambda it, own: access_pb2.RevokeTokenRequest(subject_id="token:nobody"),),
        named=(lambda it, own: access_pb2.RevokeTokenRequest(token=it.minted_token),),
        of_fleet=(
            lambda it, own: access_pb2.RevokeTokenRequest(subject_id=f"key:{it.key_id}", tenant_id=it.tenant_id),
        ),
    ),
    U + "GetQuote": Kinds(
        at_large=(lambda it, own: usage_pb2.GetQuoteRequest(duration=Duration(seconds=60)),),
        named=(lambda it, own: usage_pb2.GetQuoteRequest(duration=Duration(seconds=60), world_id=it.world_id),),
    ),
    U + "GetUsage": Kinds(
        at_large=(lambda it, own: usage_pb2.GetUsageRequest(),),
        named=(
            lambda it, own: usage_pb2.GetUsageRequest(session_id=it.session_id),
            lambda it, own: usage_pb2.GetUsageRequest(world_id=it.world_id),
        ),
        of_fleet=(lambda it, own: usage_pb2.GetUsageRequest(tenant_id=it.tenant_id),),
    ),
    B + "ListAuditEntries": Kinds(
        # Of a session it tells what one's own tenant tried with it, and what came of that.
        named=(lambda it, own: audit_pb2.ListAuditEntriesRequest(subject_id=f"key:{it.key_id}"),),
        of_fleet=(lambda it, own: audit_pb2.ListAuditEntriesRequest(tenant_id=it.tenant_id),),
    ),
    B + "VerifyBooks": Kinds(
        at_large=(lambda it, own: audit_pb2.VerifyBooksRequest(),),
        of_fleet=(lambda it, own: audit_pb2.VerifyBooksRequest(tenant_id=it.tenant_id),),
    ),
    A + "ListWorkers": Kinds(of_fleet=(lambda it, own: admin_pb2.ListWorkersRequest(),)),
    A + "DrainWorker": Kinds(of_fleet=(lambda it, own: admin_pb2.DrainWorkerRequest(worker_id="w"),)),
    A + "UndrainWorker": Kinds(of_fleet=(lambda it, own: admin_pb2.UndrainWorkerRequest(worker_id="w"),)),
    A + "MoveSession": Kinds(of_fleet=(lambda it, own: admin_pb2.MoveSessionRequest(session_id=it.session_id),)),
    A + "ListQuotas": Kinds(of_fleet=(lambda it, own: admin_pb2.ListQuotasRequest(),)),
    A + "SetQuota": Kinds(of_fleet=(lambda it, own: admin_pb2.SetQuotaRequest(tenant_id=it.tenant_id),)),
    A + "CreateTenant": Kinds(of_fleet=(lambda it, own: admin_pb2.CreateTenantRequest(tenant_id=it.tenant_id),)),
    A + "ListTenants": Kinds(of_fleet=(lambda it, own: admin_pb2.ListTenantsRequest(),)),
    A + "SuspendTenant": Kinds(of_fleet=(lambda it, own: admin_pb2.SuspendTenantRequest(tenant_id=it.tenant_id),)),
    A + "RestoreTenant": Kinds(of_fleet=(lambda it, own: admin_pb2.RestoreTenantRequest(tenant_id=it.tenant_id),)),
    A + "CreateKey": Kinds(
        of_fleet=(lambda it, own: admin_pb2.CreateKeyRequest(role=access_pb2.ROLE_VIEWER, tenant_id=it.tenant_id),)
    ),
    A + "ListKeys": Kinds(
        at_large=(lambda it, own: admin_pb2.ListKeysRequest(),),
        of_fleet=(lambda it, own: admin_pb2.ListKeysRequest(tenant_id=it.tenant_id),),
    ),
    A + "RevokeKey": Kinds(named=(lambda it, own: admin_pb2.RevokeKeyRequest(key_id=it.key_id),)),
    A + "RotateKey": Kinds(named=(lambda it, own: admin_pb2.RotateKeyRequest(key_id=it.key_id),)),
}
# They search one's own books: for what is not there as well, and find nothing.
SEARCHES = {U + "GetUsage", B + "ListAuditEntries", P + "CancelReservation"}
# Those who run the service have a hand in every tenant's keys.
FOR_ADMINS = {A + "RevokeKey", A + "RotateKey"}


class Both(NamedTuple):
    place: Tenancy
    theirs: Belongings
    own: Belongings


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    async with tenancy(tmp_path / "data", OURS, THEIRS) as place:
        yield Both(place, await belongings(place, THEIRS), await belongings(place, OURS))


def test_e03_every_call_is_tried_by_strangers() -> None:
    assert set(CASES) == set(METHODS)
    assert all(any(kinds) for kinds in CASES.values())


async def test_e03_what_is_a_strangers_is_answered_like_what_is_not_there(both: Both) -> None:
    await _try_what_is_theirs(both, tuple(Role), at_least=300)


async def _try_what_is_theirs(both: Both, roles: tuple[Role, ...], at_least: int) -> None:
    place, theirs, own = both
    before, num_tried = place.rows(THEIRS), 0
    for role in roles:
        bearer = place.bearers[OURS, role]
        await place.call(C + "GetCaller", access_pb2.GetCallerRequest(), bearer)
        for path, kinds in CASES.items():
            if role is Role.ADMIN and path in FOR_ADMINS:
                continue
            for ask in kinds.named:
                with place.watched() as asked:
                    swapped = await place.call(path, ask(theirs, own), bearer)
                with place.watched() as asked_in_vain:
                    missing = await place.call(path, ask(NOWHERE, own), bearer)
                assert swapped.refusal or path in SEARCHES, (role, path)
                assert swapped == missing, (role, path)
                assert asked == asked_in_vain, (role, path)
                num_tried += 1
    assert num_tried > at_least
    assert place.has_reservation(theirs.reservation_id)
    assert place.rows(THEIRS) == before
    assert place.subjects(THEIRS) <= place.keys(THEIRS)


async def test_e03_what_is_asked_at_large_tells_nothing_of_a_stranger(both: Both) -> None:
    place, theirs, own = both
    before, answered = place.rows(THEIRS), set[str]()
    for role in Role:
        for path, kinds in CASES.items():
            for ask in kinds.at_large:
                answer = await place.call(path, ask(theirs, own), place.bearers[OURS, role])
                _assert_nothing_of(theirs, answer, path)
                answered |= {path} if answer.message is not None else set()
    assert place.rows(THEIRS) == before
    assert place.subjects(THEIRS) <= place.keys(THEIRS)
    tried = {path for path, kinds in CASES.items() if kinds.at_large and _is_served(path)}
    assert tried - answered <= {L + "ImportWorld"}, "nobody was answered"


async def test_e03_the_fleet_and_other_tenants_are_for_admins_alone(both: Both) -> None:
    place, theirs, own = both
    before = place.rows(THEIRS)
    for role in set(Role) - {Role.ADMIN}:
        for path, kinds in CASES.items():
            for ask in kinds.of_fleet:
                if not _is_served(path):
                    continue
                there = await place.call(path, ask(theirs, own), place.bearers[OURS, role])
                missing = await place.call(path, ask(NOWHERE, own), place.bearers[OURS, role])
                assert there.reason == "PERMISSION_MISSING", (role, path, there)
                assert there == missing, (role, path)
    assert place.rows(THEIRS) == before
    assert place.subjects(THEIRS) <= place.keys(THEIRS)


async def test_e03_a_role_may_what_its_permissions_say_and_nothing_else(both: Both) -> None:
    """Of one's own things: what a role lacks is refused by name. What it has is used all over the other tests."""
    place, _, own = both
    before, num_refused = place.rows(OURS, BY_CALLS), 0
    for role in Role:
        for path, kinds in CASES.items():
            rule = RULES[path]
            if role.may(rule.permission) or (path == L + "LoadWorld" and role.may(Permission.CREATE)):
                continue
            for ask in (*kinds.named, *kinds.of_fleet):
                answer = await place.call(path, ask(own, own), place.bearers[OURS, role])
                if path not in (S + "Play", L + "OpenShareLink", L + "ListWorlds") and _is_served(path):
                    assert answer.reason == "PERMISSION_MISSING", (role, path, answer)
                    num_refused += 1
    assert num_refused > 80
    assert place.rows(OURS, BY_CALLS) == before


@pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)
async def test_e03_the_whole_matrix_holds_on_postgresql(migrated_url: str, tmp_path: Path) -> None:
    """On one service, whose calls are answered by another planner and other transactions: which role asks makes no
    difference to those. What makes sessions comes last, so that nothing before it finds the house full."""
    async with tenancy(tmp_path / "data", OURS, THEIRS, url=migrated_url) as place:
        assert not place.running.plane.database.is_sqlite
        both = Both(place, await belongings(place, THEIRS), await belongings(place, OURS))
        await _try_what_is_theirs(both, (Role.OWNER, Role.VIEWER), at_least=100)
        await test_e03_the_fleet_and_other_tenants_are_for_admins_alone(both)
        await test_e03_a_role_may_what_its_permissions_say_and_nothing_else(both)
        await test_e03_what_is_asked_at_large_tells_nothing_of_a_stranger(both)


def _is_served(path: str) -> bool:
    return path.split("/")[1] in SERVICE_NAMES


def _assert_nothing_of(theirs: Belongings, answer: Answer, path: str) -> None:
    if answer.message is None:
        return
    told = answer.message.SerializeToString()
    for mark in theirs.marks:
        assert mark.encode() not in told, (path, mark)
