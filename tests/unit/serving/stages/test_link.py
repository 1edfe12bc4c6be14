"""A link without workers: what it asks of them, and what it makes of their answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest

from model.interface import CameraPose, Tensors
from serving.errors import SessionEndedError, StorageUnavailableError, WorkerUnavailableError
from serving.sessions.contract import (
    Accepted,
    Applied,
    Control,
    ControlKind,
    Directive,
    LinkEnded,
    Move,
    Rejected,
    SnapshotRequest,
    Superseded,
    TakenSnapshot,
)
from serving.sessions.encoded import ChunkHeader, DecodedPart, EncodedControl, EncodedDirective
from serving.stages.encoder import EncodedText
from serving.stages.link import MAX_WAITING_INSTRUCTIONS, PlaneLink


@dataclass(slots=True)
class FakePort:
    posted: list[EncodedControl] = field(default_factory=list)
    grants: list[int] = field(default_factory=list)
    asked: list[SnapshotRequest] = field(default_factory=list)

    def post(self, control: EncodedControl) -> None:
        self.posted.append(control)

    def grant(self, chunks: int) -> None:
        self.grants.append(chunks)

    def take_snapshot(self, request: SnapshotRequest) -> None:
        self.asked.append(request)


@dataclass(slots=True)
class FakeEncoderClient:
    fault: Exception | None = None

    async def encode_text(self, text: str) -> EncodedText:
        await asyncio.sleep(0)
        if self.fault is not None:
            raise self.fault
        return EncodedText({"text": np.array(len(text))}, (f"length: {len(text)}",))

    async def encode_image(self, image_HWC) -> Tensors:
        return {"image": np.array(image_HWC.sum())}


def control(control_id: str, kind: ControlKind) -> Control:
    return Control(control_id=control_id, kind=kind, received_s=1.0)


def applied(control_id: str) -> Applied:
    return Applied(control_id=control_id, chunk_idx=0, frame_idx=0, world_time_s=0.0)


def part(chunk_idx: int) -> DecodedPart:
    header = ChunkHeader(
        chunk_idx=chunk_idx,
        pose=CameraPose(x_m=0, y_m=0, yaw_deg=0, pitch_deg=0),
        due_s=0.0,
        num_outcomes_before=0,
        stage_seconds={},
    )
    frames, samples = np.zeros((1, 2, 2, 3), np.uint8), np.zeros((4, 1), np.float32)
    return DecodedPart(header=header, frames_FHWC=frames, samples_SC=samples)


@pytest.fixture
async def port() -> FakePort:
    return FakePort()


@pytest.fixture
async def link(port: FakePort) -> PlaneLink:
    return PlaneLink(FakeEncoderClient(), port, 0, worker_id="w-1")


async def encode_all(link: PlaneLink) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await link.encode_instructions()


async def test_moves_overtake_directives_which_keep_their_order(link: PlaneLink, port: FakePort) -> None:
    await link.send(control("one", Directive(text="a")))
    await link.send(control("two", Directive(text="bb")))
    await link.send(control("go", Move(forward=1.0, strafe=0.0)))
    await encode_all(link)
    assert [each.control_id for each in port.posted] == ["go", "one", "two"]
    kind = port.posted[2].kind
    assert isinstance(kind, EncodedDirective)
    assert (kind.text, int(kind.tensors["text"])) == ("bb", 2)


async def test_a_directive_that_took_effect_tells_what_it_was_taken_for(link: PlaneLink) -> None:
    await link.send(control("one", Directive(text="a")))
    await link.send(control("two", Directive(text="bb")))
    await link.send(control("go", Move(forward=1.0, strafe=0.0)))
    await encode_all(link)
    link.add_outcomes([Accepted(control_id="one"), applied("one"), Superseded(control_id="two", by_control_id="go")])
    link.add_outcomes([applied("go"), applied("one")])
    link.add_part(part(0))
    link.end("REQUESTED", "")
    told = [(each.control_id, each.understood) async for each in link.events() if isinstance(each, Applied)]
    assert told == [("one", ("length: 1",)), ("go", None), ("one", None)], "once, and of sentences alone"


@pytest.mark.parametrize(
    ("fault", "reason"), [(WorkerUnavailableError("gone"), "UNAVAILABLE"), (KeyError("defect"), "INTERNAL")]
)
async def test_a_directive_that_cannot_be_encoded_is_rejected(port: FakePort, fault: Exception, reason: str) -> None:
    link = PlaneLink(FakeEncoderClient(fault), port, 0, worker_id="w-1")
    await link.send(control("one", Directive(text="a")))
    await encode_all(link)
    rejected = await anext(link.events())
    assert isinstance(rejected, Rejected)
    assert (rejected.control_id, rejected.reason) == ("one", reason)
    assert port.posted == []


async def test_one_instruction_too_many_is_rejected(link: PlaneLink) -> None:
    for number in range(MAX_WAITING_INSTRUCTIONS + 1):
        await link.send(control(str(number), Directive(text="a")))
    rejected = await anext(link.events())
    assert isinstance(rejected, Rejected)
    assert (rejected.control_id, rejected.reason) == (str(MAX_WAITING_INSTRUCTIONS), "RATE_EXCEEDED")


async def test_grants_go_in_pairs_while_the_worker_has_enough(link: PlaneLink, port: FakePort) -> None:
    await link.grant(4)
    for chunk_idx in range(6):
        link.add_part(part(chunk_idx))
        await link.grant(1)
    assert port.grants[0] == 4
    assert port.grants[1:] == [2, 2, 2]


async def test_no_grant_is_held_once_the_worker_runs_short(link: PlaneLink, port: FakePort) -> None:
    await link.grant(3)
    await link.grant(1)
    assert port.grants == [3]
    link.add_part(part(0))
    assert port.grants == [3]
    link.add_part(part(1))
    assert port.grants == [3, 1]
    await link.grant(0)
    assert port.grants == [3, 1]


async def test_chunks_that_were_shown_before_take_nothing_of_a_grant(port: FakePort) -> None:
    link = PlaneLink(FakeEncoderClient(), port, 0, worker_id="w-1", shown_until=5)
    await link.grant(4)
    for chunk_idx in range(5):
        link.add_part(part(chunk_idx))
    await link.grant(1)
    assert port.grants == [4], "four are left"


async def test_snapshots_find_whoever_asked_and_say_what_went_wrong(link: PlaneLink, port: FakePort) -> None:
    await link.grant(1)
    await link.grant(1)
    first, second = asyncio.ensure_future(link.snapshot(when_paused=True)), asyncio.ensure_future(link.snapshot())
    await asyncio.sleep(0)
    assert sum(port.grants) == 2, "a grant that was held back would keep the session from pausing where it should"
    link.add_snapshot(TakenSnapshot(request_id=port.asked[1].request_id, chunk_idx=3, data=b"x", num_bytes=1))
    link.add_snapshot(TakenSnapshot(request_id=port.asked[0].request_id, chunk_idx=4, error="the disk is full"))
    assert (await second).data == b"x"
    with pytest.raises(StorageUnavailableError, match="the disk is full"):
        await first


async def test_after_the_end_nothing_is_asked_and_nothing_follows(link: PlaneLink, port: FakePort) -> None:
    waiting = asyncio.ensure_future(link.snapshot())
    await asyncio.sleep(0)
    assert [request.when_paused for request in port.asked] == [False]
    link.end("WORKER_LOST", "gone")
    link.end("REQUESTED", "of no effect")
    link.add_part(part(0))
    await link.grant(9)
    await link.send(control("go", Move(forward=1.0, strafe=0.0)))
    with pytest.raises(SessionEndedError):
        await waiting
    assert [event async for event in link.events()] == [LinkEnded(reason="WORKER_LOST", message="gone")]
    assert (port.posted, port.grants) == ([], [])
