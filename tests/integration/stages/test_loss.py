"""What is left when one side of a session is suddenly gone."""

from __future__ import annotations

import asyncio

import pytest

from serving.errors import CapacityExhaustedError, WorkerUnavailableError
from serving.sessions.contract import LinkEnded
from serving.stages.pipe import Pipe, connect_pipe
from serving.stages.placement import Placement, StaticPlacer
from serving.stages.remote import RemotePlane, Run
from serving.stages.stage import DECODERS
from serving.stages.transformer import DecoderPlace
from serving.wire import plane_pb2 as wire
from tests.fakes_model import INFO, FakeModel
from tests.integration.stages.conftest import Rig, remote_rig
from tests.integration.stages.play import WAIT_S, eventually, spec, take_all, take_chunks


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
        assert isinstance(link._port, Run)
        link._port.close()  # as a killed process would: no goodbye
        await eventually(lambda: rig.num_used_slots == 0 and rig.num_decoder_sessions == 0)


async def test_a_lost_decoder_worker_ends_the_link_and_frees_the_slot() -> None:
    async with remote_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.grant(50)
        await take_chunks(link, 2)
        server = rig.decoders[0]._stage_server
        assert server is not None
        await server.close()
        await assert_lost(rig, link)
        await eventually(lambda: rig.num_used_slots == 0)


async def test_a_lost_transformer_worker_ends_the_link_and_frees_the_caches() -> None:
    async with remote_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.grant(50)
        await take_chunks(link, 2)
        server = rig.transformer._stage_server
        assert server is not None
        await server.close()
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
            transformer=rig.transformer.stream_address,
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
        server = rig.decoders[0]._stage_server
        assert server is not None
        await server.close()
        with pytest.raises(WorkerUnavailableError):
            await rig.plane.open(spec())
        await eventually(lambda: rig.num_used_slots == 0)


@pytest.mark.parametrize(
    "request_", [wire.RunRequest(), wire.RunRequest(grant=1), wire.RunRequest(close=wire.Close())], ids=str
)
async def test_a_run_must_begin_with_open(request_: wire.RunRequest) -> None:
    async with remote_rig(FakeModel()) as rig:
        assert await answers(rig, wire.StreamRequest(run=request_)) == []


async def test_a_run_is_opened_once() -> None:
    async with remote_rig(FakeModel()) as rig:
        opening = wire.StreamRequest(run=wire.RunRequest(open=wire.Open(session_id="a", seed=1)))
        told = [wire.StreamResponse.FromString(data).run for data in await answers(rig, opening, opening)]
        assert [each.WhichOneof("message") for each in told] in ([], ["opened"])  # as quick as it was
        await eventually(lambda: rig.num_used_slots == 0)


async def test_a_worker_that_has_no_transformer_takes_no_run() -> None:
    async with remote_rig(FakeModel()) as rig:
        opening = wire.StreamRequest(run=wire.RunRequest(open=wire.Open(session_id="a", seed=1)))
        assert await answers(rig, opening, to=rig.decoders[0].stream_address) == []


async def test_a_full_worker_refuses_a_run_and_says_why() -> None:
    async with remote_rig(FakeModel(), num_slots=1) as rig:
        await rig.plane.open(spec("first"))
        with pytest.raises(CapacityExhaustedError, match="slot"):
            await rig.plane.open(spec("second"))


async def test_an_ended_session_closes_its_connection_once_its_slot_is_free() -> None:
    async with remote_rig(FakeModel()) as rig:
        link = await rig.plane.open(spec())
        await link.close()
        assert rig.num_used_slots == 0


class _Recorder:
    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.is_lost = asyncio.Event()

    def received(self, stream: Pipe, data: bytes) -> None:
        self.messages.append(data)

    def lost(self) -> None:
        self.is_lost.set()


async def answers(rig: Rig, *requests: wire.StreamRequest, to: str = "") -> list[bytes]:
    """What a worker says until it hangs up."""
    recorder = _Recorder()
    pipe = await connect_pipe(to or rig.transformer.stream_address, recorder)
    for request in requests:
        pipe.send(request)
    async with asyncio.timeout(WAIT_S):
        await recorder.is_lost.wait()
    return recorder.messages


async def test_a_snapshot_that_is_none_is_refused() -> None:
    async with remote_rig(FakeModel()) as rig:
        with pytest.raises(WorkerUnavailableError, match="safetensors|snapshot|header"):
            await rig.plane.open(spec(), snapshot=b"nonsense")
        assert rig.num_used_slots == 0
