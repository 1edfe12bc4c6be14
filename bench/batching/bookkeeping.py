"""What the engine itself costs beside the steps: planning, mailboxes, journals, handing over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.batching.worlds import SENTENCES, WARM_CHUNKS, controls_of
from model.interface import ChunkControls, ChunkLatents, Encoder, Model, SessionState, Tensors, Transformer
from serving.engine.config import EngineConfig
from serving.engine.engine import Engine
from serving.engine.schedule import ScheduleConfig
from serving.sessions.contract import Look, Move, Notice, SnapshotRequest
from serving.sessions.encoded import EncodedControl, LatentChunk, Opening
from serving.sessions.journal import MemoryJournalStore
from serving.sessions.snapshot import EngineSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class BookkeepingFigures:
    num_sessions: int
    num_steps: int
    step_cpu_s: float  # of all steps
    round_cpu_s: float  # of all that the engine's thread did, steps in it

    @property
    def share(self) -> float:
        return (self.round_cpu_s - self.step_cpu_s) / self.step_cpu_s


@dataclass(slots=True, kw_only=True)
class TimedTransformer:
    """Another transformer, and the processor time of its steps."""

    of: Transformer
    step_cpu_s: float = 0.0
    num_steps: int = 0

    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> SessionState:
        return self.of.open(seed, prompt, image)

    def restore(self, snapshot: Tensors) -> SessionState:
        return self.of.restore(snapshot)

    def step(self, states: Sequence[SessionState], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        started_s = time.thread_time()
        latents = self.of.step(states, controls)
        self.step_cpu_s += time.thread_time() - started_s
        self.num_steps += 1
        return latents


@dataclass(slots=True, kw_only=True)
class Clock:
    """Goes on by what the engine waits."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(slots=True, kw_only=True)
class Listener:
    """A session's sink that keeps nothing."""

    num_chunks: int = 0
    notices: list[Notice] = field(default_factory=list)

    def outcomes(self, outcomes: tuple[Notice, ...]) -> None: ...

    def chunk(self, chunk: LatentChunk) -> None:
        self.num_chunks += 1

    def snapshot(self, snapshot: EngineSnapshot, request: SnapshotRequest) -> None: ...

    def leave(self) -> None: ...

    def ended(self, reason: str, message: str) -> None: ...


def measure_bookkeeping(model: Model, num_sessions: int, num_chunks: int) -> BookkeepingFigures:
    """Every session is sent a move and a look for each chunk: more than a person does."""
    transformer, clock = TimedTransformer(of=model.load_transformer(1)), Clock()
    engine = Engine(
        transformer,
        model.info,
        config=EngineConfig(num_slots=num_sessions),
        schedule_config=ScheduleConfig(chunk_duration_s=model.info.chunk_duration_s),
        journals=MemoryJournalStore(),
        clock=clock,
    )
    listeners = _open(engine, model.load_encoder(), num_sessions)
    _play(engine, clock, listeners, WARM_CHUNKS)
    transformer.step_cpu_s, transformer.num_steps = 0.0, 0
    started_s = time.thread_time()
    _play(engine, clock, listeners, WARM_CHUNKS + num_chunks)
    return BookkeepingFigures(
        num_sessions=num_sessions,
        num_steps=transformer.num_steps,
        step_cpu_s=transformer.step_cpu_s,
        round_cpu_s=time.thread_time() - started_s,
    )


def _open(engine: Engine, encoder: Encoder, num_sessions: int) -> list[Listener]:
    listeners = [Listener() for _ in range(num_sessions)]
    for number, listener in enumerate(listeners):
        prompt = encoder.encode_text(SENTENCES[number % len(SENTENCES)])
        opened = engine.open(Opening(session_id=f"s-{number}", seed=number + 1, prompt=prompt), listener)
        engine.run_round()
        opened.result(timeout=0)
    return listeners


def _play(engine: Engine, clock: Clock, listeners: Sequence[Listener], until: int) -> None:
    told = [listener.num_chunks for listener in listeners]
    for number, listener in enumerate(listeners):
        engine.grant(f"s-{number}", until - listener.num_chunks)
    while min(listener.num_chunks for listener in listeners) < until:
        for number, listener in enumerate(listeners):
            if listener.num_chunks > told[number]:
                told[number] = listener.num_chunks
                _control(engine, number, listener.num_chunks)
        clock.now_s += engine.run_round() or 0.0


def _control(engine: Engine, number: int, chunk_idx: int) -> None:
    controls = controls_of(number, chunk_idx)
    for kind in (Move(forward=controls.forward, strafe=0.0), Look(yaw=controls.yaw, pitch=0.0)):
        control_id = f"{type(kind).__name__}-{chunk_idx}"
        engine.post(f"s-{number}", EncodedControl(control_id=control_id, kind=kind, received_s=0.0))
