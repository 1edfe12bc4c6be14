"""What a session's players were shown and heard, as a film."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc.aio

from nacre.calls import Calls
from nacre.enums import name_of
from nacre.errors import from_rpc_error
from nacre.v1 import error_pb2, export_pb2

REASON_PREFIX = "ERROR_REASON_"
SOUNDS = {"opus": export_pb2.RECORDING_SOUND_UNSPECIFIED, "aac": export_pb2.RECORDING_SOUND_AAC}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingInfo:
    """As it was when it was asked for; the film of a session that runs grows."""

    session_id: str
    num_frames: int  # as they were shown, those from before going back included
    seconds: float
    num_bytes: int
    started_at: datetime
    expires_at: datetime | None  # of its oldest part; None where it stays
    is_truncated: bool  # its beginning is not kept any more
    halt_reason: str = ""  # why nothing is added now, such as "QUOTA_EXCEEDED"; empty where it is, or may be


class Recording:
    """Get it from `session.recording()` or `client.recording(session_id)`."""

    def __init__(self, calls: Calls, info: RecordingInfo) -> None:
        self._calls = calls
        self.info = info

    async def pieces(self, *, sound: str = "opus") -> AsyncIterator[bytes]:
        """An MP4 file with H.264 and Opus, and a chapter for every sentence that took effect, piece by piece. `sound`
        "aac" is encoded anew, for players that know no Opus in MP4."""
        if sound not in SOUNDS:
            raise ValueError(f"sound must be one of {', '.join(SOUNDS)}, got {sound!r}")
        request = export_pb2.DownloadRecordingRequest(session_id=self.info.session_id, sound=SOUNDS[sound])
        try:
            async for response in self._calls.exports.DownloadRecording(request):
                yield response.data
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error

    async def save(self, file: str | Path, *, sound: str = "opus") -> Path:
        """Write the film there, as `pieces` gives it. What was there before stays until all of it came."""
        path = Path(file)
        part = path.with_name(f".{path.name}.part")
        try:
            with part.open("wb") as opened:
                async for piece in self.pieces(sound=sound):
                    await asyncio.to_thread(opened.write, piece)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    async def delete(self) -> None:
        """Forget it. The session stays; if it plays on, that is recorded anew."""
        request = export_pb2.DeleteRecordingRequest(session_id=self.info.session_id)
        await self._calls(self._calls.exports.DeleteRecording, request)

    def __repr__(self) -> str:
        return f"<nacre.Recording of {self.info.session_id}, {self.info.seconds:.1f} s>"


async def find_recording(calls: Calls, session_id: str) -> Recording:
    """Raises `NotFound` where there is none."""
    request = export_pb2.GetRecordingRequest(session_id=session_id)
    return Recording(calls, _to_info((await calls(calls.exports.GetRecording, request)).recording))


def _to_info(message: export_pb2.Recording) -> RecordingInfo:
    return RecordingInfo(
        session_id=message.session_id,
        num_frames=message.num_frames,
        seconds=message.duration.ToNanoseconds() / 1e9,
        num_bytes=message.num_bytes,
        started_at=message.start_time.ToDatetime(UTC),
        expires_at=message.expire_time.ToDatetime(UTC) if message.HasField("expire_time") else None,
        is_truncated=message.truncated,
        halt_reason=_to_reason(message.halt_reason),
    )


def _to_reason(value: int) -> str:
    return name_of(error_pb2.ErrorReason, value, REASON_PREFIX) if value else ""
