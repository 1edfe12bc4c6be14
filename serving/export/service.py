"""The calls of nacre.v1.ExportService."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from nacre.v1 import export_pb2, export_pb2_grpc
from serving.errors import InvalidFieldError, RecordingNotFoundError
from serving.export.exports import Exports, Recording
from serving.export.sound import Audio
from serving.export.tickets import Tickets
from serving.gateway.codec import to_duration
from serving.gateway.validation import check_id

PIECE_BYTES = 256 << 10
REASON_PREFIX = "ERROR_REASON_"
AUDIO_BY_SOUND = {
    export_pb2.RECORDING_SOUND_UNSPECIFIED: Audio.OPUS,
    export_pb2.RECORDING_SOUND_AAC: Audio.AAC,
}


class ExportService(export_pb2_grpc.ExportServiceServicer):
    """Checks what came, asks for it, answers. Raises `serving.errors`."""

    def __init__(
        self, exports: Exports | None, frame_rate: float, tickets: Tickets, clock: Callable[[], float] = time.time
    ) -> None:
        """`exports`: None where nothing is kept."""
        self._exports = exports
        self._frame_rate = frame_rate
        self._clock = clock
        self._tickets = tickets

    async def GetRecording(  # noqa: N802
        self, request: export_pb2.GetRecordingRequest, context: object
    ) -> export_pb2.GetRecordingResponse:
        recording = await self._kept.describe(check_id(request.session_id, "session_id"))
        return export_pb2.GetRecordingResponse(recording=to_recording(recording, self._frame_rate))

    async def DownloadRecording(  # noqa: N802  # pyright: ignore[reportIncompatibleMethodOverride]
        self, request: export_pb2.DownloadRecordingRequest, context: object
    ) -> AsyncIterator[export_pb2.DownloadRecordingResponse]:
        file = await self._kept.make(check_id(request.session_id, "session_id"), to_audio(request.sound))
        with file.open("rb") as opened:
            total_bytes = file.stat().st_size
            if request.offset > total_bytes:
                raise InvalidFieldError(f"the file has {total_bytes} bytes", field="offset")
            opened.seek(request.offset)
            data = await asyncio.to_thread(opened.read, PIECE_BYTES)
            while True:  # one answer at least: it says how long the file is
                yield export_pb2.DownloadRecordingResponse(data=data, total_bytes=total_bytes)
                if not (data := await asyncio.to_thread(opened.read, PIECE_BYTES)):
                    return

    async def CreateRecordingTicket(  # noqa: N802
        self, request: export_pb2.CreateRecordingTicketRequest, context: object
    ) -> export_pb2.CreateRecordingTicketResponse:
        """Not before there is something that it opens."""
        session_id = check_id(request.session_id, "session_id")
        await self._kept.describe(session_id)
        audio = to_audio(request.sound)
        ticket, expires_s = self._tickets.give(session_id, self._clock())
        sound = "" if audio is Audio.OPUS else f"&sound={audio}"
        path = f"/v1/sessions/{session_id}/recording.mp4?ticket={ticket}{sound}"
        return export_pb2.CreateRecordingTicketResponse(path=path, ticket=ticket, expire_time=_time(expires_s))

    async def DeleteRecording(  # noqa: N802
        self, request: export_pb2.DeleteRecordingRequest, context: object
    ) -> export_pb2.DeleteRecordingResponse:
        await self._kept.forget(check_id(request.session_id, "session_id"))
        return export_pb2.DeleteRecordingResponse()

    async def redeem(self, session_id: str, ticket: str, audio: Audio = Audio.OPUS) -> Path | None:
        """The file that the ticket opens; None for a ticket that opens nothing here."""
        if not self._tickets.is_good(ticket, session_id, self._clock()):
            return None
        return await self._kept.make(session_id, audio)

    @property
    def _kept(self) -> Exports:
        if self._exports is None:
            raise RecordingNotFoundError("this service keeps no sessions, and records none", field="session_id")
        return self._exports


def to_audio(sound: export_pb2.RecordingSound) -> Audio:
    """Raises `InvalidFieldError`."""
    if sound not in AUDIO_BY_SOUND:
        raise InvalidFieldError("not a sound that there is", field="sound")
    return AUDIO_BY_SOUND[sound]


def to_recording(recording: Recording, frame_rate: float) -> export_pb2.Recording:
    return export_pb2.Recording(
        session_id=recording.session_id,
        num_frames=recording.num_frames,
        duration=to_duration(recording.num_frames / frame_rate),
        num_bytes=recording.num_bytes,
        start_time=_time(recording.start_s),
        expire_time=None if recording.expires_s is None else _time(recording.expires_s),
        truncated=recording.is_truncated,
        halt_reason=f"{REASON_PREFIX}{recording.halt_reason or 'UNSPECIFIED'}",
    )


def _time(time_s: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMilliseconds(round(time_s * 1000))
    return stamp
