"""Many who look on at one session: encoded once, begun at a keyframe, and no trouble to each other."""

from __future__ import annotations

import asyncio
from collections import Counter

import numpy as np
import pytest

from nacre.v1 import control_pb2, error_pb2, session_pb2
from serving.gateway import media_channel
from serving.gateway.media import H264Encoder
from serving.gateway.seats import MAX_WAITING_BYTES, MAX_WAITING_CHUNKS
from tests.fakes import FakeWorldPlane, fake_frames, fake_info
from tests.integration.gateway.harness import RAW, WORLD, Call, Gateway, StartGateway, eventually, refusal
from tests.integration.gateway.test_media import decode_video

# Twice as fast as the embedded model: forty viewers are read in one process here, beside the service.
INFO = fake_info(frame_rate=25.0, samples_per_chunk=640)
VIEWER = session_pb2.CLIENT_ROLE_VIEWER


async def create(gateway: Gateway, policy: int = 0) -> session_pb2.CreateSessionResponse:
    request = session_pb2.CreateSessionRequest(world=WORLD, arbitration=policy)  # type: ignore[arg-type]
    return await gateway.stub.CreateSession(request)


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    return await start_gateway(plane=FakeWorldPlane(info=INFO))


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many encoders there were, and how many chunks they got."""
    counted: Counter[str] = Counter()

    class Counting(H264Encoder):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            counted["encoders"] += 1

        def encode(self, frames_FHWC: np.ndarray, *, begins_with_keyframe: bool = False) -> list:
            counted["chunks"] += 1
            return super().encode(frames_FHWC, begins_with_keyframe=begins_with_keyframe)

    monkeypatch.setattr(media_channel, "make_video_encoder", lambda codec, info, config: Counting(info, config))
    return counted


async def test_p_03_fifty_viewers_cost_one_encoder_and_begin_at_a_keyframe(
    gateway: Gateway, encoded: Counter[str]
) -> None:
    created = await create(gateway)
    player = await gateway.play(created)
    first = await player.chunks(3)
    viewers = [await gateway.play(created, role=VIEWER) for _ in range(50)]
    seeing = asyncio.gather(*(begin(viewer) for viewer in viewers))
    played = first + await player.chunks(30)
    assert [chunk.chunk_index for chunk in played] == list(range(33)), "whoever drives misses nothing"
    begun = await seeing
    for next_idx, chunks in begun:
        assert [chunk.chunk_index for chunk in chunks] == [next_idx, next_idx + 1, next_idx + 2]
        assert chunks[0].frames[0].is_keyframe
        assert [chunk.sequence for chunk in chunks] == [0, 1, 2]
    assert len(decode_video([chunk.frames[0].data for chunk in begun[-1][1]])) == 3
    assert encoded["encoders"] == 1
    assert encoded["chunks"] <= gateway.plane.links[0].num_made
    num_keys = sum(chunk.frames[0].is_keyframe for chunk in played)
    assert num_keys <= 2 + 33 * INFO.chunk_duration_s / 0.5, "a crowd does not make every frame a keyframe"
    state = await gateway.state(created)
    assert Counter(each.role for each in state.participants) == {1: 1, VIEWER: 50}


async def begin(viewer: Call) -> tuple[int, list]:
    attached = await viewer.until("attached")
    assert (attached.role, attached.in_control) == (VIEWER, False)
    return attached.next_chunk_index, await viewer.chunks(3)


async def test_a_late_viewer_starts_within_a_second_of_world_time(gateway: Gateway) -> None:
    created = await create(gateway)
    player = await gateway.play(created)
    for num_chunks in (1, 5, 9):
        now_idx = (await player.chunks(num_chunks))[-1].chunk_index
        viewer = await gateway.play(created, role=VIEWER)
        reading = asyncio.create_task(player.chunks(30))
        attached = await viewer.until("attached")
        [chunk] = await viewer.chunks(1)
        await reading
        # What the gateway showed and the player has not read yet comes on top: its credit.
        assert (attached.next_chunk_index - now_idx - 4) * INFO.chunk_duration_s <= 1.0
        assert chunk.chunk_index == attached.next_chunk_index
        viewer.raw.cancel()


async def test_viewers_that_come_and_go_disturb_nobody(gateway: Gateway) -> None:
    created = await create(gateway)
    player, watching = await gateway.play(created), await gateway.play(created, role=VIEWER)
    played, seen = asyncio.create_task(player.chunks(60)), asyncio.create_task(watching.chunks(50))
    for _ in range(10):
        guest = await gateway.play(created, role=VIEWER, video_codecs=RAW)
        await guest.chunks(1)
        guest.raw.cancel()
    for chunks in (await played, await seen):
        first = chunks[0].chunk_index
        assert [chunk.chunk_index for chunk in chunks] == list(range(first, first + len(chunks)))
    frames = decode_video([chunk.frames[0].data for chunk in await seen])
    assert len(frames) == 50, "their keyframes are frames like any other"


async def test_more_clients_than_a_session_takes_are_told_so(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=INFO), max_clients=2)
    created = await create(gateway)
    player, viewer = await gateway.play(created), await gateway.play(created, role=VIEWER)
    await viewer.until("attached")
    late = await gateway.play(created, role=VIEWER)
    assert (await refusal(late.until("attached"))).reason == "CAPACITY_EXHAUSTED"
    assert await player.chunks(3), "the others play on"


async def test_one_who_stalls_among_ten_holds_little_and_comes_back_to_the_present(gateway: Gateway) -> None:
    created = await create(gateway)
    player = await gateway.play(created)
    await player.chunks(1)
    stalled = await gateway.play(created, role=VIEWER, initial_credit=1, video_codecs=RAW)
    stalled.gives_credit = False
    [first] = await stalled.chunks(1)
    others = [await gateway.play(created, role=VIEWER) for _ in range(9)]
    reading = [asyncio.create_task(other.chunks(40)) for other in others]
    await player.chunks(50)
    for chunks in await asyncio.gather(*reading):
        assert len({chunk.chunk_index for chunk in chunks}) == 40
        assert chunks[-1].chunk_index - chunks[0].chunk_index == 39, "the others miss nothing"
    await stalled.send(credit=session_pb2.Credit(chunks=4))
    ahead = asyncio.create_task(player.chunks(20))
    [again] = await stalled.chunks(1)
    await ahead
    assert again.chunk_index > first.chunk_index + 40, "it is in the present"
    assert again.frames[0].data == fake_frames(INFO, again.chunk_index)[0].tobytes()
    raw_bytes = MAX_WAITING_CHUNKS * len(again.frames[0].data)
    assert min(raw_bytes, MAX_WAITING_BYTES) + 2 * len(again.frames[0].data) < 2 << 20


async def test_i_02_two_clients_send_twenty_controls_a_second_each_in_order(gateway: Gateway) -> None:
    created = await create(gateway, session_pb2.ARBITRATION_POLICY_MERGE)
    players = [await gateway.play(created, client_id=name) for name in ("ann", "bob")]
    reading = [asyncio.create_task(hear(player, 20)) for player in players]
    for idx in range(20):
        for player, name in zip(players, ("ann", "bob"), strict=True):
            await player.control(f"{name}-{idx}", directive=control_pb2.Directive(text=f"rain {idx}"))
        await asyncio.sleep(0.02)
    for heard, name in zip(await asyncio.gather(*reading), ("ann", "bob"), strict=True):
        assert [control_id for control_id, outcome in heard if outcome == "accepted"] == [
            f"{name}-{idx}" for idx in range(20)
        ]
        assert Counter(outcome for _, outcome in heard) == {"accepted": 20, "applied": 20}
    received = [each.control_id for each in gateway.plane.links[0].received]
    for name in ("ann", "bob"):
        assert [each for each in received if each.startswith(name)] == [f"{name}-{idx}" for idx in range(20)]
    senders = {each.sender.client_id for each in gateway.plane.links[0].received if each.sender is not None}
    assert senders == {"ann", "bob"}


async def hear(player: Call, num_controls: int) -> list[tuple[str, str]]:
    heard: list[tuple[str, str]] = []
    while len(heard) < 2 * num_controls:
        ack = await player.until("ack")
        heard.append((ack.control_id, ack.WhichOneof("outcome")))
    return heard


async def test_the_rate_of_one_client_is_not_anothers(start_gateway: StartGateway) -> None:
    plane = FakeWorldPlane(info=INFO)
    gateway = await start_gateway(plane=plane, control_rate_per_s=0.001, control_burst=2)
    created = await create(gateway, session_pb2.ARBITRATION_POLICY_MERGE)
    greedy, modest = await gateway.play(created), await gateway.play(created)
    for idx in range(4):
        await greedy.control(f"g{idx}", directive=control_pb2.Directive(text="rain"))
    refused = (await greedy.terminal("g3")).rejected.error
    assert refused.reason == error_pb2.ERROR_REASON_RATE_EXCEEDED
    await modest.control("m0", directive=control_pb2.Directive(text="rain"))
    assert (await modest.terminal("m0")).HasField("applied")


async def test_those_who_may_control_hear_of_each_other(gateway: Gateway) -> None:
    created = await create(gateway, session_pb2.ARBITRATION_POLICY_MERGE)
    ann = await gateway.play(created, client_id="ann")
    attached = await ann.until("attached")
    assert (attached.client_id, attached.in_control) == ("ann", True)
    assert [each.client_id for each in attached.session.participants] == ["ann"]
    bob = await gateway.play(created, client_id="bob")
    hands = await ann.until("hands")
    assert [(each.client_id, each.in_control) for each in hands.participants] == [("ann", True), ("bob", True)]
    bob.raw.cancel()
    hands = await ann.until("hands")
    assert [each.client_id for each in hands.participants] == ["ann"]
    await eventually(lambda: gateway.metrics.num_attached == 1)


async def test_a_policy_that_there_is_not_is_refused(gateway: Gateway) -> None:
    error = await refusal(create(gateway, 99))
    assert (error.reason, error.field) == ("FIELD_INVALID", "arbitration")
    assert error.allowed == ["single", "merge", "director", "vote"]
