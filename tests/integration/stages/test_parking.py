"""Pearl under an engine that has room for fewer sessions than it plays: the chunks are those of sessions alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from model.interface import Tensors
from model.stepper import PearlTransformer
from serving.engine.config import EngineConfig
from serving.engine.engine import Engine
from serving.engine.schedule import ScheduleConfig
from serving.models import load_model
from serving.sessions.encoded import Opening
from serving.sessions.journal import MemoryJournalStore
from tests.unit.serving.engine.test_engine import FakeClock, RecordingSink

NUM_CHUNKS = 7  # more than its window holds


def play(config: EngineConfig, seeds: Sequence[int]) -> list[list[Tensors]]:
    torch.set_num_threads(1)
    model, clock = load_model("pearl-xs"), FakeClock()
    transformer = model.load_transformer(1)
    assert isinstance(transformer, PearlTransformer)
    transformer.prepare(config.num_rooms)
    schedule = ScheduleConfig(chunk_duration_s=model.info.chunk_duration_s)
    schedule = replace(schedule, batch_sizes=transformer.batch_sizes)
    engine = Engine(
        transformer, model.info, config=config, schedule_config=schedule, journals=MemoryJournalStore(), clock=clock
    )
    sinks = [RecordingSink() for _ in seeds]
    for seed, sink in zip(seeds, sinks, strict=True):
        opened = engine.open(Opening(session_id=f"s-{seed}", seed=seed), sink)
        engine.run_round()
        opened.result(timeout=0)
        engine.grant(f"s-{seed}", NUM_CHUNKS)
    while min(len(sink.chunks) for sink in sinks) < NUM_CHUNKS:
        clock.now_s += engine.run_round() or 0.0
    return [[chunk.video for chunk in sink.chunks if chunk.video is not None] for sink in sinks]


def test_sessions_that_take_turns_in_one_room_make_the_chunks_they_make_alone() -> None:
    together = play(EngineConfig(num_slots=2, num_resident=1), (3, 4))
    apart = play(EngineConfig(num_slots=2), (3, 4))
    for ours, theirs in zip(together, apart, strict=True):
        assert len(ours) == len(theirs) == NUM_CHUNKS
        for one, other in zip(ours, theirs, strict=True):
            for name, value in one.items():
                np.testing.assert_array_equal(value, other[name])
