"""Places that are kept: elsewhere where that can be, and none that cannot be reached."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from serving.errors import WorkerUnavailableError
from serving.stages import rooms as rooms_module
from serving.stages.placement import Placement
from serving.stages.rooms import Rooms
from serving.stages.stage import DECODERS
from serving.stages.stage_server import StageServer
from serving.stages.transformer import DecoderPlace

pytestmark = pytest.mark.timeout(20)


def placement(transformer: str, decoder: str = "d") -> Placement:
    places = (DecoderPlace(address=decoder, stages=DECODERS),)
    return Placement(encoder=transformer, transformer=transformer, decoders=places)


@dataclass(slots=True)
class InTurn:
    """A `Placer`."""

    placements: list[Placement]
    num_placed: int = field(default=0)

    async def place(self, session_id: str) -> Placement:
        self.num_placed += 1
        return self.placements[(self.num_placed - 1) % len(self.placements)]


@pytest.fixture
async def address() -> AsyncIterator[str]:
    server = StageServer({})
    yield f"127.0.0.1:{await server.start('127.0.0.1')}"
    await server.close()


async def test_p01_a_session_gets_a_place_at_another_worker_where_there_is_one(address: str) -> None:
    here, there = placement("127.0.0.1:1"), placement(address)
    rooms = Rooms(InTurn([here, there]))
    await rooms.make("s-1", [here])
    assert rooms.find("s-1") == there
    alone = Rooms(InTurn([there]))
    await alone.make("s-1", [there])
    assert (alone.take("s-1"), alone.take("s-1")) == (there, None)


async def test_no_place_is_kept_at_a_worker_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_module, "REACH_TIMEOUT_S", 0.05)
    rooms = Rooms(InTurn([placement("127.0.0.1:1")]))
    with pytest.raises(WorkerUnavailableError, match="does not answer"):
        await rooms.make("s-1", [])
    assert rooms.find("s-1") is None


def test_workers_are_shared_by_placements_that_have_a_slot_or_a_decoder_in_common() -> None:
    assert placement("a", "d").shares_a_worker(placement("b", "d"))
    assert placement("a", "d").shares_a_worker(placement("a", "e"))
    assert not placement("a", "d").shares_a_worker(placement("b", "e"))
