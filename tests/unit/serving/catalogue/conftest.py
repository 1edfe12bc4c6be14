from __future__ import annotations

from pathlib import Path

import pytest

from serving.catalogue.database import Database
from tests.catalogue_line import Catalogue, behind_a_line
from tests.catalogues import catalogue_url, database, migrated_url, postgres_folder, shared_postgres

__all__ = ["catalogue_url", "database", "migrated_url", "postgres_folder", "shared_postgres"]


@pytest.fixture
def catalogue(database: Database, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    return behind_a_line(database, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"
