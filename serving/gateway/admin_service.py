"""The calls of nacre.v1.AdminService."""

from __future__ import annotations

from nacre.v1 import admin_pb2, admin_pb2_grpc
from serving.gateway.validation import check_id
from serving.gateway.verbs import SessionVerbs


class AdminService(admin_pb2_grpc.AdminServiceServicer):
    """Checks what came, asks for it, answers. Raises `serving.errors`."""

    def __init__(self, verbs: SessionVerbs) -> None:
        self._verbs = verbs

    async def MoveSession(  # noqa: N802
        self, request: admin_pb2.MoveSessionRequest, context: object
    ) -> admin_pb2.MoveSessionResponse:
        """Answers when it goes on."""
        session = self._verbs.running(check_id(request.session_id, "session_id"))
        await session.kept.move()
        return admin_pb2.MoveSessionResponse()
