"""Takes pictures and sound out of a client's chunks and gives them to its tracks."""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.duration_pb2 import Duration

from nacre.v1 import media_pb2, session_pb2
from serving.web.rtc.timeline import Place, Timeline
from serving.web.rtc.tracks import PacketTrack

OPUS_PACKET_S = 0.02


class ChunkMedia:
    """One client's media. What its tracks do not carry (raw pictures, PCM) stays in the messages."""

    def __init__(
        self,
        video: PacketTrack,
        audio: PacketTrack | None,
        video_codec: media_pb2.VideoCodec,
        clock: Callable[[], float],
    ) -> None:
        """`clock`: of the event loop."""
        self.video_codec = video_codec
        self._video = video
        self._audio = audio
        self._clock = clock
        self._timeline = Timeline()
        self._chunk_s = 0.0
        self._takes_video = self._takes_audio = False

    def attached(self, message: session_pb2.Attached) -> None:
        self._chunk_s = message.session.capabilities.chunk_duration_s
        self._takes_video = message.video_codec == self.video_codec
        self._takes_audio = self._audio is not None and message.audio_codec == media_pb2.AUDIO_CODEC_OPUS

    async def take(self, chunk: media_pb2.MediaChunk) -> None:
        """Leaves in the message what is to be said of them, and when they are shown."""
        if not chunk.frames:
            return
        begin_s = _seconds(chunk.frames[0].presentation_time)
        place = self._timeline.place(begin_s, self._chunk_s, self._clock())
        if self._takes_video:
            await self._take_video(chunk, place, begin_s)
        if self._takes_audio and chunk.audio.packets:
            await self._take_audio(chunk.audio, place, _seconds(chunk.audio.presentation_time) - begin_s)

    async def _take_video(self, chunk: media_pb2.MediaChunk, place: Place, begin_s: float) -> None:
        all_ticks: list[int] = []
        for frame in chunk.frames:
            after_s = _seconds(frame.presentation_time) - begin_s
            all_ticks.append(self._video.put(frame.data, place.rtp_s + after_s, place.send_s + after_s))
            frame.ClearField("data")
        for frame, ticks in zip(chunk.frames, all_ticks, strict=True):
            frame.rtp_timestamp = await self._video.timestamp(ticks)

    async def _take_audio(self, audio: media_pb2.AudioBlock, place: Place, begin_s: float) -> None:
        assert self._audio is not None, "or there is nothing to take"
        first_ticks = 0
        for idx, data in enumerate(audio.packets):
            after_s = begin_s + idx * OPUS_PACKET_S
            ticks = self._audio.put(data, place.rtp_s + after_s, place.send_s + after_s)
            first_ticks = first_ticks if idx else ticks
        audio.ClearField("packets")
        audio.rtp_timestamp = await self._audio.timestamp(first_ticks)


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9
