from __future__ import annotations

from dataclasses import replace

from serving.catalogue.database import Database
from serving.catalogue.sessions import Sessions
from serving.catalogue.worlds import Worlds
from tests.catalogues import new_session

SPEC = {"prompt": "a quiet street at dusk", "seed": 7}


def test_a_world_is_found_as_it_was_added(database: Database) -> None:
    worlds = Worlds(database, clock=lambda: 5.0)
    added = worlds.add("w-1", "dusk", SPEC)
    assert worlds.find("w-1") == added
    assert (added.name, dict(added.spec), added.created_s) == ("dusk", SPEC, 5.0)
    assert worlds.find("w-2") is None


def test_the_newest_worlds_come_first(database: Database) -> None:
    for number in range(4):
        Worlds(database, clock=lambda number=number: float(number)).add(f"w-{number}", "dusk", SPEC)
    assert [world.world_id for world in Worlds(database).latest(2)] == ["w-3", "w-2"]


def test_removing_a_world_leaves_the_sessions_that_started_from_it(database: Database) -> None:
    worlds, sessions = Worlds(database), Sessions(database)
    worlds.add("w-1", "dusk", SPEC)
    sessions.create(replace(new_session("s-1"), world_id="w-1"))
    assert sessions.find("s-1").world_id == "w-1"
    assert worlds.remove("w-1")
    assert not worlds.remove("w-1")
    row = sessions.find("s-1")
    assert (row.world_id, row.spec["prompt"]) == (None, "a quiet street at dusk")
