"""Where recordings are made for those who download them: of a session of a region, on a disk there."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from serving.catalogue.regions import Region
from serving.catalogue.storage import storage_config
from serving.errors import RegionRefusedError
from serving.export.config import RecordingConfig
from serving.export.exports import Exports


def test_e02_a_film_is_made_in_the_region_of_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, spool = tmp_path / "tmp", tmp_path / "eu" / "spool"
    home.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    eu = Region(name="eu", snapshots=str(tmp_path / "eu" / "store"), spool=str(spool))
    exports = Exports(storage_config(str(tmp_path / "home"), regions=(eu,)), RecordingConfig(), None)
    pinned, free = exports._folder_for("s-eu-5b1c2d3e4f5a6b7c8d"), exports._folder_for("s-5b1c2d3e4f5a6b7c8d")
    assert (pinned.parent, free.parent) == (spool, home)
    assert exports._folder_for("s-eu-000000000000000000") == pinned
    with pytest.raises(RegionRefusedError):
        exports._folder_for("s-moon-5b1c2d3e4f5a6b7c8d")
    exports.close()
    assert not pinned.exists()
    assert not free.exists()
