"""A session: one running world, from outside."""

from __future__ import annotations

import grpc.aio

from nacre.errors import from_rpc_error
from nacre.records import Capabilities, SessionRecord, to_session_record
from nacre.resume import NO_RESUME, ResumePolicy
from nacre.v1 import session_pb2, session_pb2_grpc
from nacre.world import EnterOptions, World


class Session:
    """Get one from `client.create(...)`, or from `client.session(...)` for one that exists."""

    def __init__(
        self,
        stub: session_pb2_grpc.SessionServiceAsyncStub,
        session_id: str,
        resume_token: str,
        timeout_s: float,
        record: SessionRecord | None = None,
    ) -> None:
        self._stub = stub
        self._timeout_s = timeout_s
        self.id = session_id
        self.resume_token = resume_token  # opens the session's stream; keep it secret
        self.record = record  # as it was created, with the effective model and seed; None if not created here

    @property
    def capabilities(self) -> Capabilities | None:
        return self.record.capabilities if self.record is not None else None

    def enter(
        self,
        *,
        video: str = "h264",
        audio: str = "opus",
        buffer_chunks: int = 4,
        resume: bool | ResumePolicy = False,
        attach_timeout_s: float = 30.0,
    ) -> World:
        """The world, to be entered with `async with`. One client controls a session at a time.

        `video`: "h264" or "rgb". `audio`: "opus" or "pcm". `buffer_chunks`: 1 to 16, how many chunks may
        wait here untaken; then the world waits too. `resume`: attach again after a lost connection.
        """
        policy = resume if isinstance(resume, ResumePolicy) else ResumePolicy() if resume else NO_RESUME
        options = EnterOptions(
            video=video,
            audio=audio,
            buffer_chunks=buffer_chunks,
            attach_timeout_s=attach_timeout_s,
            resume=policy,
        )
        return World(self._stub, self.id, self.resume_token, options)

    async def state(self) -> SessionRecord:
        """The session as it is now."""
        try:
            response = await self._stub.GetSession(
                session_pb2.GetSessionRequest(session_id=self.id), timeout=self._timeout_s
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return to_session_record(response.session)

    async def end(self) -> SessionRecord:
        """End it for good. Ending twice is no error."""
        try:
            response = await self._stub.EndSession(
                session_pb2.EndSessionRequest(session_id=self.id), timeout=self._timeout_s
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return to_session_record(response.session)

    def __repr__(self) -> str:
        return f"Session({self.id!r})"
