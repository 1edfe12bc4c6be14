"""Which bytes are kept, and where parts end."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from model.interface import CameraPose, ModelInfo
from nacre.v1 import media_pb2
from serving.errors import SnapshotDamagedError
from serving.export.segment import (
    CHUNK,
    HEADER,
    MAGIC,
    RUN,
    TITLE,
    Header,
    SegmentBuilder,
    read_chunk,
    read_header,
    read_records,
)
from serving.export.session_recorder import MAX_WAITING_SHOTS, SessionRecorder
from serving.export.track import Continuity, Cut, Shot, Track, recording_codecs
from serving.gateway.media import AudioCodec, MediaConfig, VideoCodec
from serving.gateway.media_channel import Codecs, EncodedChunk, MediaChannel
from serving.sessions.contract import Accepted, Applied, Control, DecodedChunk, Directive, Rejected
from tests.fakes import fake_frames, fake_info, fake_samples

INFO = fake_info()
USUAL = Codecs(VideoCodec.VIDEO_CODEC_H264, AudioCodec.AUDIO_CODEC_OPUS)
RAW = Codecs(VideoCodec.VIDEO_CODEC_RAW_RGB, AudioCodec.AUDIO_CODEC_PCM_S16LE)
MEDIA = MediaConfig()
HEADER_OF_ALL = Header.of("s-1", "a harbour", INFO, has_sound=True)


class Sent(NamedTuple):
    codecs: Codecs
    chunk: DecodedChunk
    encoded: EncodedChunk


def decoded(chunk_idx: int, info: ModelInfo = INFO) -> DecodedChunk:
    return DecodedChunk(
        chunk_idx=chunk_idx,
        frames_FHWC=fake_frames(info, chunk_idx),
        samples_SC=fake_samples(info, chunk_idx),
        due_s=0.0,
        pose=CameraPose(x_m=0.0, y_m=0.0, yaw_deg=0.0, pitch_deg=0.0),
        stage_seconds={},
    )


class Sender:
    """A client's encoders."""

    def __init__(self, codecs: Codecs = USUAL) -> None:
        self.channel = MediaChannel(codecs, INFO, MEDIA)

    def send(self, chunk_idx: int) -> Sent:
        chunk = decoded(chunk_idx)
        return Sent(self.channel.codecs, chunk, self.channel.encoding(chunk)())


def taken(continuity: Continuity, *sent: Sent) -> list[tuple[bool, bool]]:
    return [continuity.choose(each.codecs, each.chunk, each.encoded) for each in sent]


def test_what_was_sent_is_taken_as_it_is_from_a_keyframe_on() -> None:
    one = Sender()
    assert taken(Continuity(USUAL), *(one.send(idx) for idx in range(4))) == [(True, True)] + 3 * [(True, False)]


def test_what_begins_in_the_middle_of_a_stream_is_encoded_until_its_next_keyframe() -> None:
    one, continuity = Sender(), Continuity(USUAL)
    one.send(0)
    middle = [one.send(idx) for idx in (1, 2)]
    assert taken(continuity, *middle) == [(False, True), (False, False)]
    one.channel.join(3)
    while not (sent := one.send(one.channel._next_idx or 0)).encoded.message.frames[0].is_keyframe:  # pyright: ignore[reportPrivateUsage]
        assert taken(continuity, sent) == [(False, False)]
    assert taken(continuity, sent) == [(True, True)]


def test_what_no_file_holds_is_encoded() -> None:
    raw, one, continuity = Sender(RAW), Sender(), Continuity(USUAL)
    assert taken(continuity, raw.send(0), raw.send(1), one.send(2), raw.send(3)) == [
        (False, True),
        (False, False),
        (True, True),
        (False, True),
    ]


def test_after_a_gap_or_going_back_a_run_begins() -> None:
    one, continuity = Sender(), Continuity(USUAL)
    assert taken(continuity, one.send(0), one.send(5)) == [(True, True), (True, True)]
    assert taken(continuity, one.send(2), one.send(3)) == [(True, True), (True, False)]
    continuity.break_off()
    assert taken(continuity, one.send(4)) == [(False, True)], "it needs what was lost"


def test_a_silent_model_and_one_whose_pictures_no_file_holds() -> None:
    silent = fake_info(audio_channels=0, samples_per_chunk=0)
    assert recording_codecs(silent) == Codecs(VideoCodec.VIDEO_CODEC_H264, None)
    assert recording_codecs(fake_info(width_px=127)) is None
    # Only sound that Opus cannot hold is left out.
    assert recording_codecs(fake_info(sample_rate_hz=44_100)) == Codecs(VideoCodec.VIDEO_CODEC_H264, None)


def shots(count: int, **changes: object) -> list[Shot]:
    one = Sender()
    return [Shot(one.send(idx).encoded, idx == 0, (), 100.0 + idx)._replace(**changes) for idx in range(count)]  # type: ignore[arg-type]


def chunks_in(cut: Cut) -> list[media_pb2.MediaChunk]:
    return [read_chunk(record) for record in read_records(cut.data) if record.kind in (RUN, CHUNK)]


def test_parts_end_before_keyframes() -> None:
    track = Track(HEADER_OF_ALL, USUAL, INFO, MEDIA, segment_s=1.0)
    cuts = [*track.add(shots(80)), *track.cut()]
    assert sum(cut.num_frames for cut in cuts) == 80
    assert len(cuts) > 2
    for cut in cuts:
        chunks = chunks_in(cut)
        assert chunks[0].frames[0].is_keyframe
        assert cut.start_s == 100.0 + chunks[0].chunk_index
        assert len(chunks) == cut.num_frames
    assert track.cut() == [], "nothing is there twice"


def test_a_part_says_all_that_is_needed_to_play_it() -> None:
    builder = SegmentBuilder(HEADER_OF_ALL)
    builder.add_title("it starts to rain")
    message = Sender().send(0).encoded.message
    builder.add_chunk(message, is_run=True)
    records = list(read_records(builder.to_bytes()))
    assert [record.kind for record in records] == [HEADER, TITLE, RUN]
    assert read_header(records[0]) == HEADER_OF_ALL
    assert records[1].payload.decode() == "it starts to rain"
    assert read_chunk(records[2]) == message


def test_what_is_cut_short_is_good_up_to_there() -> None:
    track = Track(HEADER_OF_ALL, USUAL, INFO, MEDIA, segment_s=1.0)
    track.add(shots(6))
    [cut] = track.cut()
    whole = list(read_records(cut.data))
    for size in range(len(MAGIC), len(cut.data), 97):
        read = list(read_records(cut.data[:size]))
        assert read == whole[: len(read)]
        assert len(read) < len(whole)


@pytest.mark.parametrize("data", [b"", b"RIFF", MAGIC[:-1] + b"\x02", MAGIC + b"H\xff\xff\xff\xff"])
def test_what_is_no_part_is_refused(data: bytes) -> None:
    with pytest.raises(SnapshotDamagedError):
        list(read_records(data))


def recorder(now_s: list[float]) -> SessionRecorder:
    track = Track(HEADER_OF_ALL, USUAL, INFO, MEDIA, segment_s=1.0)
    return SessionRecorder(track, "s-1", USUAL, lambda: now_s[0], lambda: None)


def say(one: SessionRecorder, control_id: str, text: str, chunk_idx: int) -> None:
    one.said(Control(control_id=control_id, kind=Directive(text=text), received_s=0.0))
    one.heard(Accepted(control_id=control_id))
    one.heard(Applied(control_id=control_id, chunk_idx=chunk_idx, frame_idx=chunk_idx, world_time_s=0.0))


def test_sentences_come_with_the_chunk_that_shows_them() -> None:
    one, sender = recorder([7.0]), Sender()
    say(one, "c-1", "rain", 1)
    say(one, "c-2", "wind", 1)
    one.said(Control(control_id="c-3", kind=Directive(text="no"), received_s=0.0))
    one.heard(Rejected(control_id="c-3", reason="X", message="x"))
    for idx in range(3):
        one.delivered(*sender.send(idx))
    taken_shots, num_lost = one.take()
    assert [shot.titles for shot in taken_shots] == [(), ("rain", "wind"), ()]
    assert ([shot.shown_s for shot in taken_shots], num_lost) == ([7.0] * 3, 0)


def test_a_sentence_that_was_gone_back_before_is_not_told() -> None:
    one, sender = recorder([0.0]), Sender()
    for idx in range(6):
        one.delivered(*sender.send(idx))
    say(one, "c-1", "rain", 8)
    say(one, "c-2", "snow", 3)
    one.delivered(*sender.send(3))
    for idx in range(4, 12):
        one.delivered(*sender.send(idx))
    assert [shot.titles for shot in one.take()[0] if shot.titles] == [("snow",)]


def test_more_than_can_wait_is_lost_and_counted() -> None:
    one, sender = recorder([0.0]), Sender()
    sent = sender.send(0)
    for _ in range(MAX_WAITING_SHOTS + 5):
        one.delivered(*sent)
    assert len(one.take()[0]) == MAX_WAITING_SHOTS
    one.delivered(*sent)
    assert one.take() == ([Shot(sent.encoded, True, (), 0.0)], 0)
