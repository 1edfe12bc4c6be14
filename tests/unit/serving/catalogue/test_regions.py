"""What belongs to a region is found by a session's id, and nothing of it goes elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.catalogue.database import Database
from serving.catalogue.journal import Batch
from serving.catalogue.regional_spool import RegionalSpool
from serving.catalogue.regions import Region, Residency, place_of
from serving.catalogue.storage import storage_config
from serving.errors import InvalidFieldError, RegionRefusedError
from serving.sessions import record_codec
from serving.sessions.names import new_session_id, region_of
from serving.sessions.records import JournalHead, seal


def batch(session_id: str) -> Batch:
    records = seal(session_id, 1, JournalHead(), [record_codec.applied("c-1", 1)])
    return Batch(session_id=session_id, epoch=1, head=JournalHead(), records=records)


def test_e02_a_sessions_id_says_its_region() -> None:
    assert region_of(new_session_id("eu")) == "eu"
    assert region_of(new_session_id()) == ""
    for word in ("s-1", "s-eu-1", "s-from-elsewhere", "w-eu-" + "0" * 18, "s-EU-" + "0" * 18):
        assert region_of(word) == ""


def test_e02_what_waits_for_the_catalogue_waits_in_its_region(tmp_path: Path) -> None:
    mine, other = batch(new_session_id("eu")), batch(new_session_id())
    spool = RegionalSpool({"": tmp_path / "home", "eu": tmp_path / "eu"}, "me.db")
    spool.add([mine, other])
    assert spool.num_records == 2
    for folder, own, foreign in (("home", other, mine), ("eu", mine, other)):
        written = b"".join(each.read_bytes() for each in (tmp_path / folder).iterdir())
        assert own.session_id.encode() in written
        assert foreign.session_id.encode() not in written
    taken = []
    while (oldest := spool.oldest()).batches:
        taken += [each.session_id for each in oldest.batches]
        spool.remove(oldest)
    assert sorted(taken) == sorted([mine.session_id, other.session_id])
    spool.close()
    assert not any(each.is_file() for each in tmp_path.rglob("*"))


def test_e02_a_region_that_is_not_here_is_refused() -> None:
    with pytest.raises(RegionRefusedError, match="us"):
        place_of(new_session_id("us"), "home", {"eu": "eu"})
    assert place_of(new_session_id("eu"), "home", {"eu": "eu"}) == "eu"


def test_regions_are_named_once_and_well() -> None:
    eu = Region(name="eu", snapshots="a", spool="b")
    with pytest.raises(ValueError, match="same name"):
        storage_config("x", regions=(eu, eu))
    with pytest.raises(ValueError, match="a region's name"):
        Region(name="EU-1", snapshots="a", spool="b")


def test_e02_a_pin_is_kept_and_may_change_while_there_is_nothing(database: Database) -> None:
    residency = Residency(database, "eu")
    assert residency.region_for("acme") == ""
    residency.pin("acme", "eu")
    residency.pin("acme", "eu")
    assert residency.all() == {"acme": "eu"}
    with pytest.raises(InvalidFieldError):
        residency.pin("acme", "Eu!")
