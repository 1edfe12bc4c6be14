from __future__ import annotations

import numpy as np
import pytest

from model.interface import CameraPose
from serving.sessions.contract import Accepted, DecodedChunk
from serving.sessions.encoded import ChunkHeader, DecodedPart
from serving.sessions.joiner import Joiner

POSE = CameraPose(x_m=1.0, y_m=2.0, yaw_deg=3.0, pitch_deg=4.0)


def part(chunk_idx: int, what: str = "both", num_outcomes_before: int = 0) -> DecodedPart:
    header = ChunkHeader(
        chunk_idx=chunk_idx,
        pose=POSE,
        due_s=float(chunk_idx),
        num_outcomes_before=num_outcomes_before,
        stage_seconds={"transformer": 0.02, what: 0.001},
    )
    frames = np.full((1, 2, 2, 3), chunk_idx, np.uint8) if what in ("video", "both") else None
    samples = np.full((4, 1), chunk_idx, np.float32) if what in ("audio", "both") else None
    return DecodedPart(header=header, frames_FHWC=frames, samples_SC=samples)


def chunk_idxs(events: list) -> list[int]:
    return [event.chunk_idx for event in events if isinstance(event, DecodedChunk)]


def test_a_part_with_both_is_a_chunk_at_once() -> None:
    [chunk] = Joiner(0).add_part(part(0))
    assert isinstance(chunk, DecodedChunk)
    assert (chunk.chunk_idx, chunk.due_s, chunk.pose) == (0, 0.0, POSE)


@pytest.mark.parametrize("order", [("video", "audio"), ("audio", "video")])
def test_picture_and_sound_are_joined_by_chunk(order: tuple[str, str]) -> None:
    joiner = Joiner(5)
    assert joiner.add_part(part(5, order[0])) == []
    [chunk] = joiner.add_part(part(5, order[1]))
    assert isinstance(chunk, DecodedChunk)
    assert chunk.frames_FHWC[0, 0, 0, 0] == chunk.samples_SC[0, 0] == 5
    assert chunk.stage_seconds == {"transformer": 0.02, "video": 0.001, "audio": 0.001}


def test_chunks_come_in_order_however_their_parts_do() -> None:
    joiner = Joiner(0)
    arrivals = [part(0, "video"), part(1, "video"), part(1, "audio"), part(0, "audio"), part(2)]
    assert [chunk_idxs(joiner.add_part(each)) for each in arrivals] == [[], [], [], [0, 1], [2]]


def test_a_chunk_waits_for_the_outcomes_that_came_before_it() -> None:
    joiner = Joiner(0)
    assert joiner.add_part(part(0, num_outcomes_before=2)) == []
    accepted = [Accepted(control_id=control_id) for control_id in "abc"]
    assert joiner.add_outcomes(accepted[:1]) == accepted[:1]
    events = joiner.add_outcomes(accepted[1:])
    assert events[:2] == accepted[1:]
    assert chunk_idxs(events) == [0]
