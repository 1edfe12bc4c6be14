"""What a session goes on with is the same from the end of its record as from all of it, wherever it is cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import nacre
from model.interface import ChunkControls
from serving.catalogue.database import Database
from serving.catalogue.histories import whole_history
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.tails import entries_of, history_since
from serving.engine.script import Script, write_script
from serving.sessions.snapshot_store import SnapshotStore
from tests.fakes_model import INFO
from tests.integration.durable.harness import Service, service, take

# Ten times as fast as the embedded model.
FAST = replace(INFO, frame_rate=125.0, sample_rate_hz=160_000)
NUM_STEPS = 36


async def play(kept: Service, session: nacre.Session, random: Random) -> None:
    """All kinds of controls, and the session moves and goes back in between."""
    async with session.enter(video="rgb", audio="pcm") as world:
        for step in range(NUM_STEPS):
            match random.randrange(6):
                case 0 | 1:
                    world.move(forward=random.choice((-1.0, 0.0, 1.0)))
                case 2:
                    world.look(yaw=random.choice((-0.5, 0.5)))
                case 3:
                    world.say(f"it rains {step}")
                case 4:
                    due = world.say("it snows", when=nacre.at(chunk=step * 4 + random.randrange(30)))
                    world.look(pitch=0.5, when=nacre.after(due))
                case _:
                    world.say("night falls", when=nacre.after(0.1))
            await take(world, random.randrange(1, 6))
            if step % 9 == 5:
                await kept.move(session)
            if step == 20:
                await session.rewind(chunk_index=step)
    await session.end()


def plain(script: Script) -> tuple[object, ...]:
    """To be compared: arrays as their bytes."""
    return (
        script.first_chunk_idx,
        script.deliver_from,
        [plain_controls(each) for each in script.controls],
        script.held,
        [each.control_id for each in script.waiting],
        [each.schedule for each in script.waiting],
    )


def plain_controls(controls: ChunkControls) -> tuple[object, ...]:
    words = [sorted((name, array.tobytes()) for name, array in each.items()) for each in controls.directives]
    return replace(controls, directives=()), words


def assert_same_from_every_snapshot(database: Database, store: SnapshotStore, session_id: str) -> int:
    """Gives how many of them the record could be cut at."""
    num_cut, whole = 0, whole_history(database, session_id)
    for row in Snapshots(database).of(session_id):
        engine = store.load(row.key, FAST).engine
        tail = history_since(database, session_id, row.key, engine)
        if tail is None:
            continue
        num_cut += 1
        first = engine.next_chunk_idx
        assert len(tail.entries) <= len(whole.entries)
        assert (tail.opening.seed, tail.timeline, tail.model) == (whole.opening.seed, whole.timeline, whole.model)
        for deliver_from in (first, first + 3):
            for is_rewind in (False, True):
                expected = write_script(whole.entries, first, deliver_from, is_rewind=is_rewind)
                script = write_script(tail.entries, first, deliver_from, is_rewind=is_rewind, held=engine.held)
                assert plain(script) == plain(expected), (row.key, deliver_from, is_rewind)
    return num_cut


async def test_d10_a_session_goes_on_from_the_end_of_its_record_as_from_all_of_it(tmp_path: Path) -> None:
    async with service(tmp_path, num_workers=2, num_slots=4, info=FAST) as kept:
        session = await kept.client.create(prompt="a quiet street", seed=5)
        await play(kept, session, Random(7))
        fork = await session.fork(chunk_index=40)
        await play(kept, fork, Random(8))
        store = SnapshotStore.open(kept.storage.snapshots)
        with kept.database as database:
            for session_id in (session.id, fork.id):
                assert kept.replayed(session_id).is_same
                assert assert_same_from_every_snapshot(database, store, session_id) >= 3
            entries = {entry.control.control_id: entry for entry in whole_history(database, session.id).entries}
            found = entries_of(database, session.id, [*entries, "never-sent"])
            assert {each: found[each].applied_chunk_idx for each in entries} == {
                each: entry.applied_chunk_idx for each, entry in entries.items()
            }
            assert "never-sent" not in found
