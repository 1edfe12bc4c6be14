"""Play over WebRTC, with a real peer on the loopback."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nacre.v1 import control_pb2, error_pb2, media_pb2, session_pb2, world_pb2
from serving.access.roles import Role
from serving.web.config import WebConfig
from serving.web.rtc import extra
from serving.web.rtc.config import IceServer, RtcConfig
from serving.web.rtc.timeline import MAX_LATENESS_S
from tests.fakes import FakeWorldPlane, fake_info
from tests.integration.gateway.harness import RAW, eventually
from tests.integration.web.harness import SESSIONS, Site, asking, reason_in, site
from tests.integration.web.rtc_client import SDP, RtcClient, rtc_client

AXES = control_pb2.Move(forward=1.0)
# Chunks of 32 ms: quick, and as many packets as a receiver needs to make something of them.
LIVELY = fake_info(frame_rate=62.5, samples_per_chunk=512)
TICKS_PER_S, SAMPLES_PER_S = 90_000, 48_000


def on(**settings: Any) -> WebConfig:
    return WebConfig(port=0, webrtc=RtcConfig(is_on=True, **settings))


@pytest.fixture
async def running() -> AsyncIterator[Site]:
    async with site(web=on(), plane=FakeWorldPlane(info=LIVELY)) as running:
        yield running


def num_open(running: Site) -> int:
    return running.web.num_rtc_connections


async def test_n08_a_client_plays_over_webrtc(running: Site) -> None:
    created = await running.create()
    async with rtc_client(running.http) as client:
        attached = await client.attach(created)
        assert attached.video_codec == media_pb2.VIDEO_CODEC_H264
        chunks = await client.chunks(20)
        assert [chunk.chunk_index for chunk in chunks] == list(range(20))
        assert not any(frame.data for chunk in chunks for frame in chunk.frames), "pictures come by RTP"
        assert not any(chunk.audio.packets for chunk in chunks)
        await client.control("c-1", move=AXES)
        assert await client.outcome("c-1") == "applied"
        await client.chunks(20)
        await running.post(
            SESSIONS + "EndSession", session_pb2.EndSessionRequest(session_id=created.session.session_id)
        )
        assert (await client.until("ended")).session.end_reason == session_pb2.END_REASON_REQUESTED
        assert await client.end() == {"code": "ok"}
    assert len(client.pictures) > 30
    assert len(client.sounds) > 10
    await eventually(lambda: num_open(running) == 0)
    assert running.metrics.errors == []
    assert running.metrics.outcomes == ["accepted", "applied"]


async def test_pictures_and_sound_can_be_told_by_the_time_that_their_packets_bear(running: Site) -> None:
    created = await running.create()
    async with rtc_client(running.http) as client:
        await client.attach(created)
        chunks = await client.chunks(25)
        frames = [frame for chunk in chunks for frame in chunk.frames]
        told = [(frame.rtp_timestamp - frames[0].rtp_timestamp) % 2**32 for frame in frames]
        steps_s = {round((later - earlier) / TICKS_PER_S, 6) for earlier, later in itertools.pairwise(told)}
        # A machine that stood still begins anew; everything else is told as it is shown.
        assert {step_s for step_s in steps_s if step_s <= MAX_LATENESS_S} == {1 / LIVELY.frame_rate}
        await eventually(lambda: len(client.pictures) > 20)
        assert {picture.pts for picture in client.pictures[:20]} <= set(told)
        with_sound = [chunk for chunk in chunks if chunk.audio.HasField("rtp_timestamp")]
        assert len(with_sound) > 2
        for chunk in with_sound:
            assert _sound_after_picture_s(chunk, with_sound[0]) == pytest.approx(0.0, abs=1e-3), "one time for both"


def _sound_after_picture_s(chunk: media_pb2.MediaChunk, first: media_pb2.MediaChunk) -> float:
    """How much later the sound comes by its packets than by the session's own time, beside the picture; both counted
    from another chunk, for what they begin with is random."""

    def passed(now: int, then: int, rate_hz: int) -> float:
        return (now - then) % 2**32 / rate_hz

    sound_s = passed(chunk.audio.rtp_timestamp, first.audio.rtp_timestamp, SAMPLES_PER_S)
    picture_s = passed(chunk.frames[0].rtp_timestamp, first.frames[0].rtp_timestamp, TICKS_PER_S)
    own_s = [
        _seconds(each.audio.presentation_time) - _seconds(each.frames[0].presentation_time) for each in (chunk, first)
    ]
    return sound_s - picture_s - (own_s[0] - own_s[1])


async def test_pictures_are_those_of_the_session_and_encoded_once(running: Site) -> None:
    """One who looks on over a WebSocket takes the same codecs: what both get is the same."""
    created = await running.create()
    async with rtc_client(running.http) as client, running.socket() as other:
        await client.attach(created)
        await other.attach(created, stand_by=True)
        mine, seen = await asyncio.gather(client.chunks(60), other.chunks(10))
        chunks = {chunk.chunk_index: chunk for chunk in mine}
        assert seen
        for chunk in seen:
            theirs = [frame.is_keyframe for frame in chunks[chunk.chunk_index].frames]
            assert theirs == [frame.is_keyframe for frame in chunk.frames]
        await eventually(lambda: len(client.pictures) > 40)
    picture = client.pictures[-1].to_ndarray(format="rgb24")
    assert picture.shape == (LIVELY.height_px, LIVELY.width_px, 3)
    assert np.ptp(picture) > 0, "something is to be seen"


async def test_a_client_that_takes_vp8_alone_gets_that(running: Site) -> None:
    created = await running.create()
    async with rtc_client(running.http, ["video/VP8", "video/rtx"], has_sound=False) as client:
        attached = await client.attach(created)
        assert attached.video_codec == media_pb2.VIDEO_CODEC_VP8
        chunks = await client.chunks(20)
        assert any(chunk.audio.packets for chunk in chunks), "what no track carries stays in the messages"
        await eventually(lambda: len(client.pictures) > 20)


async def test_what_no_track_carries_comes_in_messages(running: Site) -> None:
    created = await running.create()
    async with rtc_client(running.http) as client:
        attached = await client.attach(created, video_codecs=RAW)
        assert attached.video_codec == media_pb2.VIDEO_CODEC_RAW_RGB
        (chunk,) = await client.chunks(1)
        assert len(chunk.frames[0].data) == LIVELY.width_px * LIVELY.height_px * 3


async def test_who_cannot_decode_gets_a_keyframe_soon_and_not_many(running: Site) -> None:
    created = await running.create()
    async with rtc_client(running.http) as client:
        await client.attach(created)
        await client.chunks(20)  # 0.64 s, and the next keyframe of itself after 2 s
        for _ in range(10):
            await client.ask_for_keyframe()
        chunks = await client.chunks(15)
        keyframes = [frame for chunk in chunks for frame in chunk.frames if frame.is_keyframe]
        assert 1 <= len(keyframes) <= 2


async def test_over_a_line_that_loses_packets_pictures_are_sent_twice_unasked(running: Site) -> None:
    created = await running.create()
    async with rtc_client(running.http, has_sound=False) as client:
        once, again = client.sources("video")
        await client.attach(created)
        seen = client.lose(every=8)
        await client.chunks(40)
        while not seen[again]:  # receivers report within a second and a half
            await client.chunks(1)
        before = seen.copy()
        await client.chunks(40)
        since = seen - before
    assert since[once] > 30
    assert since[again] > 0.8 * since[once], "each once more"


async def test_a_picture_larger_than_a_channel_takes_at_once_is_taken(running: Site) -> None:
    created = await running.create()
    async with rtc_client(running.http) as client:
        await client.attach(created)
        await client.control("c-1", image=world_pb2.Image(data=b"no picture" * 20_000))
        ack = await client.until("ack")
        assert (ack.control_id, ack.rejected.error.reason) == ("c-1", error_pb2.ERROR_REASON_IMAGE_UNREADABLE)
        await client.chunks(2)


async def test_a_client_that_closes_is_gone_and_its_session_taken_up_again(running: Site) -> None:
    created = await running.create()
    async with rtc_client(running.http) as client:
        await client.attach(created)
        await client.chunks(3)
    await eventually(lambda: running.metrics.num_attached == 0)
    await eventually(lambda: num_open(running) == 0)
    delivered = running.metrics.chunks[-1].chunk_idx
    async with rtc_client(running.http) as client:
        attached = await client.attach(created)
        assert attached.next_chunk_index > delivered
        chunks = await client.chunks(3)
        assert chunks[0].chunk_index == attached.next_chunk_index
        assert chunks[0].frames[0].is_keyframe
        await eventually(lambda: len(client.pictures) > 2)
    assert running.metrics.errors == [], "a client that leaves is no error"


async def test_a_client_that_vanishes_frees_its_seat(running: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr("aioice.stun.RETRY_RTO", 0.02)
    created = await running.create()
    async with rtc_client(running.http) as client:
        await client.attach(created)
        await client.chunks(3)
        client.vanish()
        await eventually(lambda: running.metrics.num_attached == 0, 20)
        assert (await running.state(created)).state == session_pb2.SESSION_STATE_DETACHED
        await eventually(lambda: num_open(running) == 0, 20)


async def test_a_client_that_gives_no_credit_is_told_and_let_go() -> None:
    async with site(web=on(), plane=FakeWorldPlane(info=LIVELY), stall_timeout_s=0.3) as running:
        created = await running.create()
        async with rtc_client(running.http) as client:
            await client.attach(created)
            assert reason_in(await client.end()) == "CLIENT_STALLED"


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (b"", "FIELD_INVALID"),
        (b"\x07", "FIELD_INVALID"),
        (b"\x00\xff\xff", "FIELD_INVALID"),
        ("hello", "FIELD_INVALID"),
        (b"\x00", "ATTACH_EXPECTED"),
    ],
)
async def test_a_beginning_that_is_wrong_is_refused(running: Site, piece: bytes | str, reason: str) -> None:
    async with rtc_client(running.http, has_sound=False) as client:
        client.channel.send(piece)
        assert reason_in(await client.end()) == reason
    await eventually(lambda: num_open(running) == 0)


async def test_a_connection_ends_by_its_address_and_for_whoever_began_it_alone(tmp_path: Path) -> None:
    async with site(web=on(), folder=tmp_path, access=asking(tmp_path), plane=FakeWorldPlane(info=LIVELY)) as running:
        key = running.key(Role.PLAYER)
        mine, others = {"authorization": f"Bearer {key}"}, {"authorization": f"Bearer {running.key()}"}
        stranger = RtcClient()
        refused = await stranger.connect(running.http)
        await stranger.close()
        assert (refused.status_code, reason_in(refused.json())) == (401, "UNAUTHENTICATED")
        created = await running.create(**mine)
        async with rtc_client(running.http, authorization=mine["authorization"]) as client:
            await client.attach(created)
            await client.chunks(2)
            for headers in ({}, others):
                assert (await running.http.delete(client.location, headers=headers)).status_code == 404
            assert (await running.http.delete(client.location, headers=mine)).status_code == 204
            await eventually(lambda: running.metrics.num_attached == 0)
            assert (await running.http.delete(client.location, headers=mine)).status_code == 404
        assert num_open(running) == 0


async def test_who_never_connects_is_not_waited_for() -> None:
    async with site(web=on(connect_timeout_s=0.1, max_peers=1)) as running:
        client = RtcClient()
        offer = await client.offer()
        first = await running.http.post("/v1/rtc", content=offer, headers=SDP)
        assert first.status_code == 201
        second = await running.http.post("/v1/rtc", content=offer, headers=SDP)
        assert (second.status_code, reason_in(second.json())) == (429, "CALLS_EXCEEDED")
        await eventually(lambda: num_open(running) == 0)
        assert (await running.http.post("/v1/rtc", content=offer, headers=SDP)).status_code == 201
        await client.close()


async def test_an_answer_says_where_the_service_is_reached() -> None:
    servers = (IceServer(url="turn:turn.example", username="u", credential="c"),)
    settings = on(ports=(40_000, 40_040), public_address="203.0.113.5", connect_timeout_s=0.1)
    async with site(web=settings) as running:
        client = RtcClient()
        answer = await running.http.post("/v1/rtc", content=await client.offer(), headers=SDP)
        found = re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", answer.text)
        assert {address for address, _ in found} == {"203.0.113.5"}
        assert all(40_000 <= int(port) <= 40_040 for _, port in found)
        await client.close()
    async with site(web=on(ice_servers=servers, connect_timeout_s=0.1)) as running:
        client = RtcClient()
        response = await running.http.post("/v1/rtc", content=await client.offer(), headers=SDP)
        link = '<turn:turn.example>; rel="ice-server"; username="u"; credential="c"; credential-type="password"'
        assert response.headers["link"] == link
        await client.close()


async def test_bad_offers_are_refused(running: Site) -> None:
    client = RtcClient()
    offer = await client.offer()
    await client.close()
    no_codec = offer.replace("H264/90000", "AV1/90000").replace("VP8/90000", "VP9/90000")
    for body in ("", "hello", "v=0\r\n", offer.replace("m=video", "m=audio"), no_codec, offer.replace("a=mid:0", "")):
        response = await running.http.post("/v1/rtc", content=body, headers=SDP)
        assert (response.status_code, reason_in(response.json())) == (400, "FIELD_INVALID"), body
    large = await running.http.post("/v1/rtc", content="v=0\r\n" + "x" * 70_000, headers=SDP)
    assert (large.status_code, reason_in(large.json())) == (413, "MESSAGE_TOO_LARGE")
    other = await running.http.post("/v1/rtc", content=offer, headers={"content-type": "text/plain"})
    assert other.status_code == 415
    foreign = await running.http.post("/v1/rtc", content=offer, headers={**SDP, "origin": "https://elsewhere.example"})
    assert (foreign.status_code, reason_in(foreign.json())) == (403, "ORIGIN_REFUSED")
    assert num_open(running) == 0


async def test_where_it_is_off_one_is_told_so() -> None:
    async with site() as running:
        response = await running.http.post("/v1/rtc", content="v=0", headers=SDP)
        assert (response.status_code, reason_in(response.json())) == (501, "METHOD_UNKNOWN")


async def test_a_service_does_not_start_without_what_it_is_told_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="nacre-server"):
        async with site(web=on()):
            raise AssertionError("it started")


async def test_a_service_that_stops_tells_those_who_play() -> None:
    async with site(web=on(), plane=FakeWorldPlane(info=LIVELY)) as running:
        created = await running.create()
        async with rtc_client(running.http) as client:
            await client.attach(created)
            await client.chunks(2)
            stopping = asyncio.ensure_future(running.server.stop())
            assert (await client.until("ended")).session.end_reason == session_pb2.END_REASON_SERVICE_STOPPING
            assert (await client.end())["code"] == "ok"
        await stopping
        assert num_open(running) == 0


def _seconds(duration: Any) -> float:
    return duration.seconds + duration.nanos / 1e9
