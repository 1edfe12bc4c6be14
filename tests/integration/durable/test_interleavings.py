"""Verbs in any order and at the same time: nothing hangs, nothing is lost, and every control has one outcome.

A few short runs here; `make fuzz` (`python -m bench fuzz`) makes 500 of 30 verbs, by the variables below.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nacre
from serving.sessions.snapshot_store import SnapshotStore
from tests.fakes_model import INFO
from tests.integration.durable.harness import Service, service
from tests.integration.durable.test_long_records import assert_same_from_every_snapshot

NUM_RUNS = int(os.environ.get("NACRE_FUZZ_RUNS", "4"))
NUM_VERBS = int(os.environ.get("NACRE_FUZZ_VERBS", "12"))
# Where each run that ended well leaves a line; a result is made of them.
RUNS_FILE = os.environ.get("NACRE_FUZZ_LOG", "")
VERB_TIMEOUT_S = 30.0
# Ten times as fast as the embedded model, so that a run takes a second.
FAST = replace(INFO, frame_rate=125.0, sample_rate_hz=160_000)
MAX_SESSIONS = 4
VERBS = (
    "move", "look", "say", "pause", "resume", "save", "load", "fork", "fork_past", "rewind", "park", "enter", "leave",
    "share", "branches", "change_worker", "end", "delete", "list",
)  # fmt: skip
# What may be said to a verb that came at the wrong moment; anything else is a defect.
REFUSALS = (
    nacre.Conflict,
    nacre.SessionEnded,
    nacre.NotFound,
    nacre.InvalidArgument,
    nacre.LimitReached,
    nacre.Unavailable,  # on its way to another worker, or the machine is too busy for the catalogue's patience
)


@dataclass
class Entered:
    world: nacre.World
    reader: asyncio.Task[None]
    last_index: int = -1
    faults: list[str] = field(default_factory=list)


@dataclass
class Life:
    """One run: a few sessions, and whoever plays them."""

    kept: Service
    sessions: list[nacre.Session] = field(default_factory=list)
    entered: dict[str, Entered] = field(default_factory=dict)
    receipts: list[nacre.Receipt] = field(default_factory=list)
    worlds: list[nacre.SavedWorld] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    num_asked: Counter[str] = field(default_factory=Counter)
    num_refused: Counter[str] = field(default_factory=Counter)
    num_cut: int = 0  # records, each at one of its snapshots

    async def do(self, verb: str, number: int) -> None:
        session = self.sessions[number % len(self.sessions)] if self.sessions else None
        self.num_asked[verb] += 1
        try:
            async with asyncio.timeout(VERB_TIMEOUT_S):
                if session is None:
                    await self._add(await self.kept.client.create(prompt="a street", seed=1 + number))
                else:
                    await self._do(verb, number, session)
        except REFUSALS as refusal:
            self.num_refused[type(refusal).__name__] += 1

    async def _do(self, verb: str, number: int, session: nacre.Session) -> None:
        entered = self.entered.get(session.id)
        match verb:
            case "move" | "look" | "say" if entered is not None:
                self.receipts.append(_control(entered.world, verb, number))
            case "pause" | "resume" | "park" | "branches":
                await getattr(session, verb)()
            case "save":
                self.worlds.append(await session.save("world"))
            case "load" if self.worlds:
                await self._add(await self.kept.client.load(world_id=self.worlds[number % len(self.worlds)].world_id))
            case "fork":
                await self._add(await session.fork())
            case "fork_past":
                await self._add(await session.fork(chunk_index=number % 40))
            case "rewind":
                await session.rewind(chunk_index=number % 40)
            case "enter" if entered is None:
                await self._enter(session)
            case "leave" if entered is not None:
                await self._leave(session)
            case "share":
                await self._share(session, number)
            case "change_worker":
                await self.kept.move(session)
            case "end":
                await session.end()
            case "delete":
                await self._delete(session)
            case "list":
                assert all([each.session_id async for each in self.kept.client.sessions()])
            case _:
                await asyncio.sleep(0.01)

    async def _add(self, session: nacre.Session) -> None:
        self.ids.add(session.id)
        if len(self.sessions) >= MAX_SESSIONS:
            await session.end()
            return
        self.sessions.append(session)
        await self._enter(session)

    async def _enter(self, session: nacre.Session) -> None:
        world = await session.enter(video="rgb", audio="pcm").__aenter__()
        entered = Entered(world=world, reader=asyncio.create_task(asyncio.sleep(0)))
        entered.reader = asyncio.create_task(_read(entered))
        self.entered[session.id] = entered

    async def _leave(self, session: nacre.Session) -> None:
        entered = self.entered.pop(session.id)
        await entered.world.__aexit__(None, None, None)
        await asyncio.wait([entered.reader])
        self.faults += entered.faults

    async def _share(self, session: nacre.Session, number: int) -> None:
        link = await session.share(("view", "join", "fork", "direct")[number % 4])
        opened = await self.kept.client.open_share(link.token)
        if opened.id != session.id:
            await self._add(opened)
        await session.revoke(link)

    async def _delete(self, session: nacre.Session) -> None:
        await session.delete()
        self.sessions.remove(session)
        self.ids.discard(session.id)
        if session.id in self.entered:
            await self._leave(session)

    async def end(self) -> None:
        async with asyncio.timeout(VERB_TIMEOUT_S):
            for session in list(self.sessions):
                if session.id in self.entered:
                    await self._leave(session)
                with contextlib.suppress(*REFUSALS):
                    await session.end()


def _control(world: nacre.World, verb: str, number: int) -> nacre.Receipt:
    if verb == "say":
        return world.say(f"sentence {number}")
    return world.move(forward=(number % 3 - 1) / 10) if verb == "move" else world.look(yaw=(number % 3 - 1) / 10)


async def _read(entered: Entered) -> None:
    """Every index follows the one before, but where the world went back."""
    rewinds = 0
    try:
        async for chunk in entered.world:
            if entered.last_index >= 0 and chunk.index != entered.last_index + 1:
                if len(entered.world.rewinds) == rewinds:
                    entered.faults.append(f"chunk {chunk.index} came after {entered.last_index}")
                rewinds = len(entered.world.rewinds)
            entered.last_index = chunk.index
    except nacre.NacreError:
        pass  # parked or ended under our feet


async def live(steps: list[tuple[str, int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with service(Path(folder), num_workers=2, num_slots=6, info=FAST) as kept:
            life = Life(kept)
            together: list[asyncio.Task[None]] = []
            for verb, number, waits in [("create", 1, True), *steps]:
                together.append(asyncio.create_task(life.do(verb, number)))
                if waits:
                    await asyncio.gather(*together)
                    together.clear()
            await asyncio.gather(*together)
            await life.end()
            assert life.faults == []
            assert all(receipt.is_settled for receipt in life.receipts)
            async with asyncio.timeout(VERB_TIMEOUT_S):
                while any(kept.used_slots()):
                    await asyncio.sleep(0.02)
            store = SnapshotStore.open(kept.storage.snapshots)
            with kept.database as database:
                for session_id in life.ids:
                    assert kept.replayed(session_id).is_same
                    life.num_cut += assert_same_from_every_snapshot(database, store, session_id)
            _note_run(life)


def _note_run(life: Life) -> None:
    if not RUNS_FILE:
        return
    noted = {
        "verbs": life.num_asked,
        "refusals": life.num_refused,
        "controls": len(life.receipts),
        "sessions": len(life.ids),
        "cuts": life.num_cut,
    }
    with Path(RUNS_FILE).open("a") as file:
        file.write(json.dumps(noted) + "\n")


STEPS = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 99), st.booleans()), min_size=NUM_VERBS, max_size=NUM_VERBS
)


@pytest.mark.timeout(60 + 10 * NUM_RUNS)
@settings(
    max_examples=NUM_RUNS, deadline=None, derandomize=NUM_RUNS < 100, suppress_health_check=[HealthCheck.too_slow]
)
@given(STEPS)
def test_w05_verbs_in_any_order_break_nothing(steps: list[tuple[str, int, bool]]) -> None:
    asyncio.run(live(steps))
