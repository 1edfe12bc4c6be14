"""A world over a real connection: verbs settle, chunks flow by credit, nothing hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import numpy as np
import pytest

import nacre
from nacre.credit import RESERVE_CHUNKS
from nacre.pending import MAX_PENDING
from nacre.v1 import control_pb2, error_pb2, session_pb2
from tests.unit.sdk.scripted_service import (
    CHUNK_S,
    HEIGHT_PX,
    SAMPLES_PER_CHUNK,
    TOKEN,
    WIDTH_PX,
    Attachment,
    Script,
    ScriptedService,
    duration,
    forever,
    serve,
)

ACCEPTED = control_pb2.Accepted()


async def play(
    *scripts: Script, body: Callable[[nacre.World, ScriptedService], Awaitable[None]], **options: object
) -> ScriptedService:
    """Enter a world of a service that follows `scripts`, and do `body` in it."""
    service = ScriptedService(scripts=list(scripts))
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        session = await client.create(prompt="x")
        async with session.enter(**options) as world:  # pyright: ignore[reportArgumentType]
            await body(world, service)
    return service


async def stay(attachment: Attachment) -> None:
    await attachment.answer()
    await asyncio.Event().wait()


# --- chunks ---


async def test_chunks_come_with_frames_sound_and_pose() -> None:
    async def body(world: nacre.World, service: ScriptedService) -> None:
        first, second = await anext(world), await anext(world)
        assert (first.index, second.index) == (0, 1)
        assert (first.is_late, second.is_late) == (False, True)
        assert second.world_time_s == pytest.approx(CHUNK_S)
        assert second.pose == nacre.Pose(x_m=1.0, y_m=0.0, yaw_deg=90.0, pitch_deg=0.0)
        assert second.received_s >= first.received_s
        (frame,) = second.frames
        assert (frame.index, frame.is_keyframe) == (1, False)
        assert frame.presentation_time_s == pytest.approx(CHUNK_S)
        assert np.array_equal(frame.rgb, np.full((HEIGHT_PX, WIDTH_PX, 3), 1, np.uint8))
        assert second.sound is not None
        assert np.array_equal(second.sound.samples, np.ones((SAMPLES_PER_CHUNK, 1), np.float32))

    service = await play(forever, body=body, video="rgb", audio="pcm")
    assert service.attachments[0].attach.resume_token == TOKEN


async def test_encoded_media_is_not_taken_for_arrays() -> None:
    async def body(world: nacre.World, service: ScriptedService) -> None:
        chunk = await anext(world)
        with pytest.raises(ValueError, match="encoded"):
            _ = chunk.frames[0].rgb
        assert chunk.sound is not None
        with pytest.raises(ValueError, match="Opus"):
            _ = chunk.sound.samples

    await play(forever, body=body)


async def test_a_consumer_that_takes_nothing_is_sent_no_more_than_its_buffer() -> None:
    async def body(world: nacre.World, service: ScriptedService) -> None:
        (attachment,) = service.attachments
        while attachment.num_sent < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # time for the service to go on, if it were let
        assert (attachment.num_sent, attachment.grants) == (3, [])
        await anext(world)
        await attachment.wait_for_credit(0)
        for expected in range(1, 40):
            assert (await anext(world)).index == expected
        assert sum(attachment.grants) <= 40

    await play(forever, body=body, buffer_chunks=3)


async def test_a_chunk_that_was_not_granted_is_a_breach() -> None:
    async def flood(attachment: Attachment) -> None:
        await attachment.answer()
        for index in range(50):
            await attachment.force_chunk(index)
        await asyncio.Event().wait()

    async def body(world: nacre.World, service: ScriptedService) -> None:
        num_chunks = 0
        with pytest.raises(nacre.ProtocolError, match="not granted"):
            while True:
                await anext(world)
                num_chunks += 1
                await asyncio.sleep(0.2)
        assert num_chunks == 4

    await play(flood, body=body)


# --- verbs ---


async def test_every_verb_sends_its_control() -> None:
    async def body(world: nacre.World, service: ScriptedService) -> None:
        (attachment,) = service.attachments
        world.move(forward=1.0, strafe=-0.5)
        world.look(yaw=0.5)
        world.say("night falls")
        world.show(b"picture")
        world.perspective("third_person")
        world.camera("push_in")
        controls = [await attachment.control() for _ in range(6)]
        assert (controls[0].move.forward, controls[0].move.strafe) == (1.0, -0.5)
        assert (controls[1].look.yaw, controls[1].look.pitch) == (0.5, 0.0)
        assert controls[2].directive.text == "night falls"
        assert controls[3].image.data == b"picture"
        assert controls[4].perspective.perspective == 2
        assert controls[5].camera.kind == control_pb2.CAMERA_MOVE_KIND_PUSH_IN
        assert len({control.control_id for control in controls}) == 6

    await play(stay, body=body)


async def test_a_word_that_names_no_perspective_is_refused_at_once() -> None:
    async def body(world: nacre.World, service: ScriptedService) -> None:
        with pytest.raises(ValueError, match="first_person, third_person"):
            world.perspective("sideways")
        with pytest.raises(ValueError, match="pan_left"):
            world.camera("unspecified")

    await play(stay, body=body)


async def test_a_receipt_settles_in_two_phases() -> None:
    proceed = asyncio.Event()

    async def script(attachment: Attachment) -> None:
        await attachment.answer()
        control = await attachment.control()
        await attachment.acknowledge(control.control_id, accepted=ACCEPTED)
        await proceed.wait()
        applied = control_pb2.Applied(chunk_index=3, frame_index=12, world_time=duration(0.24))
        await attachment.acknowledge(control.control_id, applied=applied)
        await asyncio.Event().wait()

    async def body(world: nacre.World, service: ScriptedService) -> None:
        receipt = world.say("it starts to rain")
        await receipt.accepted
        assert not receipt.is_settled
        assert receipt.outcome is None
        proceed.set()
        outcome = await receipt
        assert outcome == nacre.Applied(control_id=receipt.control_id, chunk_index=3, frame_index=12, world_time_s=0.24)
        assert await receipt is outcome, "it can be awaited again"
        assert receipt.outcome is outcome

    await play(script, body=body)


async def test_a_control_may_be_superseded() -> None:
    async def script(attachment: Attachment) -> None:
        await attachment.answer()
        first, second = await attachment.control(), await attachment.control()
        superseded = control_pb2.Superseded(by_control_id=second.control_id)
        await attachment.acknowledge(first.control_id, superseded=superseded)
        await asyncio.Event().wait()

    async def body(world: nacre.World, service: ScriptedService) -> None:
        first, second = world.move(forward=1.0), world.move(forward=0.0)
        expected = nacre.Superseded(control_id=first.control_id, by_control_id=second.control_id)
        assert await first == expected

    await play(script, body=body)


async def test_a_rejected_control_tells_why_and_the_world_goes_on() -> None:
    async def script(attachment: Attachment) -> None:
        await attachment.answer()
        control = await attachment.control()
        error = error_pb2.Error(
            reason=error_pb2.ERROR_REASON_CONTROL_UNSUPPORTED,
            message="this model has no camera",
            field="control.camera",
            allowed=["move", "directive"],
        )
        await attachment.acknowledge(control.control_id, rejected=control_pb2.Rejected(error=error))
        await attachment.send_chunk(0)
        await asyncio.Event().wait()

    async def body(world: nacre.World, service: ScriptedService) -> None:
        receipt = world.camera("orbit")
        with pytest.raises(nacre.ControlRejected) as caught:
            await receipt
        assert (caught.value.reason, caught.value.field) == ("CONTROL_UNSUPPORTED", "control.camera")
        assert caught.value.allowed == ("move", "directive")
        with pytest.raises(nacre.ControlRejected):
            await receipt.accepted
        assert (await anext(world)).index == 0

    await play(script, body=body)


async def test_giving_up_waiting_leaves_the_receipt_to_others() -> None:
    proceed = asyncio.Event()

    async def script(attachment: Attachment) -> None:
        await attachment.answer()
        control = await attachment.control()
        await proceed.wait()
        await attachment.acknowledge(control.control_id, applied=control_pb2.Applied())
        await asyncio.Event().wait()

    async def body(world: nacre.World, service: ScriptedService) -> None:
        receipt = world.say("x")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await receipt
        proceed.set()
        assert isinstance(await receipt, nacre.Applied)

    await play(script, body=body)


async def test_an_awaited_outcome_does_not_hang_on_a_full_buffer() -> None:
    """The service applies only at a later chunk, while nobody takes chunks."""

    async def script(attachment: Attachment) -> None:
        await attachment.answer()
        for index in range(2):
            await attachment.send_chunk(index)
        control = await attachment.control()
        for index in range(2, 5):
            await attachment.send_chunk(index)
        await attachment.acknowledge(control.control_id, applied=control_pb2.Applied(chunk_index=5))
        await asyncio.Event().wait()

    async def body(world: nacre.World, service: ScriptedService) -> None:
        assert isinstance(await world.say("x"), nacre.Applied)
        assert [(await anext(world)).index for _ in range(5)] == list(range(5)), "no chunk was dropped"

    await play(script, body=body, buffer_chunks=2)


async def test_more_controls_than_may_be_pending_settle_at_once() -> None:
    async def body(world: nacre.World, service: ScriptedService) -> None:
        receipts = [world.move(forward=1.0) for _ in range(MAX_PENDING + 1)]
        assert not any(receipt.is_settled for receipt in receipts[:-1])
        with pytest.raises(nacre.LimitReached):
            await receipts[-1]

    await play(stay, body=body)


# --- endings ---


async def test_iteration_stops_when_the_session_was_ended_on_request() -> None:
    async def script(attachment: Attachment) -> None:
        await attachment.answer()
        await attachment.send_chunk(0)
        await attachment.end(session_pb2.END_REASON_REQUESTED)

    async def body(world: nacre.World, service: ScriptedService) -> None:
        receipt = world.say("too late")
        assert [chunk.index async for chunk in world] == [0]
        with pytest.raises(nacre.SessionEnded) as caught:
            await receipt
        assert caught.value.reason == "REQUESTED"
        with pytest.raises(nacre.SessionEnded):
            await world.say("later still")

    await play(script, body=body)


async def test_a_session_lost_by_the_service_is_told_while_iterating() -> None:
    async def script(attachment: Attachment) -> None:
        await attachment.answer()
        await attachment.write(
            session_pb2.PlayResponse(
                go_away=session_pb2.GoAway(reason=session_pb2.END_REASON_SERVICE_STOPPING, time_left=duration(2.5))
            )
        )
        await attachment.send_chunk(0)
        await attachment.end(session_pb2.END_REASON_SERVICE_STOPPING)

    async def body(world: nacre.World, service: ScriptedService) -> None:
        assert (await anext(world)).index == 0
        assert world.go_away == nacre.GoAway(reason="service_stopping", time_left_s=2.5)
        with pytest.raises(nacre.SessionEnded) as caught:
            await anext(world)
        assert caught.value.reason == "SERVICE_STOPPING"
        assert world.end is caught.value

    await play(script, body=body)


async def test_leaving_settles_what_is_pending_and_ends_other_consumers() -> None:
    taken: list[nacre.Chunk] = []
    receipts: list[nacre.Receipt] = []

    async def consume(world: nacre.World) -> None:
        taken.extend([chunk async for chunk in world])

    async def body(world: nacre.World, service: ScriptedService) -> None:
        receipts.append(world.say("x"))
        consumer = asyncio.create_task(consume(world))
        consumers.append(consumer)
        await asyncio.sleep(0)

    consumers: list[asyncio.Task[None]] = []
    await play(stay, body=body)
    with pytest.raises(nacre.Detached):
        await receipts[0]
    await asyncio.wait_for(consumers[0], 10)
    assert taken == []


async def test_a_service_that_vanishes_loses_the_connection() -> None:
    service = ScriptedService(scripts=[forever])
    async with asyncio.timeout(30), serve(service) as (server, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter() as world:
            await anext(world)
            receipt = world.say("never answered")
            await server.stop(None)
            with pytest.raises(nacre.ConnectionLost):
                async for _ in world:
                    pass
            with pytest.raises(nacre.ConnectionLost):
                await receipt


async def test_closing_the_client_lets_go_of_its_worlds() -> None:
    service = ScriptedService(scripts=[stay])
    async with asyncio.timeout(30), serve(service) as (_, port):
        client = nacre.connect(f"127.0.0.1:{port}")
        async with (await client.create(prompt="x")).enter() as world:
            receipt = world.say("x")
            await client.close()
            with pytest.raises(nacre.Detached):
                await receipt
            assert [chunk async for chunk in world] == []


async def test_a_refused_attachment_is_typed() -> None:
    async def refuse(attachment: Attachment) -> None:
        await attachment.abort(grpc.StatusCode.PERMISSION_DENIED, "RESUME_TOKEN_INVALID")

    async def body(world: nacre.World, service: ScriptedService) -> None:
        raise AssertionError("must not be entered")

    with pytest.raises(nacre.PermissionDenied) as caught:
        await play(refuse, body=body)
    assert caught.value.reason == "RESUME_TOKEN_INVALID"


async def test_a_service_that_does_not_answer_the_attachment_times_out() -> None:
    async def silent(attachment: Attachment) -> None:
        await asyncio.Event().wait()

    async def body(world: nacre.World, service: ScriptedService) -> None:
        raise AssertionError("must not be entered")

    with pytest.raises(nacre.Timeout, match="attachment"):
        await play(silent, body=body, attach_timeout_s=0.1)


async def test_an_error_in_the_body_comes_out_as_it_is() -> None:
    async def body(world: nacre.World, service: ScriptedService) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await play(forever, body=body)


@pytest.mark.parametrize("options", [{"video": "av1"}, {"audio": "mp3"}, {"buffer_chunks": 17}])
async def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    async with nacre.connect("127.0.0.1:1") as client:
        with pytest.raises(ValueError, match="must be"):
            client.session("s-1", TOKEN).enter(**options)  # pyright: ignore[reportArgumentType]


# --- scripts that only say things ---


async def obey(attachment: Attachment) -> None:
    """Chunks for ever, each of them a boundary; a control takes effect four chunks after it came."""
    await attachment.answer()
    index = 0
    while True:
        control = await attachment.control()
        await attachment.acknowledge(control.control_id, accepted=ACCEPTED)
        for _ in range(4):
            await attachment.send_chunk(index)
            index += 1
        await attachment.acknowledge(control.control_id, applied=control_pb2.Applied(chunk_index=index))


async def test_a_script_that_only_says_things_hears_of_all_of_them() -> None:
    async def body(world: nacre.World, service: ScriptedService) -> None:
        applied = [await world.say(f"line {number}") for number in range(25)]
        assert [each.chunk_index for each in applied if isinstance(each, nacre.Applied)] == list(range(4, 104, 4))
        held = 4 + RESERVE_CHUNKS
        assert world.num_dropped == pytest.approx(100 - held, abs=1), "no more is held than before"
        kept = [(await anext(world)).index for _ in range(held - 1)]
        assert kept == list(range(100 - held + 1, 100)), "the newest, in a row"
        while not service.attachments[0].num_wishes:
            await asyncio.sleep(0.01)

    await play(obey, body=body)


async def test_whoever_has_begun_to_iterate_loses_no_chunk() -> None:
    async def body(world: nacre.World, service: ScriptedService) -> None:
        await world.say("to begin with")
        taken = [(await anext(world)).index]
        for number in range(3):
            await world.say(f"line {number}")
        stuck = asyncio.ensure_future(asyncio.wait_for(world.say("one too many"), 0.5))
        with pytest.raises(TimeoutError):
            await stuck
        attachment = service.attachments[0]
        while len(taken) < attachment.num_sent:
            taken.append((await anext(world)).index)
        assert taken == list(range(len(taken)))
        assert (world.num_dropped, attachment.num_wishes) == (0, 0)

    await play(obey, body=body)


async def test_a_stream_that_ended_for_want_of_credit_says_what_to_do() -> None:
    async def give_up(attachment: Attachment) -> None:
        await attachment.answer()
        await attachment.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "CLIENT_STALLED")

    async def body(world: nacre.World, service: ScriptedService) -> None:
        with pytest.raises(nacre.Timeout, match="iterate the world") as caught:
            await world.say("hello")
        assert caught.value.reason == "CLIENT_STALLED"

    await play(give_up, body=body)


async def test_a_world_that_was_not_entered_says_how() -> None:
    async with nacre.connect("127.0.0.1:1") as client:
        world = client.session("s-1", TOKEN).enter()
        for use in (lambda: world.say("x"), lambda: world.capabilities, lambda: world.format):
            with pytest.raises(RuntimeError, match="async with"):
                use()
        with pytest.raises(RuntimeError, match="async with"):
            await anext(world)
