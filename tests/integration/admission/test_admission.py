"""Places, the queue, quotas and keyed requests, over real sockets and with workers that have so many slots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration

from nacre.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    admission_pb2,
    admission_pb2_grpc,
    control_pb2,
    error_pb2,
    library_pb2,
    library_pb2_grpc,
    quota_pb2,
    session_pb2,
    session_pb2_grpc,
    world_pb2,
)
from serving.admission import desk
from serving.gateway.config import GatewayConfig
from serving.gateway.server import GatewayServer
from tests.integration.durable.harness import Service, service
from tests.integration.gateway.harness import Call, Refusal, read_refusal, refusal

WORLD = world_pb2.WorldSpec(prompt="a quiet street at dusk", seed=7)
TENANT = "default"
PATIENT = quota_pb2.Admission(wait=Duration(seconds=20))


@dataclass(kw_only=True)
class House:
    service: Service
    channel: grpc.aio.Channel

    def __post_init__(self) -> None:
        self.sessions: Any = session_pb2_grpc.SessionServiceStub(self.channel)
        self.library: Any = library_pb2_grpc.LibraryServiceStub(self.channel)
        self.admission: Any = admission_pb2_grpc.AdmissionServiceStub(self.channel)
        self.admin: Any = admin_pb2_grpc.AdminServiceStub(self.channel)

    async def create(self, key: str = "", **admission: Any) -> session_pb2.CreateSessionResponse:
        return await self.sessions.CreateSession(create_request(key, **admission))

    async def end(self, created: session_pb2.CreateSessionResponse) -> None:
        await self.sessions.EndSession(session_pb2.EndSessionRequest(session_id=created.session.session_id))

    async def limit(self, **limits: Any) -> None:
        await self.admin.SetQuota(admin_pb2.SetQuotaRequest(tenant_id=TENANT, limits=quota_pb2.Limits(**limits)))

    async def quota(self) -> admission_pb2.Quota:
        return (await self.admission.GetQuota(admission_pb2.GetQuotaRequest())).quota

    async def play(self, created: session_pb2.CreateSessionResponse) -> Call:
        call = Call(self.sessions.Play())
        token = created.resume_token
        await call.send(attach=session_pb2.Attach(session_id=created.session.session_id, resume_token=token))
        return call


def create_request(key: str = "", **admission: Any) -> session_pb2.CreateSessionRequest:
    return session_pb2.CreateSessionRequest(
        world=WORLD, idempotency_key=key, admission=quota_pb2.Admission(**admission) if admission else None
    )


@asynccontextmanager
async def house(folder: Path, num_slots: int = 1) -> AsyncIterator[House]:
    async with (
        service(folder, num_slots=num_slots) as running,
        grpc.aio.insecure_channel(running.server.address) as channel,
    ):
        yield House(service=running, channel=channel)


async def opened(stream: Any) -> tuple[list[admission_pb2.QueueStanding], session_pb2.CreateSessionResponse]:
    standings = []
    while isinstance(response := await stream.read(), admission_pb2.OpenSessionResponse):
        if response.HasField("opened"):
            return standings, response.opened
        standings.append(response.queued)
    raise AssertionError("the stream ended before there was a session")


async def first_standing(stream: Any) -> admission_pb2.QueueStanding:
    response = await stream.read()
    assert response.HasField("queued")
    return response.queued


async def test_n16_a_full_house_refuses_with_the_time_to_come_again(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        created = await here.create()
        refused = await refusal(here.create())
        assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "CAPACITY_EXHAUSTED")
        assert refused.retry_after_s
        await here.end(created)
        await here.create()


async def test_whoever_waits_is_told_how_far_it_is_and_then_has_a_session(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        created = await here.create()
        request = admission_pb2.OpenSessionRequest(create=create_request(wait=Duration(seconds=20)))
        one = here.admission.OpenSession(request)
        assert (await first_standing(one)).position == 1
        other = here.admission.OpenSession(request)
        assert (await first_standing(other)).position == 2
        await here.end(created)
        _, mine = await opened(one)
        call = await here.play(mine)
        assert len(await call.chunks(2)) == 2
        one_more = asyncio.ensure_future(opened(other))
        await here.end(mine)
        standings, _ = await one_more
        assert [standing.position for standing in standings] == [1]


async def test_a_simple_client_waits_with_one_call_and_gives_up_in_time(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        created = await here.create()
        waiting = asyncio.ensure_future(here.create(wait=Duration(seconds=20)))
        refused = await refusal(here.create(wait=Duration(nanos=50_000_000)))
        assert refused.reason == "CAPACITY_EXHAUSTED"
        await here.end(created)
        assert (await waiting).session.session_id
        assert (await here.quota()).use.num_waiting == 0


async def test_whoever_closes_the_call_leaves_the_queue(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        created = await here.create()
        stream = here.admission.OpenSession(admission_pb2.OpenSessionRequest(create=create_request(wait=PATIENT.wait)))
        await first_standing(stream)
        stream.cancel()
        async with asyncio.timeout(10):
            while (await here.quota()).use.num_waiting:
                await asyncio.sleep(0.02)
        await here.end(created)
        await here.create()


async def test_a_client_that_was_cut_off_comes_back_to_its_place_by_its_key(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        created = await here.create()
        request = admission_pb2.OpenSessionRequest(create=create_request("mine", wait=PATIENT.wait))
        first = here.admission.OpenSession(request)
        await first_standing(first)
        behind = here.admission.OpenSession(admission_pb2.OpenSessionRequest(create=create_request(wait=PATIENT.wait)))
        assert (await first_standing(behind)).position == 2
        first.cancel()
        again = here.admission.OpenSession(request)
        assert (await first_standing(again)).position == 1
        await here.end(created)
        _, mine = await opened(again)
        repeated, same = await opened(here.admission.OpenSession(request))
        assert (repeated, same) == ([], mine)


@asynccontextmanager
async def gateway_beside(here: House) -> AsyncIterator[Any]:
    """Another one over the same catalogue and workers: a stub of its AdmissionService."""
    plane = here.service.plane
    async with (
        GatewayServer(plane, GatewayConfig(port=0, drain_s=0.1), catalogue=plane) as beside,
        grpc.aio.insecure_channel(beside.address) as channel,
    ):
        yield admission_pb2_grpc.AdmissionServiceStub(channel)


@pytest.mark.parametrize("is_dead", [False, True], ids=["cut off", "its gateway is dead"])
async def test_n16_a_client_waits_on_where_it_was_at_another_gateway(tmp_path: Path, is_dead: bool) -> None:
    async with house(tmp_path) as here, gateway_beside(here) as beside:
        created = await here.create()
        request = admission_pb2.OpenSessionRequest(create=create_request("mine", wait=PATIENT.wait))
        first = here.admission.OpenSession(request)
        place_id = (await first_standing(first)).reservation_id
        behind = beside.OpenSession(admission_pb2.OpenSessionRequest(create=create_request(wait=PATIENT.wait)))
        assert (await first_standing(behind)).position == 2
        if is_dead:  # it says nothing any more: what it held lasts until its lease ends
            host_task = here.service.server._core.desk._host_task
            assert host_task is not None
            host_task.cancel()
        else:
            first.cancel()
        again = beside.OpenSession(request)
        standing = await first_standing(again)
        assert (standing.position, standing.num_waiting, standing.reservation_id) == (1, 2, place_id)
        await here.end(created)
        if is_dead:
            await here.service.server._core.desk._give_back()
        _, mine = await opened(again)
        repeated, same = await opened(beside.OpenSession(request))
        assert (repeated, same) == ([], mine)
        assert (await here.quota()).use.num_waiting == 1
        behind.cancel()


async def test_whoever_waits_is_told_until_when_and_what_its_tenant_may_use(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.limit(concurrent_sessions=7)
        created = await here.create()
        stream = here.admission.OpenSession(admission_pb2.OpenSessionRequest(create=create_request(wait=PATIENT.wait)))
        standing = await first_standing(stream)
        assert standing.limits.concurrent_sessions == 7
        assert 0 < standing.give_up_time.ToNanoseconds() / 1e9 - time.time() <= 20
        stream.cancel()
        await here.end(created)
        reserved = (await here.admission.Reserve(admission_pb2.ReserveRequest(wait=PATIENT.wait)).read()).reserved
        assert reserved.limits == standing.limits


async def test_those_who_were_cut_off_while_they_waited_leave_nothing_behind(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.create()
        streams = []
        for number in range(3):
            create = create_request(f"key-{number}", wait=PATIENT.wait)
            streams.append(here.admission.OpenSession(admission_pb2.OpenSessionRequest(create=create)))
            await first_standing(streams[-1])
        for stream in streams:
            stream.cancel()
        desk_of_it = here.service.server._core.desk
        async with asyncio.timeout(10):
            while desk_of_it._waiting:
                await asyncio.sleep(0.01)
        assert here.service.server._services.admission._open == {}
        assert desk_of_it.keyed._running == {}


async def test_what_could_never_begin_is_refused_before_the_wait(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.create()
        create = session_pb2.CreateSessionRequest(idempotency_key="mine", admission=PATIENT)
        stream = here.admission.OpenSession(admission_pb2.OpenSessionRequest(create=create))
        assert (await refusal(stream.read())).reason == "WORLD_MISSING"
        assert (await here.quota()).use.num_waiting == 0


async def test_a_reserved_place_is_there_when_its_client_comes(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        created = await here.create()
        stream = here.admission.Reserve(admission_pb2.ReserveRequest(wait=PATIENT.wait))
        reservation_id = (await first_standing(stream)).reservation_id
        await here.end(created)
        reserved = (await stream.read()).reserved
        assert reserved.reservation_id == reservation_id
        assert (await refusal(here.create())).reason == "CAPACITY_EXHAUSTED"
        mine = await here.create(reservation_id=reservation_id)
        assert (await refusal(here.create(reservation_id=reservation_id))).reason == "RESERVATION_NOT_FOUND"
        await here.end(mine)
        stream = here.admission.Reserve(admission_pb2.ReserveRequest())
        cancel = admission_pb2.CancelReservationRequest(reservation_id=(await stream.read()).reserved.reservation_id)
        await here.admission.CancelReservation(cancel)
        await here.create()


async def test_b12_a_tenant_hears_of_its_quota_and_where_it_ends(tmp_path: Path) -> None:
    async with house(tmp_path, num_slots=3) as here:
        await here.limit(concurrent_sessions=1, controls_per_second=10, storage_bytes=0)
        created = await here.create()
        assert created.session.limits.concurrent_sessions == 1
        request = session_pb2.GetSessionRequest(session_id=created.session.session_id)
        assert (await here.sessions.GetSession(request)).session.limits == created.session.limits
        refused = await refusal(here.create())
        assert (refused.reason, "1 sessions" in refused.message) == ("QUOTA_EXCEEDED", True)
        quota = await here.quota()
        assert (quota.use.concurrent_sessions, quota.left.concurrent_sessions) == (1, 0)
        assert quota.HasField("reset_time")
        assert not quota.limits.HasField("session_seconds_per_day")
        save = library_pb2.SaveWorldRequest(session_id=created.session.session_id, name="here")
        assert (await refusal(here.library.SaveWorld(save))).reason == "QUOTA_EXCEEDED"
        call = await here.play(created)
        for number in range(11):
            move = control_pb2.Move(forward=1.0)
            await call.send(control=control_pb2.Control(control_id=f"c-{number}", move=move))
        rejected = (await call.ack("c-10")).rejected
        assert error_pb2.ErrorReason.Name(rejected.error.reason) == "ERROR_REASON_QUOTA_EXCEEDED"
        quotas = (await here.admin.ListQuotas(admin_pb2.ListQuotasRequest())).quotas
        assert [each.tenant_id for each in quotas] == [TENANT]


async def test_a_repeated_request_is_done_once_and_answered_alike_also_after_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path, num_slots=3) as here:
        created, again = await asyncio.gather(here.create("one"), here.create("one"))
        assert created == again
        other = session_pb2.CreateSessionRequest(world=world_pb2.WorldSpec(prompt="another"), idempotency_key="one")
        refused = await refusal(here.sessions.CreateSession(other))
        assert (refused.reason, refused.field) == ("IDEMPOTENCY_KEY_REUSED", "idempotency_key")
        fork = session_pb2.ForkSessionRequest(session_id=created.session.session_id, idempotency_key="two")
        forked = await here.sessions.ForkSession(fork)
        plane = here.service.plane
        async with (
            GatewayServer(plane, GatewayConfig(port=0, drain_s=0.1), catalogue=plane) as after,
            grpc.aio.insecure_channel(after.address) as channel,
        ):
            stub: Any = session_pb2_grpc.SessionServiceStub(channel)
            assert await stub.CreateSession(create_request("one")) == created
            assert await stub.ForkSession(fork) == forked
        assert sum(here.service.used_slots()) == 2


async def test_what_was_deleted_under_a_key_is_told_to_be_deleted_again(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        created = await here.create()
        await here.end(created)
        session_id = created.session.session_id
        delete = session_pb2.DeleteSessionRequest(session_id=session_id, idempotency_key="away")
        assert await here.sessions.DeleteSession(delete) == await here.sessions.DeleteSession(delete)
        unkeyed = session_pb2.DeleteSessionRequest(session_id=session_id)
        assert (await refusal(here.sessions.DeleteSession(unkeyed))).reason == "SESSION_NOT_FOUND"


@pytest.mark.parametrize("wait", [Duration(seconds=-1), Duration(seconds=4_000)])
async def test_waiting_for_ever_is_not_to_be_had(tmp_path: Path, wait: Duration) -> None:
    async with house(tmp_path) as here:
        refused = await refusal(here.create(wait=wait))
        assert (refused.reason, refused.field) == ("FIELD_INVALID", "admission.wait")


async def refused_at_last(here: House) -> Refusal:
    """A session's last moments come on its tenant's account just after it is told that it ended."""
    async with asyncio.timeout(20):
        while True:
            try:
                await here.end(await here.create())
            except grpc.aio.AioRpcError as error:
                return read_refusal(error)


async def test_a_session_whose_tenant_used_up_its_day_is_warned_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "BEAT_S", 0.05)
    async with house(tmp_path, num_slots=2) as here:
        created = await here.create()
        call = await here.play(created)
        await call.chunks(1)
        await here.limit(session_seconds_per_day=1.0)
        assert (await call.until("go_away")).reason == session_pb2.END_REASON_QUOTA
        assert (await call.until("ended")).session.state == session_pb2.SESSION_STATE_PARKED
        assert (await refused_at_last(here)).reason == "QUOTA_EXCEEDED"
        await here.limit()
        again = await here.play(created)
        assert len(await again.chunks(2)) == 2


async def test_a_session_that_leaves_another_waits_for_its_place_as_well(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        past = await here.create()
        await here.end(past)
        created = await here.create()
        fork = session_pb2.ForkSessionRequest(session_id=past.session.session_id, chunk_index=0)
        assert (await refusal(here.sessions.ForkSession(fork))).reason == "CAPACITY_EXHAUSTED"
        fork.admission.CopyFrom(PATIENT)
        waiting = asyncio.ensure_future(here.sessions.ForkSession(fork))
        while not (await here.quota()).use.num_waiting:
            await asyncio.sleep(0.02)
        await here.end(created)
        forked = await waiting
        assert forked.session.session_id


@pytest.mark.parametrize(
    "limits",
    [
        quota_pb2.Limits(concurrent_sessions=2**32 - 1),
        quota_pb2.Limits(storage_bytes=2**64 - 1),
        quota_pb2.Limits(controls_per_second=-1.0),
        quota_pb2.Limits(session_seconds_per_day=float("nan")),
    ],
)
async def test_a_limit_that_cannot_be_kept_is_refused(tmp_path: Path, limits: quota_pb2.Limits) -> None:
    async with house(tmp_path) as here:
        refused = await refusal(here.admin.SetQuota(admin_pb2.SetQuotaRequest(tenant_id=TENANT, limits=limits)))
        assert (refused.reason, refused.field) == ("FIELD_INVALID", "limits")
