"""A session as a client lives it, over a real connection."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from nacre.v1 import control_pb2, error_pb2, media_pb2, session_pb2, world_pb2
from serving.gateway import play
from serving.gateway.validation import MAX_CREDIT
from serving.sessions.contract import Directive, ImageControl, Look, Move, Rejected
from tests.fakes import FakeFaults, FakeWorldPlane, fake_info
from tests.integration.gateway.harness import QUICK, WORLD, Gateway, StartGateway, eventually
from tests.pictures import encode, gradient

AHEAD = control_pb2.Move(forward=1.0)


async def test_a_session_from_create_to_end(gateway: Gateway) -> None:
    created = await gateway.create()
    assert created.session.state == session_pb2.SESSION_STATE_READY
    assert (created.session.world.prompt, created.session.world.seed) == ("a quiet street at dusk", 7)
    assert (created.session.world.model, created.session.capabilities.model) == ("fake-xs", "fake-xs")
    call = await gateway.play(created)
    attached = await call.until("attached")
    assert (attached.video_codec, attached.audio_codec) == (media_pb2.VIDEO_CODEC_H264, media_pb2.AUDIO_CODEC_OPUS)
    assert (attached.credit, attached.next_chunk_index) == (4, 0)
    assert attached.session.state == session_pb2.SESSION_STATE_RUNNING
    chunks = await call.chunks(20)
    assert [chunk.chunk_index for chunk in chunks] == list(range(20))
    assert [chunk.sequence for chunk in chunks] == list(range(20))
    assert [frame.frame_index for chunk in chunks for frame in chunk.frames] == list(range(20))
    assert chunks[3].pose.x_m == 1.5
    session = await gateway.end(created)
    assert (session.state, session.end_reason) == (session_pb2.SESSION_STATE_ENDED, session_pb2.END_REASON_REQUESTED)
    assert session.chunks_generated >= 20
    last = (await call.rest())[-1]
    assert last.ended.session.end_reason == session_pb2.END_REASON_REQUESTED
    assert (await call.status()).value[0] == 0
    assert gateway.plane.num_open == 0
    assert (await gateway.end(created)).state == session_pb2.SESSION_STATE_ENDED, "ending twice is no error"


async def test_the_worker_gets_the_world(gateway: Gateway) -> None:
    picture = encode(gradient(1_000, 500))
    world = world_pb2.WorldSpec(character="a cat", scene="Paris", image=world_pb2.Image(data=picture), seed=9)
    created = await gateway.create(world)
    spec = gateway.plane.links[0].spec
    assert (spec.session_id, spec.world.text, spec.world.seed) == (created.session.session_id, "a cat. Paris", 9)
    assert spec.world.image_HWC is not None
    assert (spec.world.image_HWC.shape, spec.world.image_HWC.dtype) == ((256, 512, 3), np.uint8)
    assert not created.session.world.HasField("image")


async def test_capabilities_are_served(gateway: Gateway) -> None:
    answer = await gateway.stub.GetCapabilities(session_pb2.GetCapabilitiesRequest())
    assert (answer.capabilities.width_px, answer.capabilities.frames_per_chunk) == (128, 1)
    assert len(answer.capabilities.controls) == 4


async def test_a_repeated_create_gets_the_first_answer(gateway: Gateway) -> None:
    first, second = await asyncio.gather(gateway.create(key="once"), gateway.create(key="once"))
    third = await gateway.create(key="once")
    assert first.session.session_id == second.session.session_id == third.session.session_id
    assert first.resume_token == second.resume_token == third.resume_token
    assert len(gateway.plane.links) == 1
    assert (await gateway.create(key="twice")).session.session_id != first.session.session_id


async def test_a_create_that_failed_is_tried_again_with_its_key(start_gateway: StartGateway) -> None:
    faults = FakeFaults(open_delay_s=5.0)
    gateway = await start_gateway(plane=FakeWorldPlane(info=QUICK, faults=faults))
    call = gateway.stub.CreateSession(session_pb2.CreateSessionRequest(world=WORLD, idempotency_key="k"))
    await asyncio.sleep(0.05)
    call.cancel()
    faults.open_delay_s = 0.0
    created = await gateway.create(key="k")
    assert created.session.session_id


async def test_an_unattached_world_does_not_run_ahead(gateway: Gateway) -> None:
    created = await gateway.create()
    await asyncio.sleep(0.1)
    assert gateway.plane.links[0].num_granted == 0
    assert (await gateway.state(created)).chunks_generated == 0


async def test_the_world_stops_without_credit_and_goes_on_with_it(gateway: Gateway) -> None:
    call = await gateway.play(initial_credit=3)
    call.gives_credit = False
    await call.chunks(3)
    await asyncio.sleep(0.1)
    assert gateway.plane.links[0].num_made == 3
    assert len(gateway.metrics.chunks) == 3
    await call.send(credit=session_pb2.Credit(chunks=2))
    assert [chunk.chunk_index for chunk in await call.chunks(2)] == [3, 4]
    await asyncio.sleep(0.1)
    assert gateway.plane.links[0].num_made == 5


async def test_plenty_of_credit_is_spent_a_window_at_a_time(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=QUICK, lead_s=0.05), window_chunks=2)
    call = await gateway.play(initial_credit=MAX_CREDIT)
    await call.until("attached")
    link = gateway.plane.links[0]
    await eventually(lambda: link.num_granted == 2)
    call.gives_credit = False
    assert [chunk.chunk_index for chunk in await call.chunks(MAX_CREDIT)] == list(range(MAX_CREDIT))
    assert link.num_granted == MAX_CREDIT, "and never beyond the credit"


async def test_controls_are_accepted_and_applied_once(gateway: Gateway) -> None:
    call = await gateway.play()
    await call.chunks(1)
    await call.control("go", move=AHEAD)
    accepted = await call.ack("go")
    assert accepted.HasField("accepted")
    applied = (await call.ack("go")).applied
    assert applied.frame_index == applied.chunk_index
    assert applied.world_time.ToNanoseconds() == applied.chunk_index * 8_000_000
    await call.chunks(5)
    assert not [message for message in call.backlog if message.HasField("ack")]
    (received,) = gateway.plane.links[0].received
    assert received.kind == Move(forward=1.0, strafe=0.0)
    assert len(gateway.metrics.control_to_frame_s) == 1
    assert 0 < gateway.metrics.control_to_frame_s[0] < 5
    assert len(gateway.metrics.accepted_s) == 1
    assert 0 <= gateway.metrics.accepted_s[0] <= gateway.metrics.control_to_frame_s[0]
    assert gateway.metrics.outcomes == ["accepted", "applied"]


async def test_every_kind_of_control_reaches_the_worker(gateway: Gateway) -> None:
    call = await gateway.play()
    await call.chunks(1)
    await call.control("a", look=control_pb2.Look(yaw=-1.0, pitch=0.5))
    await call.control("b", directive=control_pb2.Directive(text="night falls"))
    await call.control("c", image=world_pb2.Image(data=encode(gradient(), "JPEG")))
    for control_id in ("a", "b", "c"):
        assert (await call.terminal(control_id)).HasField("applied")
    look, directive, image = (control.kind for control in gateway.plane.links[0].received)
    assert (look, directive) == (Look(yaw=-1.0, pitch=0.5), Directive(text="night falls"))
    assert isinstance(image, ImageControl)
    assert image.image_HWC.shape == (48, 64, 3)


async def test_the_latest_of_two_moves_wins(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=fake_info(frame_rate=5.0, samples_per_chunk=3_200)))
    call = await gateway.play()
    await call.chunks(1)
    await call.control("first", move=AHEAD)
    await call.control("second", move=control_pb2.Move(strafe=1.0))
    assert (await call.terminal("first")).superseded.by_control_id == "second"
    assert (await call.terminal("second")).HasField("applied")


async def test_a_bad_control_is_rejected_and_the_stream_goes_on(gateway: Gateway) -> None:
    call = await gateway.play()
    await call.chunks(1)
    cases = {
        "nan": ({"move": control_pb2.Move(forward=float("nan"))}, "FIELD_INVALID", "control.move.forward"),
        "big": ({"look": control_pb2.Look(yaw=1.5)}, "FIELD_INVALID", "control.look.yaw"),
        "mute": ({"directive": control_pb2.Directive()}, "TEXT_EMPTY", "control.directive.text"),
        "long": (
            {"directive": control_pb2.Directive(text="x" * 2_001)},
            "TEXT_TOO_LONG",
            "control.directive.text",
        ),
        "none": ({}, "FIELD_INVALID", "control.kind"),
        "junk": ({"image": world_pb2.Image(data=b"junk")}, "IMAGE_UNREADABLE", "control.image.data"),
        "bad id": ({"move": AHEAD}, "FIELD_INVALID", "control.control_id"),
    }
    for control_id, (kind, reason, field) in cases.items():
        await call.control(control_id, **kind)
        error = (await call.ack(control_id)).rejected.error
        assert (error_pb2.ErrorReason.Name(error.reason), error.field) == (f"ERROR_REASON_{reason}", field)
        assert error.message
    assert len(await call.chunks(3)) == 3
    assert not gateway.plane.links[0].received


async def test_an_unsupported_control_lists_the_supported(gateway: Gateway) -> None:
    call = await gateway.play()
    await call.chunks(1)
    await call.control("cam", camera=control_pb2.CameraMove(kind=control_pb2.CAMERA_MOVE_KIND_ORBIT))
    await call.control("view", perspective=control_pb2.SetPerspective(perspective=world_pb2.PERSPECTIVE_THIRD_PERSON))
    for control_id in ("cam", "view"):
        error = (await call.ack(control_id)).rejected.error
        assert error.reason == error_pb2.ERROR_REASON_CONTROL_UNSUPPORTED
        assert list(error.allowed) == ["move", "look", "directive", "image"]
    assert len(await call.chunks(3)) == 3


async def test_a_control_id_counts_once(gateway: Gateway) -> None:
    call = await gateway.play()
    await call.control("same", move=AHEAD)
    await call.control("same", move=AHEAD)
    acks = [await call.ack("same") for _ in range(3)]
    rejected = [ack.rejected.error for ack in acks if ack.HasField("rejected")]
    assert [error.reason for error in rejected] == [error_pb2.ERROR_REASON_CONTROL_DUPLICATE]
    assert len(gateway.plane.links[0].received) == 1


async def test_controls_over_the_rate_are_rejected_one_by_one(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(control_rate_per_s=0.001, control_burst=3)
    call = await gateway.play()
    for idx in range(10):
        await call.control(f"c{idx}", directive=control_pb2.Directive(text="rain"))
    outcomes = [await call.terminal(f"c{idx}") for idx in range(3, 10)]
    assert {ack.rejected.error.reason for ack in outcomes} == {error_pb2.ERROR_REASON_RATE_EXCEEDED}
    assert len(gateway.plane.links[0].received) == 3
    assert len(await call.chunks(3)) == 3


async def test_a_flood_of_controls_is_answered_in_full(gateway: Gateway) -> None:
    call = await gateway.play()
    call.gives_credit = False
    num_controls = 2_000

    async def flood() -> None:
        for idx in range(num_controls):
            await call.control(f"c{idx}", directive=control_pb2.Directive(text="rain"))

    async def count_terminal() -> int:
        settled: set[str] = set()
        while len(settled) < num_controls:
            message = await call.read()
            assert message is not None, f"the stream ended after {len(settled)}"
            if message.HasField("media"):  # by the way: reading must not wait behind the flood
                tasks.create_task(call.send(credit=session_pb2.Credit(chunks=1)))
            elif message.HasField("ack") and not message.ack.HasField("accepted"):
                settled.add(message.ack.control_id)
        return len(settled)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(flood())
        counted = tasks.create_task(count_terminal())
    assert counted.result() == num_controls


async def test_a_workers_rejection_is_passed_on(start_gateway: StartGateway) -> None:
    rejected = Rejected(control_id="no", reason="TEXT_TOO_LONG", message="too long for this model", field="x")
    gateway = await start_gateway(plane=FakeWorldPlane(info=QUICK, faults=FakeFaults(rejects={"no": rejected})))
    call = await gateway.play()
    await call.control("no", directive=control_pb2.Directive(text="rain"))
    error = (await call.ack("no")).rejected.error
    assert (error.reason, error.message) == (error_pb2.ERROR_REASON_TEXT_TOO_LONG, "too long for this model")


async def test_chunks_leave_when_they_are_due(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(lead_s=0.2))
    call = await gateway.play()
    call.gives_credit = False
    await call.chunks(4)
    await eventually(lambda: len(gateway.metrics.chunks) == 4)
    for chunk in gateway.metrics.chunks:
        assert chunk.sent_s >= chunk.due_s - 0.001, "not before"
    assert gateway.metrics.chunks[3].due_s - gateway.metrics.chunks[0].due_s > 0.2


async def test_late_chunks_are_marked_not_dropped(start_gateway: StartGateway) -> None:
    plane = FakeWorldPlane(info=QUICK, faults=FakeFaults(late_s=0.06))
    gateway = await start_gateway(plane=plane)
    chunks = await (await gateway.play()).chunks(8)
    assert [chunk.chunk_index for chunk in chunks] == list(range(8))
    assert chunks[-1].late
    assert [chunk.is_late for chunk in gateway.metrics.chunks[:8]] == [chunk.late for chunk in chunks]


async def test_the_first_frame_is_measured_without_the_clients_own_pause(gateway: Gateway) -> None:
    created = await gateway.create()
    await asyncio.sleep(0.4)
    started_s = time.monotonic()
    await (await gateway.play(created)).chunks(2)
    elapsed_s = time.monotonic() - started_s
    (measured_s,) = gateway.metrics.first_frame_s
    assert 0 < measured_s < 0.4 + elapsed_s


async def test_two_sessions_do_not_mix(gateway: Gateway) -> None:
    first, second = await gateway.play(), await gateway.play()
    await asyncio.gather(first.chunks(5), second.chunks(5))
    await first.control("only-first", directive=control_pb2.Directive(text="rain"))
    await first.terminal("only-first")
    await second.chunks(5)
    assert not [message for message in second.backlog if message.HasField("ack")]
    assert [len(link.received) for link in gateway.plane.links] == [1, 0]


async def test_a_worker_that_is_lost_ends_the_session_in_words(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=QUICK, faults=FakeFaults(lose_worker_at_chunk=3)))
    created = await gateway.create()
    call = await gateway.play(created)
    messages = await call.rest()
    assert messages[-1].ended.session.end_reason == session_pb2.END_REASON_WORKER_LOST
    assert (await call.status()).value[0] == 0
    assert (await gateway.state(created)).state == session_pb2.SESSION_STATE_ENDED
    assert gateway.plane.num_open == 0


async def test_controls_under_way_are_settled_when_the_session_ends(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=fake_info(frame_rate=2.0, samples_per_chunk=8_000)))
    created = await gateway.create()
    call = await gateway.play(created)
    await call.chunks(1)
    await call.control("pending", directive=control_pb2.Directive(text="rain"))
    await call.ack("pending")
    await gateway.end(created)
    messages = await call.rest()
    assert [message.WhichOneof("message") for message in messages][-2:] == ["ack", "ended"]
    assert messages[-2].ack.rejected.error.reason == error_pb2.ERROR_REASON_SESSION_ENDED


async def test_an_ended_stream_waits_for_the_client_to_close_first(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "LINGER_S", 60.0)
    created = await gateway.create()
    call = await gateway.play(created)
    await call.chunks(1)
    await gateway.end(created)
    while (await call.raw.read()).WhichOneof("message") != "ended":
        pass
    await asyncio.sleep(0.1)
    await call.send(credit=session_pb2.Credit(chunks=1))  # it was on its way when the end came
    await call.raw.done_writing()
    assert (await call.status()).value[0] == 0
