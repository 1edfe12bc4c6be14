"""A data channel as a line: what happens when one side is faster, or gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pyee.asyncio import AsyncIOEventEmitter

from serving.errors import InvalidFieldError, MessageTooLargeError, RateExceededError
from serving.web.rtc.fragments import PIECE_BYTES
from serving.web.rtc.line import MAX_READ_AHEAD, MAX_WAITING_BYTES, DataLine, LineLostError


class FakeChannel(AsyncIOEventEmitter):
    """Sends nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes | str] = []
        self.readyState = "open"
        self.bufferedAmount = 0
        self.bufferedAmountLowThreshold = 0

    def send(self, data: bytes | str) -> None:
        self.sent.append(data)
        self.bufferedAmount += len(data)

    def flush(self) -> None:
        self.bufferedAmount = 0
        self.emit("bufferedamountlow")


@pytest.fixture
def channel() -> FakeChannel:
    return FakeChannel()


def line_of(channel: Any, max_bytes: int = 1_000) -> DataLine:
    return DataLine(channel, max_bytes)


async def test_messages_come_in_their_order(channel: FakeChannel) -> None:
    line = line_of(channel)
    for piece in (b"\x00one", b"\x01tw", b"\x00o"):
        channel.emit("message", piece)
    line.wish(b"three")
    assert [await line.read() for _ in range(3)] == [b"one", b"two", b"three"]


async def test_who_sends_more_than_is_read_is_told_so_after_what_was_taken(channel: FakeChannel) -> None:
    line = line_of(channel)
    for _ in range(10 * MAX_READ_AHEAD):
        channel.emit("message", b"\x00m")
    line.wish(b"left out")
    for _ in range(MAX_READ_AHEAD):
        assert await line.read() == b"m"
    with pytest.raises(RateExceededError):
        await line.read()


@pytest.mark.parametrize(
    ("piece", "error"),
    [("text", InvalidFieldError), (b"", InvalidFieldError), (b"\x00" + b"x" * 1_001, MessageTooLargeError)],
)
async def test_what_is_no_message_is_told_to_whoever_reads(
    channel: FakeChannel, piece: Any, error: type[Exception]
) -> None:
    line = line_of(channel)
    channel.emit("message", piece)
    with pytest.raises(error):
        await line.read()


async def test_a_slow_client_makes_the_sender_wait(channel: FakeChannel) -> None:
    line = line_of(channel)
    await line.send(b"x" * (4 * PIECE_BYTES))
    sending = asyncio.ensure_future(line.send(b"more"))
    await asyncio.sleep(0.01)
    assert not sending.done()
    assert channel.bufferedAmount <= MAX_WAITING_BYTES + PIECE_BYTES
    channel.flush()
    await asyncio.wait_for(sending, 5)
    assert channel.sent[-1] == b"\x00more"


async def test_the_last_words_are_waited_for(channel: FakeChannel) -> None:
    line = line_of(channel)
    finishing = asyncio.ensure_future(line.finish("{}"))
    await asyncio.sleep(0.01)
    assert not finishing.done()
    channel.flush()
    await asyncio.wait_for(finishing, 5)
    assert channel.sent == ["{}"]


async def test_a_lost_line_wakes_whoever_waits(channel: FakeChannel) -> None:
    line = line_of(channel)
    await line.send(b"x" * (4 * PIECE_BYTES))
    sending = asyncio.ensure_future(line.send(b"more"))
    await asyncio.sleep(0.01)
    channel.emit("close")
    with pytest.raises(LineLostError):
        await asyncio.wait_for(sending, 5)
    await asyncio.wait_for(line.wait_lost(), 5)
    with pytest.raises(LineLostError):
        await line.send(b"again")
