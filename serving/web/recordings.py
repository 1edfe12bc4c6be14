"""`GET /v1/sessions/{session_id}/recording.mp4`: a recording as a file that a browser saves or plays; with `?sound=aac`
for players that know no Opus in MP4."""

from __future__ import annotations

import grpc.aio
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from nacre.v1 import export_pb2
from serving.access.credentials import unauthenticated
from serving.errors import InvalidFieldError, NacreError
from serving.export.service import ExportService
from serving.export.sound import Audio
from serving.gateway.calls import CallContext, Calls
from serving.gateway.request_id import REQUEST_ID_KEY, request_id_of
from serving.gateway.status import to_status
from serving.web.answers import NO_STORE, refusal
from serving.web.connect_error import status_in
from serving.web.request import metadata_of, named, peer_of
from serving.web.unary import one

TICKET_METHOD = "/nacre.v1.ExportService/CreateRecordingTicket"
MEDIA_TYPE = "video/mp4"


class Recordings:
    """With a key or token in the header, or with a ticket that one of those was given for."""

    def __init__(self, calls: Calls, exports: ExportService) -> None:
        self._calls = calls
        self._exports = exports

    async def __call__(self, request: Request) -> Response:
        metadata = metadata_of(request.headers)
        request_id = request_id_of(metadata)
        session_id: str = request.path_params["session_id"]
        ticket = request.query_params.get("ticket", "")
        tickets: list[bytes] = []

        async def take(answer: bytes) -> None:
            tickets.append(answer)

        context = CallContext(named(metadata, request_id), peer_of(request.scope), take)
        try:
            audio = _audio_in(request)
            if not ticket:  # as anybody gets one: who asks is looked at where it is for every call
                await self._calls.answer(TICKET_METHOD, one(_ticket_request(session_id)), context)
                ticket = export_pb2.CreateRecordingTicketResponse.FromString(tickets[0]).ticket
            file = await self._exports.redeem(session_id, ticket, audio)
            if file is None:
                raise unauthenticated()
        except grpc.aio.AbortError:
            return refusal(status_in(context.code(), context.details(), context.trailing_metadata()), request_id)
        except NacreError as error:
            return refusal(to_status(error, request_id), request_id)
        headers = {**NO_STORE, REQUEST_ID_KEY: request_id}
        return FileResponse(file, media_type=MEDIA_TYPE, filename=f"nacre-{session_id}.mp4", headers=headers)


def _audio_in(request: Request) -> Audio:
    """Raises `InvalidFieldError`."""
    sound = request.query_params.get("sound", Audio.OPUS)
    if sound not in tuple(Audio):
        raise InvalidFieldError("opus or aac", field="sound", allowed=tuple(Audio))
    return Audio(sound)


def _ticket_request(session_id: str) -> bytes:
    return export_pb2.CreateRecordingTicketRequest(session_id=session_id).SerializeToString()
