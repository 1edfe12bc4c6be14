"""A moment as a file: taken from one service, kept by another, gone on with there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import nacre
from tests.integration.durable.harness import assert_same, service, take


async def test_p01_an_exact_moment_goes_on_elsewhere_as_it_would_have_here(tmp_path: Path) -> None:
    async with service(tmp_path / "here") as here, service(tmp_path / "there") as there:
        session = await here.client.create(prompt="a quiet street at dusk", seed=7, licence="CC-BY-4.0")
        async with session.enter(video="rgb", audio="pcm") as world:
            await world.say("it starts to rain")
            data = await session.export(exact=True)
            after = await take(world, 24)
        brought = await there.client.import_world(data, "by post", note="from a friend")
        assert (brought.name, brought.version, brought.note) == ("by post", 1, "from a friend")
        assert brought.world.prompt == "a quiet street at dusk"
        digest = hashlib.sha256(data).hexdigest()
        assert (brought.provenance.licence, brought.provenance.inputs) == ("CC-BY-4.0", ("words", f"file:{digest}"))
        loaded = await there.client.load(name="by post")
        async with loaded.enter(video="rgb", audio="pcm") as world:
            goes_on = [chunk for chunk in after if chunk.index >= brought.chunk_index]
            assert_same(await take(world, len(goes_on)), goes_on)
            await world.move(forward=0.1)
            await take(world, 6)
            rewind = await loaded.rewind(chunk_index=brought.chunk_index + 2)
            await take(world, 3)
        assert rewind.chunk_index == brought.chunk_index + 2
        assert there.replayed(loaded.id).is_same
        fork = await loaded.fork(chunk_index=brought.chunk_index + 1)
        async with fork.enter(video="rgb", audio="pcm") as world:
            assert_same(await take(world, 1), [chunk for chunk in goes_on if chunk.index == brought.chunk_index + 1])


async def test_p01_files_that_are_none_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    async with service(tmp_path / "data") as kept:
        session = await kept.client.create(prompt="a quiet street at dusk")
        async with session.enter(video="rgb", audio="pcm") as world:
            await take(world, 2)
            data = await session.export(exact=True)
        for hostile in (b"", b"not a zip", data[:-100], data.replace(b"nacre-snapshot", b"nacre-snapsh0t")):
            with pytest.raises(nacre.NacreError) as caught:
                await kept.client.import_world(hostile, "bad")
            assert caught.value.reason == "SNAPSHOT_REFUSED"
        assert [each async for each in kept.client.worlds()] == []
        assert [each.session_id async for each in kept.client.sessions()] == [session.id]
        await session.end()
        with pytest.raises(nacre.Conflict, match="does not run"):
            await session.export()
