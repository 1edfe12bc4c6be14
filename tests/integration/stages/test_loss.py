"""What is left when one side of a session is suddenly gone."""

from __future__ import annotations

import asyncio

import grpc.aio
import pytest

from serving.errors import WorkerUnavailableError
from serving.sessions.contract import LinkEnded
from serving.stages.channels import Channels
from serving.stages.placement import Placement, StaticPlacer
from serving.stages.remote import RemotePlane
from serving.stages.stage import DECODERS
from serving.stages.transformer import DecoderPlace
from serving.wire import plane_pb2 as wire
from serving.wire import plane_pb2_grpc as wire_grpc
from tests.fakes_model import INFO, FakeModel
from tests.integration.stages.conftest import Rig, remote_rig
from tests.integration.stages.play import eventually, spec, take_all, take_chunks


async def assert_lost(rig: Rig, link) -> None:
    ended = (await take_all(link))[-1]
    assert isinstance(ended, LinkEnded)
    assert ended.reason == "WORKER_LOST"
    assert ended.message


async def test_a_gateway_that_vanishes_frees_the_slot_and_the_caches() -> None:
    async with remote_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        assert isinstance(rig.plane, RemotePlane)
        await link.grant(5)
        await take_chunks(link, 2)
        assert (rig.num_used_slots, rig.num_decoder_sessions) == (1, 1)
        await rig.plane._channels.close()  # as a killed process would: no half-close, no goodbye
        await eventually(lambda: rig.num_used_slots == 0 and rig.num_decoder_sessions == 0)


async def test_a_lost_decoder_worker_ends_the_link_and_frees_the_slot() -> None:
    async with remote_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.grant(50)
        await take_chunks(link, 2)
        server = rig.decoders[0]._decoder_server
        assert server is not None
        await server.close()
        await assert_lost(rig, link)
        await eventually(lambda: rig.num_used_slots == 0)


async def test_a_lost_transformer_worker_ends_the_link_and_frees_the_caches() -> None:
    async with remote_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.grant(50)
        await take_chunks(link, 2)
        server = rig.transformer._server
        assert server is not None
        await server.stop(grace=None)
        await assert_lost(rig, link)
        await eventually(lambda: rig.num_decoder_sessions == 0)


async def test_a_worker_that_stops_in_order_says_so() -> None:
    async with remote_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await rig.transformer.close()
        ended = (await take_all(link))[-1]
        assert isinstance(ended, LinkEnded)
        assert ended.reason == "SERVICE_STOPPING"


async def test_workers_that_are_not_there_are_an_error_of_ours() -> None:
    nowhere = "127.0.0.1:1"
    decoders = (DecoderPlace(address=nowhere, stages=DECODERS),)
    placement = Placement(encoder=nowhere, transformer=nowhere, decoders=decoders)
    async with RemotePlane(INFO, StaticPlacer(placement)) as plane:
        for prompt in ("in words", ""):
            with pytest.raises(WorkerUnavailableError):
                await plane.open(spec(prompt=prompt))


async def test_a_session_whose_decoder_is_not_there_gives_its_slot_back() -> None:
    async with remote_rig(FakeModel()) as rig:
        placement = Placement(
            encoder="127.0.0.1:1",
            transformer=rig.transformer.address,
            decoders=(DecoderPlace(address="127.0.0.1:1", stages=DECODERS),),
        )
        async with RemotePlane(INFO, StaticPlacer(placement)) as plane:
            with pytest.raises(WorkerUnavailableError):
                await plane.open(spec(prompt=""))
        await eventually(lambda: rig.num_used_slots == 0)


async def test_a_reservation_nobody_claims_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.stages.transformer.RESERVATION_TIMEOUT_S", 0.1)
    async with remote_rig(FakeModel(), num_slots=1) as rig:
        assert rig.transformer.transformer is not None
        rig.transformer.transformer.reserve("nobody")
        assert rig.num_used_slots == 1
        await eventually(lambda: rig.num_used_slots == 0)


async def test_a_reservation_that_is_claimed_does_not_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.stages.transformer.RESERVATION_TIMEOUT_S", 0.1)
    async with remote_rig(FakeModel(), num_slots=1) as rig:
        assert rig.transformer.transformer is not None
        rig.transformer.transformer.reserve("claimed")
        await rig.plane.open(spec("claimed"))
        await asyncio.sleep(0.2)
        assert rig.num_used_slots == 1


async def test_a_decoder_gone_before_its_session_opens_is_an_error_of_ours() -> None:
    async with remote_rig(FakeModel()) as rig:
        server = rig.decoders[0]._decoder_server
        assert server is not None
        await server.close()
        with pytest.raises(WorkerUnavailableError):
            await rig.plane.open(spec())
        await eventually(lambda: rig.num_used_slots == 0)


@pytest.mark.parametrize("requests", [[], [wire.RunRequest(grant=1)]], ids=["nothing", "grant"])
async def test_a_run_stream_must_begin_with_open(requests: list[wire.RunRequest]) -> None:
    async with remote_rig(FakeModel()) as rig:
        channels = Channels()
        call = wire_grpc.TransformerServiceStub(channels.to(rig.transformer.address)).Run(iter(requests))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        await channels.close()


async def test_a_snapshot_that_is_none_is_refused() -> None:
    async with remote_rig(FakeModel()) as rig:
        with pytest.raises(WorkerUnavailableError, match="safetensors|snapshot|header"):
            await rig.plane.open(spec(), snapshot=b"nonsense")
        assert rig.num_used_slots == 0
