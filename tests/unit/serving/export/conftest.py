"""What recordings take is on record in catalogues."""

from __future__ import annotations

from tests.catalogues import database, migrated_url, postgres_folder, shared_postgres

__all__ = ["database", "migrated_url", "postgres_folder", "shared_postgres"]
