"""The sound of a film: as it was encoded, or as AAC for those who know no Opus."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from serving.export.mp4 import survey, write_mp4
from serving.export.segment import SegmentBuilder, as_run
from serving.export.sound import Audio
from tests.unit.serving.export.test_track import HEADER_OF_ALL, INFO, Sender, decoded

NUM_CHUNKS = 24


def part(first: int, count: int) -> bytes:
    """A tone that comes and goes every three chunks."""
    builder, channel = SegmentBuilder(HEADER_OF_ALL), Sender().channel
    for idx in range(first, first + count):
        chunk = decoded(idx)
        is_on = idx // 3 % 2 == 0
        chunk = replace(chunk, samples_SC=chunk.samples_SC if is_on else np.zeros_like(chunk.samples_SC))
        builder.add_chunk(channel.encoding(chunk)().message, is_run=idx == first)
    return builder.to_bytes()


def film(tmp_path: Path, audio: Audio, *parts: bytes) -> Path:
    file = tmp_path / f"{audio}.mp4"
    write_mp4(parts, survey(parts), file, audio)
    return file


def heard(file: Path) -> tuple[str, np.ndarray, int]:
    """The codec, the samples of the first channel by their time in the film, and their rate."""
    with av.open(str(file)) as container:
        stream = container.streams.audio[0]
        rate_hz = stream.codec_context.sample_rate
        samples = np.zeros(round((container.duration or 0) / 1e6 * rate_hz) + rate_hz, np.float32)
        for block in container.decode(stream):
            assert block.pts is not None
            assert block.time_base is not None
            values = block.to_ndarray()[0, :: 1 if block.format.is_planar else block.layout.nb_channels]
            start = round(block.pts * block.time_base * rate_hz)
            values, start = values[max(0, -start) :], max(0, start)
            samples[start : start + len(values)] = values[: len(samples) - start]
        return stream.codec_context.name, samples, rate_hz


def loudness(samples: np.ndarray, rate_hz: int) -> np.ndarray:
    """Of each 10 ms."""
    block = rate_hz // 100
    return np.sqrt(np.square(samples[: len(samples) // block * block].reshape(-1, block)).mean(axis=1))


def test_aac_sounds_at_the_same_moments_as_the_opus_that_it_was_made_of(tmp_path: Path) -> None:
    data = part(0, NUM_CHUNKS)
    name, opus, opus_hz = heard(film(tmp_path, Audio.OPUS, data))
    assert name in ("opus", "libopus")
    name, aac, aac_hz = heard(film(tmp_path, Audio.AAC, data))
    assert name == "aac"
    one, other = loudness(opus, opus_hz), loudness(aac, aac_hz)
    length = min(len(one), len(other))
    one, other = one[:length], other[:length]
    assert one.max() > 1e-3, "the fake is silent"
    assert np.abs(one - other).mean() < 0.05 * one.mean(), "10 ms apart are 10 %"


def test_pictures_are_the_same_whatever_the_sound_is(tmp_path: Path) -> None:
    data = part(0, 6)
    pictures = []
    for audio in Audio:
        with av.open(str(film(tmp_path, audio, data))) as container:
            pictures.append([bytes(packet) for packet in container.demux(video=0)])
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("audio", Audio)
def test_sound_keeps_to_its_picture_behind_a_gap(tmp_path: Path, audio: Audio) -> None:
    """What was not recorded is not shown either: the film goes on where the sound does."""
    whole = heard(film(tmp_path, audio, part(0, 8), as_run(part(36, 8))))
    seconds = 16 * INFO.chunk_duration_s
    sounding = np.flatnonzero(loudness(whole[1], whole[2]) > 1e-4)
    assert sounding[-1] / 100 == pytest.approx(seconds, abs=0.1)
