"""Connections that keep to their time. uvicorn's own wait for a request's head, and for last words to be taken, as long
as the other side likes."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class TimedHttp(H11Protocol):
    """Cuts whoever began a request and does not get to its end, and whoever does not read the answer."""

    def __init__(self, *args: Any, head_timeout_s: float, stall_timeout_s: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timeout_s = head_timeout_s
        self._stall_timeout_s = stall_timeout_s
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._is_upgraded = True
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall_timer = self.loop.call_later(self._stall_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall_timer = _cancelled(self._stall_timer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_timer = _cancelled(self._head_timer)
        self._stall_timer = _cancelled(self._stall_timer)
        super().connection_lost(exc)

    @property
    def _is_waiting(self) -> bool:
        return not self._is_upgraded and (self.cycle is None or self.cycle.response_complete)

    def _watch(self) -> None:
        if not self._is_waiting:
            self._head_timer = _cancelled(self._head_timer)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self._head_timeout_s, self._give_up)

    def _give_up(self) -> None:
        self._head_timer = None
        if self._is_waiting:
            self.transport.abort()


class TimedSocket(WebSocketsSansIOProtocol):
    """Is cut a while after its call is over, whatever of it was not read."""

    def __init__(self, *args: Any, last_words_timeout_s: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._last_words_timeout_s = last_words_timeout_s

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # or an answer in the place of a handshake is logged as a fault

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.loop.call_later(self._last_words_timeout_s, self.transport.abort)


def _cancelled(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
