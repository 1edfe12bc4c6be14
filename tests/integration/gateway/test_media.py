"""What is delivered decodes to what the workers made."""

from __future__ import annotations

import av
import numpy as np
import pytest

from nacre.v1 import media_pb2
from serving.gateway.media import to_pcm_s16le
from tests.fakes import FakeWorldPlane, fake_frames, fake_info, fake_samples
from tests.integration.gateway.harness import PCM, RAW, Gateway, StartGateway, eventually

FAST_SOUND = fake_info(frame_rate=100.0, samples_per_chunk=160)  # a packet every second chunk
THREE_FRAMES = fake_info(frame_rate=150.0, frames_per_chunk=3, samples_per_chunk=320, width_px=66, height_px=50)


async def test_raw_pictures_and_sound_are_byte_exact(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=THREE_FRAMES))
    call = await gateway.play(video_codecs=RAW, audio_codecs=PCM)
    attached = await call.until("attached")
    assert (attached.video_codec, attached.audio_codec) == (RAW[0], PCM[0])
    for chunk in await call.chunks(10):
        frames_FHWC = fake_frames(THREE_FRAMES, chunk.chunk_index)
        assert [frame.data for frame in chunk.frames] == [frame_HWC.tobytes() for frame_HWC in frames_FHWC]
        assert list(chunk.audio.packets) == [to_pcm_s16le(fake_samples(THREE_FRAMES, chunk.chunk_index))]
        assert chunk.audio.num_samples == 320
        assert chunk.audio.presentation_time == chunk.world_time == chunk.frames[0].presentation_time


async def test_h264_and_opus_decode_to_every_frame_and_sample(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=THREE_FRAMES))
    chunks = await (await gateway.play()).chunks(25)
    frames = decode_video([frame.data for chunk in chunks for frame in chunk.frames])
    assert len(frames) == 75
    assert frames[0].shape == (50, 66, 3)
    difference = np.abs(frames[40].astype(int) - fake_frames(THREE_FRAMES, 13)[1])
    assert np.median(difference) < 16
    packets = [packet for chunk in chunks for packet in chunk.audio.packets]
    assert len(packets) == 25
    assert decode_audio(packets).shape == (1, 25 * 960)


async def test_picture_and_sound_stay_together(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=FAST_SOUND))
    chunks = await (await gateway.play()).chunks(40)
    seconds_of_sound = 0.0
    for chunk in chunks:
        if chunk.audio.packets:
            audio_s = chunk.audio.presentation_time.ToNanoseconds() / 1e9
            video_s = chunk.frames[0].presentation_time.ToNanoseconds() / 1e9
            assert abs(audio_s - video_s) <= 0.04
            assert audio_s == pytest.approx(chunks[1].audio.presentation_time.ToNanoseconds() / 1e9 + seconds_of_sound)
            seconds_of_sound += chunk.audio.num_samples / 16_000
    assert seconds_of_sound == pytest.approx(0.4)


async def test_a_new_client_begins_with_a_keyframe_and_the_right_time(gateway: Gateway) -> None:
    created = await gateway.create()
    first = await gateway.play(created)
    await first.chunks(5)
    first.raw.cancel()
    await eventually(lambda: gateway.metrics.num_attached == 0)
    second = await gateway.play(created)
    attached = await second.until("attached")
    chunks = await second.chunks(6)
    assert chunks[0].chunk_index == attached.next_chunk_index >= 5
    assert chunks[0].sequence == 0
    assert [chunk.frames[0].is_keyframe for chunk in chunks] == [True, *[False] * 5]
    assert len(decode_video([chunk.frames[0].data for chunk in chunks])) == 6
    heard = [chunk for chunk in chunks if chunk.audio.packets]
    start_ns = chunks[0].world_time.ToNanoseconds()
    assert abs(heard[0].audio.presentation_time.ToNanoseconds() - start_ns) <= 10_000_000


async def test_a_silent_model_plays(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(plane=FakeWorldPlane(info=fake_info(frame_rate=125.0, audio_channels=0)))
    call = await gateway.play()
    attached = await call.until("attached")
    assert attached.audio_codec == media_pb2.AUDIO_CODEC_UNSPECIFIED
    assert not attached.session.capabilities.HasField("audio")
    assert not any(chunk.HasField("audio") for chunk in await call.chunks(4))


def decode_video(packets: list[bytes]) -> list[np.ndarray]:
    codec = av.CodecContext.create("h264", "r")
    frames = [frame for data in packets for frame in codec.decode(av.Packet(data))]
    return [frame.to_ndarray(format="rgb24") for frame in frames + codec.decode(None)]


def decode_audio(packets: list[bytes]) -> np.ndarray:
    codec = av.CodecContext.create("opus", "r")
    codec.sample_rate, codec.layout = 48_000, "mono"
    frames = [frame for data in packets for frame in codec.decode(av.Packet(data))]
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
