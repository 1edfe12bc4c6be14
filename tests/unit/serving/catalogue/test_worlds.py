"""Worlds: saved under a name, version after version, and found again."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from serving.catalogue.database import Database
from serving.catalogue.deletion import Removed
from serving.catalogue.sessions import Sessions
from serving.catalogue.worlds import NewWorld, WorldRow, Worlds
from serving.errors import SessionNotFoundError
from tests.catalogues import new_session

SPEC = {"prompt": "a quiet street at dusk", "seed": 7}


@pytest.fixture
def worlds(database: Database) -> Worlds:
    Sessions(database).create(new_session())
    return Worlds(database, clock=lambda: 5.0)


def new_world(world_id: str = "w-1", name: str = "dusk") -> NewWorld:
    return NewWorld(
        world_id=world_id,
        name=name,
        model="fake",
        weights_sha256="0" * 64,
        spec=SPEC,
        session_id="s-1",
        epoch=3,
        chunk_idx=250,
        num_bytes=3_000_000,
        note="before the rain",
    )


def test_w09_a_world_is_found_as_it_was_saved(worlds: Worlds) -> None:
    added = worlds.add(new_world())
    assert added == WorldRow(
        world_id="w-1",
        name="dusk",
        version=1,
        session_id="s-1",
        epoch=3,
        chunk_idx=250,
        kind="exact",
        num_bytes=3_000_000,
        model="fake",
        weights_sha256="0" * 64,
        spec=SPEC,
        note="before the rain",
        created_s=5.0,
    )
    assert worlds.find("w-1") == worlds.find_named("dusk") == worlds.find_named("dusk", 1) == added
    assert (worlds.find("w-2"), worlds.find_named("dawn"), worlds.find_named("dusk", 2)) == (None, None, None)
    assert (worlds.of_session("s-1"), worlds.of_session("s-2")) == ([added], [])


def test_w09_every_save_of_a_name_is_its_next_version_and_none_is_given_twice(worlds: Worlds) -> None:
    assert [worlds.add(new_world(f"w-{number}")).version for number in range(3)] == [1, 2, 3]
    assert worlds.add(new_world("other", "dawn")).version == 1
    worlds.delete("w-2")
    latest = worlds.find_named("dusk")
    assert latest is not None
    assert (latest.world_id, latest.version) == ("w-1", 2)
    assert worlds.add(new_world("w-9")).version == 4


def test_of_many_that_save_at_once_each_gets_a_version(worlds: Worlds, database: Database) -> None:
    versions = []

    def save(number: int) -> None:
        versions.append(Worlds(database).add(new_world(f"w-{number}")).version)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == [1, 2, 3, 4, 5, 6]


def test_a_moment_of_no_session_cannot_be_saved(worlds: Worlds) -> None:
    with pytest.raises(SessionNotFoundError):
        worlds.add(replace(new_world(), session_id="never"))
    assert worlds.add(new_world()).version == 1


def test_worlds_are_listed_page_by_page_all_or_those_of_a_name(database: Database, worlds: Worlds) -> None:
    for number in range(5):
        name = "dawn" if number == 2 else "dusk"
        Worlds(database, clock=lambda number=number: float(number)).add(new_world(f"w-{number}", name))
    first, cursor = worlds.page(3)
    rest, end = worlds.page(3, cursor)
    assert [world.world_id for world in first + rest] == ["w-4", "w-3", "w-2", "w-1", "w-0"]
    assert end == ""
    assert [world.world_id for world in worlds.page(9, name="dawn")[0]] == ["w-2"]


def test_p01_deleting_a_world_leaves_the_sessions_that_started_from_it(worlds: Worlds, database: Database) -> None:
    sessions = Sessions(database)
    worlds.add(new_world())
    sessions.fork(replace(new_session("loaded"), world_id="w-1"), "s-1", 250, parent_epoch=0)
    assert sessions.find("loaded").world_id == "w-1"
    assert worlds.delete("w-1") == Removed()
    assert worlds.delete("w-1") is None
    row = sessions.find("loaded")
    assert (row.world_id, row.spec["prompt"]) == (None, "a quiet street at dusk")
    assert sessions.find("s-1").session_id == "s-1"
