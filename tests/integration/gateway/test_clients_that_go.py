"""Clients that vanish, stall or come back: slots are freed, and nobody else notices."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator

import grpc

from nacre.v1 import control_pb2, session_pb2, session_pb2_grpc
from tests.fakes import FakeWorldPlane, fake_info
from tests.integration.gateway.harness import QUICK, RAW, WORLD, Call, Gateway, StartGateway, eventually, refusal

# The least a client's transport can be made to take in before it pushes back.
SMALL_WINDOW = (("grpc.http2.lookahead_bytes", 65_536), ("grpc.http2.bdp_probe", 0))


async def test_a_client_that_vanishes_frees_its_slot(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=QUICK, num_slots=1), detach_grace_s=0.05)
    created = await gateway.create()
    call = await gateway.play(created)
    await call.chunks(3)
    call.raw.cancel()
    await eventually(lambda: gateway.plane.num_open == 0)
    state = await gateway.state(created)
    assert (state.state, state.end_reason) == (session_pb2.SESSION_STATE_ENDED, session_pb2.END_REASON_ABANDONED)
    assert gateway.metrics.num_attached == 0
    assert gateway.metrics.errors == [], "a client that leaves is no error"
    await gateway.assert_works()


async def test_a_client_process_that_is_killed_frees_its_slot(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=QUICK, num_slots=1), detach_grace_s=0.05)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=play_for_ever, args=(gateway.server.address,), daemon=True)
    process.start()
    try:
        await eventually(lambda: len(gateway.metrics.chunks) > 5, timeout_s=60)
    finally:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
    await eventually(lambda: gateway.plane.num_open == 0)
    process.join()
    await gateway.assert_works()


def play_for_ever(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        stub = session_pb2_grpc.SessionServiceStub(channel)
        created = stub.CreateSession(session_pb2.CreateSessionRequest(world=WORLD))
        attach = session_pb2.Attach(session_id=created.session.session_id, resume_token=created.resume_token)
        for _ in stub.Play(_ask_for_ever(attach)):
            pass


def _ask_for_ever(attach: session_pb2.Attach) -> Iterator[session_pb2.PlayRequest]:
    yield session_pb2.PlayRequest(attach=attach)
    for _ in range(60):
        yield session_pb2.PlayRequest(credit=session_pb2.Credit(chunks=16))
    threading.Event().wait()  # the stream stays open both ways


async def test_a_client_that_vanished_comes_back(gateway: Gateway) -> None:
    created = await gateway.create()
    first = await gateway.play(created)
    last_seen = (await first.chunks(4))[-1].chunk_index
    first.raw.cancel()
    await eventually(lambda: gateway.metrics.num_attached == 0)
    assert (await gateway.state(created)).state == session_pb2.SESSION_STATE_DETACHED
    made = gateway.plane.links[0].num_made
    await asyncio.sleep(0.1)
    assert gateway.plane.links[0].num_made <= made + 4, "the world waits"
    second = await gateway.play(created)
    attached = await second.until("attached")
    chunks = await second.chunks(10)
    assert [chunk.chunk_index for chunk in chunks] == list(
        range(attached.next_chunk_index, attached.next_chunk_index + 10)
    )
    assert attached.next_chunk_index > last_seen
    assert len(gateway.plane.links) == 1, "the same world"


async def test_a_client_that_closes_its_side_leaves(gateway: Gateway) -> None:
    created = await gateway.create()
    call = await gateway.play(created)
    await call.chunks(2)
    call.gives_credit = False
    await call.raw.done_writing()
    await call.rest()
    assert await call.status() is grpc.StatusCode.OK
    assert (await gateway.state(created)).state == session_pb2.SESSION_STATE_DETACHED


async def test_a_session_nobody_enters_is_closed(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(ready_grace_s=0.05)
    created = await gateway.create()
    await eventually(lambda: gateway.plane.num_open == 0)
    assert (await gateway.state(created)).end_reason == session_pb2.END_REASON_ABANDONED


async def test_a_client_that_gives_no_credit_is_let_go(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(stall_timeout_s=0.1, detach_grace_s=0.05)
    call = await gateway.play(initial_credit=2)
    call.gives_credit = False
    error = await refusal(call.last_words())
    assert (error.code, error.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "CLIENT_STALLED")
    await eventually(lambda: gateway.plane.num_open == 0)
    await gateway.assert_works()


async def test_a_client_that_stops_reading_is_let_go_and_holds_up_nobody(start_gateway: StartGateway) -> None:
    big = fake_info(width_px=640, height_px=360, frame_rate=125.0, samples_per_chunk=128)
    gateway = await start_gateway(
        plane=FakeWorldPlane(info=big), channel_options=SMALL_WINDOW, stall_timeout_s=0.3, detach_grace_s=0.05
    )
    stalled = await gateway.play(video_codecs=RAW)
    for _ in range(40):
        await stalled.send(credit=session_pb2.Credit(chunks=16))
    reading = await gateway.play()
    async with asyncio.timeout(10):
        while not gateway.metrics.errors:
            assert len(await reading.chunks(5)) == 5
    assert gateway.metrics.errors == ["CLIENT_STALLED"]
    assert gateway.plane.links[0].num_made < 200, "flow control stopped the world long before the credit did"
    assert len(await reading.chunks(5)) == 5
    await eventually(lambda: gateway.plane.links[0].is_closed)
    assert not gateway.plane.links[1].is_closed
    await eventually(lambda: gateway.metrics.num_attached == 1)


async def test_a_client_that_sends_but_never_reads_is_bounded(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(
        channel_options=SMALL_WINDOW,
        stall_timeout_s=0.3,
        max_unsent_messages=16,
        control_rate_per_s=1e6,
        control_burst=1_000_000,
        detach_grace_s=0.05,
    )
    call = await gateway.play()
    await call.until("attached")

    call.gives_credit = False
    num_sent = 0
    async with asyncio.timeout(60):
        while "CLIENT_STALLED" not in gateway.metrics.errors:
            await call.control(f"c{num_sent}", move=control_pb2.Move(forward=9.0))
            num_sent += 1
    await eventually(lambda: gateway.plane.num_open == 0)
    await gateway.assert_works()
    error = await refusal(call.last_words())
    assert error.reason == "CLIENT_STALLED", "told as soon as it reads again"


async def test_many_clients_that_vanish_leave_nothing(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=QUICK, num_slots=20), detach_grace_s=0.02)
    tasks_before = len(asyncio.all_tasks())

    async def visit(delay_s: float) -> None:
        call: Call = await gateway.play()
        await call.chunks(1)
        await call.control("c", move=control_pb2.Move(forward=1.0))
        await asyncio.sleep(delay_s)
        call.raw.cancel()

    await asyncio.gather(*(visit(0.002 * idx) for idx in range(20)))
    await eventually(lambda: gateway.plane.num_open == 0)
    await eventually(lambda: gateway.metrics.num_attached == 0)
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks_before)
