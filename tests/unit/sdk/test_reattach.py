"""A world over more than one connection."""

from __future__ import annotations

import asyncio

import grpc
import pytest

import nacre
from nacre.pending import CHUNKS_TO_LEARN_OUTCOME
from nacre.v1 import control_pb2, error_pb2
from tests.unit.sdk.scripted_service import GUEST_TOKEN, TOKEN, Attachment, Script, ScriptedService, serve

FAST = nacre.ResumePolicy(max_attempts=3, first_delay_s=0.01, max_delay_s=0.02)


def breaks_after(num_chunks: int, first_index: int = 0) -> Script:
    async def script(attachment: Attachment) -> None:
        await attachment.answer(first_index)
        for index in range(first_index, first_index + num_chunks):
            await attachment.send_chunk(index)
        await attachment.break_connection()

    return script


def goes_on_from(first_index: int, ack_in_doubt: Script | None = None) -> Script:
    async def script(attachment: Attachment) -> None:
        await attachment.answer(first_index)
        if ack_in_doubt is not None:
            await ack_in_doubt(attachment)
        for index in range(first_index, 1_000):
            await attachment.send_chunk(index)

    return script


async def refuse_as_controlled(attachment: Attachment) -> None:
    await attachment.abort(grpc.StatusCode.FAILED_PRECONDITION, "SESSION_CONTROLLED", retry_after_s=0.01)


async def refuse_as_unknown(attachment: Attachment) -> None:
    await attachment.abort(grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")


async def test_a_world_resumes_by_itself_with_its_token() -> None:
    service = ScriptedService(scripts=[breaks_after(3), refuse_as_controlled, goes_on_from(3)])
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter(resume=FAST) as world:
            indices = [(await anext(world)).index for _ in range(10)]
            assert indices == list(range(10))
            assert world.num_attachments == 2
            assert world.next_chunk_index == 3
    assert [attachment.attach.resume_token for attachment in service.attachments] == [TOKEN] * 3
    assert [attachment.attach.next_chunk_index for attachment in service.attachments] == [0, 3, 3]
    guest_tokens = [attachment.attach.guest_token for attachment in service.attachments]
    assert guest_tokens == ["", GUEST_TOKEN, GUEST_TOKEN], "one whom a link let in comes back as itself"


async def test_without_resume_the_loss_is_told_and_the_session_can_be_entered_again() -> None:
    service = ScriptedService(scripts=[breaks_after(1), goes_on_from(1)])
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        session = await client.create(prompt="x")
        async with session.enter() as world:
            assert (await anext(world)).index == 0
            with pytest.raises(nacre.ConnectionLost):
                await anext(world)
        async with client.session(session.id, session.resume_token).enter() as world:
            assert (await anext(world)).index == 1


async def test_attempts_are_bounded() -> None:
    service = ScriptedService(scripts=[breaks_after(1), refuse_as_controlled])
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter(resume=FAST) as world:
            await anext(world)
            with pytest.raises(nacre.Conflict):
                await anext(world)
    assert len(service.attachments) == 1 + FAST.max_attempts


async def test_a_connection_that_keeps_bringing_chunks_may_break_for_ever() -> None:
    breaking = [breaks_after(1, first_index=index) for index in range(8)]
    service = ScriptedService(scripts=[*breaking, goes_on_from(8)])
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter(resume=FAST) as world:
            assert [(await anext(world)).index for _ in range(9)] == list(range(9))


async def test_what_cannot_be_resumed_is_told_at_once() -> None:
    service = ScriptedService(scripts=[breaks_after(1), refuse_as_unknown])
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter(resume=FAST) as world:
            receipt = world.say("x")
            await anext(world)
            with pytest.raises(nacre.NotFound):
                await anext(world)
            with pytest.raises(nacre.NotFound):
                await receipt
    assert len(service.attachments) == 2


async def listen_then_break(attachment: Attachment) -> None:
    await attachment.answer()
    await attachment.control()
    await attachment.break_connection()


async def test_an_outcome_told_on_the_next_attachment_settles_the_receipt_and_nothing_is_resent() -> None:
    service = ScriptedService()

    async def tell(attachment: Attachment) -> None:
        (control,) = service.attachments[0].controls
        await attachment.acknowledge(control.control_id, applied=control_pb2.Applied(chunk_index=2))

    service.scripts = [listen_then_break, goes_on_from(2, tell)]
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter(resume=FAST) as world:
            outcome = await world.say("it starts to rain")
            assert isinstance(outcome, nacre.Applied)
            assert outcome.chunk_index == 2
    assert service.attachments[1].controls == []


async def test_whoever_comes_back_asks_for_what_it_never_heard_and_for_nothing_else() -> None:
    service = ScriptedService()

    async def refuse(attachment: Attachment) -> None:
        (control_id,) = attachment.attach.unanswered_control_ids
        error = error_pb2.Error(reason=error_pb2.ERROR_REASON_CONTROL_LOST, message="lost on its way")
        await attachment.acknowledge(control_id, rejected=control_pb2.Rejected(error=error))

    async def settle_the_first(attachment: Attachment) -> None:
        await attachment.answer()
        control = await attachment.control()
        await attachment.acknowledge(control.control_id, applied=control_pb2.Applied(chunk_index=0))
        await attachment.control()
        await attachment.break_connection()

    service.scripts = [settle_the_first, goes_on_from(2, refuse)]
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter(resume=FAST) as world:
            await world.say("it starts to rain")
            receipt = world.say("it snows")
            with pytest.raises(nacre.ControlRejected) as rejected:
                await receipt
            assert rejected.value.reason == "CONTROL_LOST"
    assert list(service.attachments[0].attach.unanswered_control_ids) == []
    assert list(service.attachments[1].attach.unanswered_control_ids) == [receipt.control_id]


async def test_what_the_service_says_it_has_is_waited_for() -> None:
    service = ScriptedService()

    async def has_it(attachment: Attachment) -> None:
        (control,) = service.attachments[0].controls
        await attachment.acknowledge(control.control_id, accepted=control_pb2.Accepted())
        for index in range(2 * CHUNKS_TO_LEARN_OUTCOME):
            await attachment.send_chunk(index)
        await attachment.acknowledge(control.control_id, applied=control_pb2.Applied(chunk_index=20))

    service.scripts = [listen_then_break, goes_on_from(2 * CHUNKS_TO_LEARN_OUTCOME, has_it)]
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter(resume=FAST) as world:
            receipt = world.say("it starts to rain")
            for _ in range(2 * CHUNKS_TO_LEARN_OUTCOME + 1):
                await anext(world)
            assert isinstance(await receipt, nacre.Applied)


async def test_an_outcome_lost_with_the_connection_settles_as_such() -> None:
    service = ScriptedService(scripts=[listen_then_break, goes_on_from(0)])
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter(resume=FAST) as world:
            receipt = world.say("it starts to rain")
            with pytest.raises(nacre.ConnectionLost, match="outcome was lost"):
                await receipt  # while nobody takes a chunk
            indices = [(await anext(world)).index for _ in range(CHUNKS_TO_LEARN_OUTCOME)]
            assert indices == list(range(CHUNKS_TO_LEARN_OUTCOME))


async def test_a_full_buffer_survives_the_loss() -> None:
    service = ScriptedService(scripts=[breaks_after(4), goes_on_from(4)])
    async with asyncio.timeout(30), serve(service) as (_, port), nacre.connect(f"127.0.0.1:{port}") as client:
        async with (await client.create(prompt="x")).enter(resume=FAST) as world:
            while world.num_attachments < 2:
                await asyncio.sleep(0.01)
            assert [(await anext(world)).index for _ in range(20)] == list(range(20))
    assert service.attachments[1].attach.initial_credit == 1
