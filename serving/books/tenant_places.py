"""Where entries of tenants may wait on a disk: with whoever is pinned to a region, in that region."""

from __future__ import annotations

import logging
from pathlib import Path

from serving.catalogue.database import Database
from serving.catalogue.regions import Residency
from serving.catalogue.storage import StorageConfig
from serving.errors import NacreError, RegionRefusedError

logger = logging.getLogger(__name__)


class TenantPlaces:
    """As the catalogue said last. A tenant is pinned before its first session, and this asks every few seconds."""

    def __init__(self, database: Database, storage: StorageConfig) -> None:
        self._residency = Residency(database)
        self._home = Path(storage.spool)
        self._by_region = {region.name: Path(region.spool) for region in storage.regions}
        self._pinned: dict[str, str] = {}
        try:
            self.refresh()
        except NacreError as error:
            logger.warning("who is pinned where is not known yet: %s", error.message)

    @property
    def folders(self) -> list[Path]:
        return [self._home, *self._by_region.values()]

    def folder_of(self, tenant_id: str) -> Path:
        """Raises `RegionRefusedError` for one whose region is not here: it waits in memory alone."""
        region = self._pinned.get(tenant_id, "")
        if not region:
            return self._home
        if region not in self._by_region:
            raise RegionRefusedError(f"region {region} is not kept here")
        return self._by_region[region]

    def refresh(self) -> None:
        """Blocking. Raises `StorageUnavailableError`."""
        self._pinned = self._residency.all()
