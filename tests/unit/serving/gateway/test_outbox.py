from __future__ import annotations

import asyncio

import pytest

from nacre.v1 import session_pb2
from serving.errors import ClientStalledError
from serving.gateway.outbox import Outbox


def message(idx: int) -> session_pb2.PlayResponse:
    return session_pb2.PlayResponse(attached=session_pb2.Attached(credit=idx))


class Wire:
    """Takes messages while it is open."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def write(self, message: session_pb2.PlayResponse) -> None:
        await self.is_open.wait()
        self.taken.append(message.attached.credit)


async def test_messages_leave_in_order_and_say_so() -> None:
    outbox, wire, sent = Outbox(8, 1.0), Wire(), []
    for idx in range(3):
        outbox.put(message(idx), lambda idx=idx: sent.append(idx))
    outbox.close()
    await outbox.drain(wire.write)
    assert wire.taken == sent == [0, 1, 2]


async def test_a_closed_outbox_takes_nothing_more() -> None:
    outbox, wire = Outbox(8, 1.0), Wire()
    outbox.put(message(0))
    outbox.close()
    outbox.put(message(1))
    await outbox.drain(wire.write)
    assert wire.taken == [0]


async def test_a_client_that_does_not_read_is_let_go() -> None:
    outbox, wire = Outbox(8, 0.02), Wire()
    wire.is_open.clear()
    outbox.put(message(0))
    with pytest.raises(ClientStalledError, match="did not read"):
        await outbox.drain(wire.write)


async def test_a_full_outbox_lets_the_client_go_and_grows_no_further() -> None:
    outbox, wire = Outbox(4, 1.0), Wire()
    for idx in range(100):
        outbox.put(message(idx))
    assert outbox.has_overflowed
    with pytest.raises(ClientStalledError, match="4 messages"):
        await outbox.drain(wire.write)


async def test_half_full_makes_those_wait_who_can() -> None:
    outbox, wire = Outbox(4, 1.0), Wire()
    wire.is_open.clear()
    for idx in range(3):
        outbox.put(message(idx))
    async with asyncio.TaskGroup() as tasks:
        draining = tasks.create_task(outbox.drain(wire.write))
        waiting = tasks.create_task(outbox.wait_for_room())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        wire.is_open.set()
        await waiting
        draining.cancel()
