from __future__ import annotations

import av
import pytest

from model.interface import CameraPose, ModelInfo
from serving.gateway.arrivals import Arrival
from serving.gateway.media import AudioCodec, MediaConfig, VideoCodec
from serving.gateway.media_channel import Codecs, EncodedChunk, MediaChannel
from serving.gateway.seats import MAX_WAITING_BYTES, MAX_WAITING_CHUNKS, Seat, Shown
from serving.sessions.contract import DecodedChunk
from tests.fakes import fake_frames, fake_info, fake_samples

INFO = fake_info()  # 80 ms a chunk
H264 = Codecs(VideoCodec.VIDEO_CODEC_H264, AudioCodec.AUDIO_CODEC_OPUS)
RAW = Codecs(VideoCodec.VIDEO_CODEC_RAW_RGB, AudioCodec.AUDIO_CODEC_PCM_S16LE)
GAP_CHUNKS = 7  # half a second


def chunk(chunk_idx: int, info: ModelInfo = INFO) -> DecodedChunk:
    return DecodedChunk(
        chunk_idx=chunk_idx,
        frames_FHWC=fake_frames(info, chunk_idx),
        samples_SC=fake_samples(info, chunk_idx),
        pose=CameraPose(x_m=0.0, y_m=0.0, yaw_deg=0.0, pitch_deg=0.0),
        due_s=0.0,
    )


def play(channel: MediaChannel, first: int, end: int) -> list[EncodedChunk]:
    return [channel.encoding(chunk(idx))() for idx in range(first, end)]


def keyframes(encoded: list[EncodedChunk]) -> list[int]:
    return [each.message.chunk_index for each in encoded if each.message.frames[0].is_keyframe]


def show(seat: Seat, encoded: EncodedChunk) -> None:
    arrival = Arrival(chunk(encoded.message.chunk_index), 0.0)
    seat.put(Shown(arrival, {seat.channel.codecs: encoded}, False))


def test_a_crowd_that_comes_at_once_costs_one_keyframe() -> None:
    channel = MediaChannel(H264, INFO, MediaConfig())
    assert channel.join(3) == 3, "nothing was encoded yet"
    encoded = play(channel, 3, 20)
    assert {channel.join(18) for _ in range(50)} == {20}
    encoded += play(channel, 20, 22)
    assert {channel.join(22) for _ in range(50)} == {20 + GAP_CHUNKS}, "not sooner after the last"
    encoded += play(channel, 22, 30)
    assert keyframes(encoded) == [3, 20, 20 + GAP_CHUNKS]


def test_whoever_comes_later_can_decode_from_the_chunk_that_was_named() -> None:
    channel = MediaChannel(H264, INFO, MediaConfig())
    play(channel, 0, 9)
    first = channel.join(4)
    encoded = [each for each in play(channel, 9, 16) if each.message.chunk_index >= first]
    codec = av.CodecContext.create("h264", "r")
    frames = [frame for each in encoded for frame in codec.decode(av.Packet(each.message.frames[0].data))]
    assert len(frames) == 16 - first


def test_a_keyframe_is_at_most_a_second_away() -> None:
    for frame_rate, frames_per_chunk in ((12.5, 1), (25.0, 3), (16.0, 12)):
        info = fake_info(frame_rate=frame_rate, frames_per_chunk=frames_per_chunk)
        channel = MediaChannel(H264, info, MediaConfig())
        for idx in range(40):
            channel.encoding(chunk(idx, info))()
            wait_s = (channel.join(idx) - idx) * info.chunk_duration_s
            assert wait_s <= max(1.0, info.chunk_duration_s)


def test_after_a_gap_or_a_rewind_media_begins_anew() -> None:
    channel = MediaChannel(H264, INFO, MediaConfig())
    encoded = play(channel, 0, 3) + play(channel, 5, 7)
    channel.begin_anew()
    encoded += play(channel, 7, 9)
    assert keyframes(encoded) == [0, 5, 7]
    assert encoded[-1].generation == channel.generation != encoded[0].generation


def test_what_encoders_that_are_gone_made_is_told_from_what_those_after_them_make() -> None:
    first, second = (MediaChannel(H264, INFO, MediaConfig()) for _ in range(2))
    assert play(first, 0, 1)[0].generation != second.generation, "a client that leaves takes its channel along"


def test_pictures_that_stand_by_themselves_need_no_waiting() -> None:
    channel = MediaChannel(RAW, INFO, MediaConfig())
    play(channel, 0, 3)
    assert channel.join(0) == 3


def test_a_seat_far_behind_holds_nothing_and_goes_on_at_a_keyframe() -> None:
    channel = MediaChannel(H264, INFO, MediaConfig())
    seat = Seat(channel, 0, credit=1)
    for encoded in play(channel, 0, MAX_WAITING_CHUNKS + 30):
        show(seat, encoded)
        assert seat.num_bytes <= MAX_WAITING_BYTES
    assert seat.num_bytes == 0
    seat.credit = 4
    assert seat.take() is None
    for encoded in play(channel, MAX_WAITING_CHUNKS + 30, MAX_WAITING_CHUNKS + 35):
        show(seat, encoded)
    delivery = seat.take()
    assert delivery is not None
    assert delivery.encoded.message.frames[0].is_keyframe
    assert delivery.arrival.chunk.chunk_idx >= MAX_WAITING_CHUNKS + 30


@pytest.mark.parametrize("credit", [0, 3])
def test_a_seat_gives_no_more_than_its_credit(credit: int) -> None:
    channel = MediaChannel(RAW, INFO, MediaConfig())
    seat = Seat(channel, 0, credit)
    for encoded in play(channel, 0, 6):
        show(seat, encoded)
    taken = 0
    while seat.take() is not None:
        seat.num_unsent -= 1  # the transport is quick
        taken += 1
    assert taken == credit


def test_large_pictures_are_bounded_by_bytes() -> None:
    info = fake_info(width_px=640, height_px=360)
    channel = MediaChannel(RAW, info, MediaConfig())
    seat = Seat(channel, 0, credit=0)
    for idx in range(6):
        show(seat, channel.encoding(chunk(idx, info))())
        assert seat.num_bytes <= MAX_WAITING_BYTES
