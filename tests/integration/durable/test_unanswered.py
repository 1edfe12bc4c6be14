"""Controls whose outcome was lost with a connection or a gateway: whoever comes back learns it, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import grpc.aio
import pytest

import nacre
from nacre.v1 import control_pb2, error_pb2, session_pb2, session_pb2_grpc
from tests.fakes_model import INFO
from tests.integration.durable.harness import TIMEOUT_S, Service, service

FAST = replace(INFO, frame_rate=125.0, sample_rate_hz=160_000)
CREDIT = 16


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Service]:
    async with service(tmp_path, num_workers=1, info=FAST) as running:
        yield running


class Line:
    """A client that asks for what it likes."""

    def __init__(self, call: grpc.aio.StreamStreamCall) -> None:
        self._call = call
        self.acks: dict[str, list[control_pb2.Ack]] = {}

    async def say(self, control_id: str, text: str, chunk_idx: int | None = None) -> None:
        control = control_pb2.Control(control_id=control_id, directive=control_pb2.Directive(text=text))
        if chunk_idx is not None:
            control.schedule.at_chunk_index = chunk_idx
        await self._call.write(session_pb2.PlayRequest(control=control))

    async def until_told(self, *control_ids: str, outcomes: tuple[str, ...] = ("applied", "rejected")) -> None:
        """Until each has one of these outcomes."""
        async with asyncio.timeout(TIMEOUT_S):
            while not all(self._has(each, outcomes) for each in control_ids):
                response = await self._call.read()
                assert isinstance(response, session_pb2.PlayResponse)
                if response.WhichOneof("message") == "ack":
                    self.acks.setdefault(response.ack.control_id, []).append(response.ack)
                if response.WhichOneof("message") == "media":
                    await self._call.write(session_pb2.PlayRequest(credit=session_pb2.Credit(chunks=1)))

    def outcomes(self, control_id: str) -> list[str]:
        return [str(ack.WhichOneof("outcome")) for ack in self.acks.get(control_id, [])]

    def _has(self, control_id: str, outcomes: tuple[str, ...]) -> bool:
        return any(each in outcomes for each in self.outcomes(control_id))

    def drop(self) -> None:
        self._call.cancel()


async def line(kept: Service, channel: grpc.aio.Channel, session: nacre.Session, *unanswered: str) -> Line:
    call = session_pb2_grpc.SessionServiceStub(channel).Play()
    attach = session_pb2.Attach(
        session_id=session.id,
        resume_token=session.resume_token,
        initial_credit=CREDIT,
        client_id="anna",
        unanswered_control_ids=unanswered,
    )
    await call.write(session_pb2.PlayRequest(attach=attach))
    async with asyncio.timeout(TIMEOUT_S):
        response = await call.read()
    assert isinstance(response, session_pb2.PlayResponse)
    assert response.WhichOneof("message") == "attached"
    return Line(call)


async def test_x05_whoever_comes_back_learns_what_became_of_every_control(kept: Service) -> None:
    """Parked and woken, the session is new to its gateway: it knows from the record alone."""
    session = await kept.client.create(prompt="a quiet street", seed=5)
    async with grpc.aio.insecure_channel(kept.server.address) as channel:
        first = await line(kept, channel, session)
        await first.say("done", "it rains")
        await first.say("waits", "it snows", chunk_idx=100_000)
        await first.until_told("done")
        await first.until_told("waits", outcomes=("accepted",))
        first.drop()
        await session.park()
        second = await line(kept, channel, session, "done", "waits", "never")
        await second.until_told("done", "never")
        await second.until_told("waits", outcomes=("accepted",))
        [again], [before] = second.acks["done"], first.acks["done"][-1:]
        assert before.applied.understood.phrases, "which is not on record"
        before.applied.ClearField("understood")
        assert again.applied == before.applied
        assert second.acks["never"][0].rejected.error.reason == nacre_reason("CONTROL_LOST")
        await second.say("never", "too late")
        await second.say("next", "night falls")
        await second.until_told("next")
        assert second.outcomes("never") == ["rejected", "rejected"], "what was called lost stays so"
        second.drop()
    await session.end()


async def test_one_that_comes_back_to_its_gateway_learns_it_too(kept: Service) -> None:
    session = await kept.client.create(prompt="a quiet street", seed=5)
    async with grpc.aio.insecure_channel(kept.server.address) as channel:
        first = await line(kept, channel, session)
        await first.say("done", "it rains")
        await first.until_told("done")
        first.drop()
        async with asyncio.timeout(TIMEOUT_S):
            while (await kept.client.session(session.id).state()).state != "detached":
                await asyncio.sleep(0.01)
        second = await line(kept, channel, session, "done", "never")
        await second.until_told("done", "never")
        assert (second.outcomes("done"), second.outcomes("never")) == (["applied"], ["rejected"])
        second.drop()
    await session.end()


async def test_too_many_questions_are_refused(kept: Service) -> None:
    session = await kept.client.create(prompt="a quiet street", seed=5)
    async with grpc.aio.insecure_channel(kept.server.address) as channel:
        call = session_pb2_grpc.SessionServiceStub(channel).Play()
        attach = session_pb2.Attach(
            session_id=session.id,
            resume_token=session.resume_token,
            unanswered_control_ids=[f"c-{idx}" for idx in range(257)],
        )
        await call.write(session_pb2.PlayRequest(attach=attach))
        with pytest.raises(grpc.aio.AioRpcError, match="256"):
            await call.read()
    await session.end()


def nacre_reason(name: str) -> int:
    return error_pb2.ErrorReason.Value(f"ERROR_REASON_{name}")
