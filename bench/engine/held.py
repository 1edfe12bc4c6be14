"""Sessions held at the model's rate by the real engine and decoders, in this process: how many chunks are on time.

A chunk is on time when it is decoded by the time its header says it is due. A chunk that was never made in the
time counts as late, so a worker cannot look better by letting its worlds slip. What sessions do now and then, as making
their windows again, they all do in the middle of the time that counts.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from bench.engine.loop import ModelLoop, first_conditions
from bench.engine.solo import SEED
from model.interface import Model, Tensors
from serving.engine.config import EngineConfig
from serving.engine.overload import WHOLE, OverloadConfig
from serving.errors import SessionNotFoundError
from serving.local import HERE
from serving.sessions.encoded import DecodedPart, HeldAxes, Opening
from serving.sessions.snapshot import EngineSnapshot, SessionSnapshot
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.stage import Stage
from serving.stages.transformer import WorkerSession

ON_TIME_SHARE = 0.99
# Chunks a gateway lets a session have on the way; each one that is delivered lets in another.
CREDIT_CHUNKS = 4
# Not counted: sessions are opened one after the other, and the first chunk is the dearest.
SETTLE_S = 2.0
# And until their windows are full: chunks before that are quicker, or slower.
SETTLE_CHUNKS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Some sessions over some time."""

    num_sessions: int
    seconds: float
    num_expected: int
    num_made: int
    num_on_time: int

    @property
    def attainment(self) -> float:
        return self.num_on_time / self.num_expected

    @property
    def is_held(self) -> bool:
        return self.attainment >= ON_TIME_SHARE


@dataclass(slots=True)
class Punctuality:
    """Of one session. A `PartListener`."""

    grant: Callable[[], None]
    clock_s: Callable[[], float] = time.time
    is_counting: bool = False
    num_made: int = 0
    num_on_time: int = 0
    is_closed: bool = False
    margins_s: list[float] = field(default_factory=list)  # left until due; negative when late

    def decoded(self, part: DecodedPart) -> None:
        margin_s = part.header.due_s - self.clock_s()
        if self.is_counting:
            self.num_made += 1
            self.num_on_time += margin_s >= 0
            self.margins_s.append(margin_s)
        self.grant()

    def closed(self) -> None:
        self.is_closed = True


def held_of(listeners: list[Punctuality], seconds: float, chunk_duration_s: float) -> Held:
    """One chunk at either end is nobody's fault: a window of `seconds` holds so many, or one less."""
    num_expected = max(1, math.floor(seconds / chunk_duration_s) - 1) * len(listeners)
    num_made = sum(each.num_made for each in listeners)
    num_late = sum(each.num_made - each.num_on_time for each in listeners)
    return Held(
        num_sessions=len(listeners),
        seconds=seconds,
        num_expected=num_expected,
        num_made=num_made,
        num_on_time=max(0, min(num_made, num_expected) - num_late),
    )


def chunks_before(period_chunks: int, seconds: float, chunk_duration_s: float) -> int:
    """That a session has made when it is opened, so that the last chunk of its period comes in the middle of `seconds`
    after it has settled; 0 where it has no such period, or comes to it by itself."""
    settled_chunks = math.ceil(_settle_s(chunk_duration_s) / chunk_duration_s)
    return max(0, period_chunks - settled_chunks - math.ceil(seconds / chunk_duration_s / 2))


def aged(loop: ModelLoop, num_chunks: int) -> SessionSnapshot | None:
    """A session that has made so many chunks, for others to go on from; None for none. Decoders begin anew."""
    if not num_chunks:
        return None
    session = loop.open(SEED)
    for chunk_idx in range(num_chunks):
        loop.transformer.step([session.state], [loop.controls(chunk_idx)])
    tensors = session.state.snapshot()
    session.close()
    engine = EngineSnapshot(
        session_id="aged",
        seed=SEED,
        next_chunk_idx=num_chunks,
        journal_position=0,
        held=HeldAxes(),
        transformer=tensors,
    )
    return SessionSnapshot(engine=engine, caches={})


async def hold(
    model: Model, num_sessions: int, seconds: float, num_threads: int, past: SessionSnapshot | None = None
) -> Held:
    """Sessions that begin, or go on from `past`."""
    # Nobody gives passes up here: what is held is held in full.
    engine = EngineConfig(num_slots=num_sessions, overload=OverloadConfig(ladder=(WHOLE,)))
    config = WorkerConfig(stages=frozenset(Stage), num_threads=num_threads, engine=engine)
    host = StageHost(model, config)
    try:
        await host.load()
        async with AsyncExitStack() as stack:
            conditions = first_conditions(model.info, model.load_encoder())
            listeners = [await _open(stack, host, idx, conditions, past) for idx in range(num_sessions)]
            await asyncio.sleep(_settle_s(model.info.chunk_duration_s))
            _count(listeners, is_counting=True)
            await asyncio.sleep(seconds)
            _count(listeners, is_counting=False)
            return held_of(listeners, seconds, model.info.chunk_duration_s)
    finally:
        await host.close()


def _settle_s(chunk_duration_s: float) -> float:
    return max(SETTLE_S, SETTLE_CHUNKS * chunk_duration_s)


def most_held(rungs: list[Held]) -> int:
    """The most sessions that were held, with all fewer held too; 0 where not even the fewest were."""
    held = 0
    for rung in sorted(rungs, key=lambda each: each.num_sessions):
        if not rung.is_held:
            break
        held = rung.num_sessions
    return held


async def _open(
    stack: AsyncExitStack,
    host: StageHost,
    idx: int,
    conditions: tuple[Tensors | None, Tensors | None],
    past: SessionSnapshot | None,
) -> Punctuality:
    assert host.transformer is not None, "a host of every stage"
    assert host.decoder is not None, "a host of every stage"
    prompt, image = conditions
    opening = Opening(session_id=f"held-{idx}", seed=SEED + idx, prompt=prompt, image=image)
    session = await stack.enter_async_context(host.transformer.session(opening, [HERE], past))
    listener = Punctuality(_granting(session))
    host.decoder.watch(opening.session_id, listener)
    session.grant(CREDIT_CHUNKS)
    return listener


def _granting(session: WorkerSession) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def grant() -> None:
        with suppress(SessionNotFoundError):  # what was decoded last may come after the end
            session.grant(1)

    return lambda: _on(loop, grant)


def _on(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)


def _count(listeners: list[Punctuality], *, is_counting: bool) -> None:
    for listener in listeners:
        listener.is_counting = is_counting
