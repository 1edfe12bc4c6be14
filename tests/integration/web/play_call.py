"""What a client of Play asks and waits for, whatever its messages travel over."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from nacre.v1 import control_pb2, media_pb2, session_pb2


class PlayCall:
    """Credit is given back for each chunk read unless told otherwise. Over a line: `send` and `receive`."""

    gives_credit = True

    async def send(self, **message: Any) -> None:
        """A `PlayRequest` of that."""
        raise NotImplementedError

    async def receive(self) -> Any:
        """The next message, or how the call ended, which is no message."""
        raise NotImplementedError

    async def read(self) -> Any:
        message = await self.receive()
        if isinstance(message, session_pb2.PlayResponse) and message.HasField("media") and self.gives_credit:
            await self.send(credit=session_pb2.Credit(chunks=1))
        return message

    async def attach(self, created: session_pb2.CreateSessionResponse, **more: Any) -> session_pb2.Attached:
        values = {"session_id": created.session.session_id, "resume_token": created.resume_token, **more}
        await self.send(attach=session_pb2.Attach(**values))
        return await self.until("attached")

    async def control(self, control_id: str, **kind: Any) -> None:
        await self.send(control=control_pb2.Control(control_id=control_id, **kind))

    async def until(self, kind: str) -> Any:
        while True:
            message = await self.read()
            assert isinstance(message, Message), f"the call ended before any {kind}: {message}"
            if message.WhichOneof("message") == kind:
                return getattr(message, kind)

    async def chunks(self, count: int) -> list[media_pb2.MediaChunk]:
        return [await self.until("media") for _ in range(count)]

    async def outcome(self, control_id: str) -> str:
        while True:
            ack = await self.until("ack")
            if ack.control_id == control_id and not ack.HasField("accepted"):
                return ack.WhichOneof("outcome")

    async def end(self) -> Any:
        """Reads until the end, giving nothing back."""
        self.gives_credit = False
        while isinstance(message := await self.read(), Message):
            pass
        return message
