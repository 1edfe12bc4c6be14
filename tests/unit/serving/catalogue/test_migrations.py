"""Catalogues of old, with what was in them, brought up to date."""

from __future__ import annotations

import json
from dataclasses import replace

import alembic.command
import alembic.config
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from serving.access.ownership import Ownership
from serving.catalogue.database import MIGRATIONS, Database
from serving.catalogue.receipts import Receipts
from serving.catalogue.schema import metadata
from serving.catalogue.sessions import ENDED, Sessions
from serving.catalogue.snapshots import Snapshots
from serving.catalogue.worlds import NewWorld, Worlds
from serving.sessions.receipts import FIRST_HASH, Receipt
from serving.sessions.snapshot_store import SnapshotKey
from tests.catalogues import new_session

ONE, TWO, THREE = (bytes([mark]) * 32 for mark in (1, 2, 3))


def make_old(database: Database) -> None:
    """As the first version made it."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.write() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")


def fill_old(database: Database) -> None:
    worlds = [("w-1", "dusk", 5.0), ("w-2", "dawn", 6.0), ("w-3", "dusk", 7.0), ("w-4", "dusk", 7.0)]
    sessions = [("s-1", "w-3", 4), ("s-2", None, 1)]
    with database.write() as connection:
        for world_id, name, created_s in worlds:
            values = {"id": world_id, "name": name, "spec": json.dumps({"seed": 7}), "at": created_s}
            connection.execute(text("INSERT INTO worlds VALUES (:id, :name, :spec, :at)"), values)
        for session_id, world_id, epoch in sessions:
            connection.execute(
                text(
                    "INSERT INTO sessions VALUES (:id, :world, 'fake', 'x', :spec, 'ended', 'REQUESTED', 1.0, 2.0, 3, "
                    "'', :epoch, 0.0, 1, :hash, :hash)"
                ),
                {"id": session_id, "world": world_id, "spec": '{"seed": 7}', "epoch": epoch, "hash": ONE},
            )
        connection.execute(text("INSERT INTO branches VALUES ('s-2', 's-1', 10, 3.0)"))
        connection.execute(text("INSERT INTO snapshots VALUES ('s-1', 2, 100, 5, 'rain', 1000, 4.0)"))
        for first, hashes in ((0, ONE + TWO), (2, THREE)):
            connection.execute(
                text("INSERT INTO receipts VALUES ('s-1', :first, :num, :hashes)"),
                {"first": first, "num": len(hashes) // 32, "hashes": hashes},
            )


def test_a_catalogue_of_the_first_version_keeps_what_it_holds(catalogue_url: str) -> None:
    with Database(catalogue_url) as database:
        make_old(database)
        fill_old(database)
        database.migrate()
        with database.read() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        row = Sessions(database).find("s-1")
        assert (row.state, row.world_id, row.lease.epoch, row.seed, row.journal_hash) == (ENDED, "w-3", 4, 7, ONE)
        [branch] = Sessions(database).lineage("s-2")
        assert (branch.parent_session_id, branch.parent_chunk_idx, branch.parent_epoch, branch.label) == (
            "s-1",
            10,
            4,
            "",
        )
        [snapshot] = Snapshots(database).of("s-1")
        assert snapshot.key == SnapshotKey(session_id="s-1", epoch=2, chunk_idx=100, kind="exact")
        assert snapshot.name == "rain"
        assert Receipts(database).of("s-1") == [
            Receipt(chunk_idx=0, hash=ONE, previous=FIRST_HASH),
            Receipt(chunk_idx=1, hash=TWO, previous=ONE),
            Receipt(chunk_idx=2, hash=THREE, previous=TWO),
        ]
        assert Receipts(database).at("s-1", 2) == Receipts(database).last("s-1")


def test_worlds_of_old_become_versions_of_their_names(catalogue_url: str) -> None:
    with Database(catalogue_url) as database:
        make_old(database)
        fill_old(database)
        database.migrate()
        worlds = Worlds(database)
        found = [worlds.find_named("dusk", version) for version in (1, 2, 3)]
        assert [world and world.world_id for world in found] == ["w-1", "w-3", "w-4"]
        dawn = worlds.find("w-2")
        assert dawn is not None
        assert (dawn.version, dawn.session_id, dict(dawn.spec), dawn.kind) == (1, None, {"seed": 7}, "recipe")
        assert worlds.delete("w-4") is not None
        Sessions(database).create(new_session("s-9"))
        new = NewWorld(
            world_id="w-9",
            name="dusk",
            model="fake",
            weights_sha256="x",
            spec={},
            session_id="s-9",
            epoch=0,
            chunk_idx=0,
        )
        assert worlds.add(new).version == 4
        others = replace(new, world_id="w-10", ownership=Ownership(tenant_id="acme"))
        assert worlds.add(others).version == 1


def test_what_is_of_old_is_the_default_tenants(catalogue_url: str) -> None:
    with Database(catalogue_url) as database:
        make_old(database)
        fill_old(database)
        database.migrate()
        world = Worlds(database).find("w-1")
        assert world is not None
        assert world.ownership == Sessions(database).find("s-1").ownership == Ownership()
