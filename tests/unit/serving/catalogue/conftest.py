from __future__ import annotations

from tests.catalogues import catalogue_url, database, migrated_url, postgres_folder, shared_postgres

__all__ = ["catalogue_url", "database", "migrated_url", "postgres_folder", "shared_postgres"]
