"""Where sessions are kept: the catalogue and the snapshot store, made from settings."""

from __future__ import annotations

import os
import re
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from serving.catalogue.database import Database, checked_url, sqlite_url
from serving.catalogue.regions import Region, Residency
from serving.catalogue.retention import RetentionConfig
from serving.errors import StorageUnavailableError

CATALOGUE_FILE = "catalogue.db"
SNAPSHOTS_FOLDER, SPOOL_FOLDER = "snapshots", "spool"
MAX_HOST_CHARS = 40  # of a worker's name, so that it is an id
PRIVATE = 0o700  # worlds are their owners' business


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    catalogue_url: str
    snapshots: str  # a folder, or a URL such as s3://bucket/prefix
    spool: str  # a folder on the worker's own disk, for when the catalogue is away
    snapshot_every_chunks: int  # 0 for never
    regions: tuple[Region, ...] = ()  # for tenants that are pinned to one
    catalogue_region: str = ""  # which of them the catalogue lies in; empty for none that is said
    retention: RetentionConfig = field(default_factory=RetentionConfig)  # of snapshots made by themselves

    def __post_init__(self) -> None:
        checked_url(self.catalogue_url)
        if len({region.name for region in self.regions}) < len(self.regions):
            raise ValueError("two regions have the same name")
        if self.catalogue_region and self.catalogue_region not in {region.name for region in self.regions}:
            raise ValueError(f"catalogue_region: there are no settings of a region {self.catalogue_region!r}")
        self._check_apart()
        if self.snapshot_every_chunks < 0:
            raise ValueError(f"snapshot_every_chunks must not be negative, got {self.snapshot_every_chunks}")

    def _check_apart(self) -> None:
        """What lies in a spool's folder is taken for what a dead worker left: brought in, and removed."""
        url = checked_url(self.catalogue_url)
        if url.get_backend_name() != "sqlite" or url.database is None:
            return
        spools = (self.spool, *(region.spool for region in self.regions))
        if Path(url.database).resolve().parent in {Path(each).resolve() for each in spools}:
            raise ValueError(f"the catalogue's file {url.database} lies in a spool folder; it needs one of its own")


def default_data_folder() -> Path:
    return Path(platformdirs.user_data_dir("nacre", appauthor=False))


def storage_config(
    data_folder: str = "",
    catalogue_url: str = "",
    snapshots: str = "",
    snapshot_every_chunks: int = 0,
    regions: tuple[Region, ...] = (),
    retention: RetentionConfig | None = None,
    catalogue_region: str = "",
) -> StorageConfig:
    """What is not said lies in the data folder. Raises ValueError."""
    folder = Path(data_folder).expanduser().resolve() if data_folder else default_data_folder()
    return StorageConfig(
        catalogue_url=catalogue_url or sqlite_url(folder / CATALOGUE_FILE),
        snapshots=snapshots or str(folder / SNAPSHOTS_FOLDER),
        spool=str(folder / SPOOL_FOLDER),
        snapshot_every_chunks=snapshot_every_chunks,
        regions=regions,
        retention=retention or RetentionConfig(),
        catalogue_region=catalogue_region,
    )


def prepare_storage(config: StorageConfig) -> None:
    """Make what is missing, and bring the catalogue up to date. Raises `StorageUnavailableError`, which says what
    cannot be written, or `RegionRefusedError` where tenants are pinned to a region that the catalogue is not in."""
    url = checked_url(config.catalogue_url)
    folders = [] if url.get_backend_name() != "sqlite" or url.database is None else [Path(url.database).parent]
    places = [config.snapshots, *(region.snapshots for region in config.regions)]
    folders += [Path(place) for place in places if "://" not in place]
    for folder in folders:
        _make(folder)
    with Database(config.catalogue_url) as database:
        database.migrate()
        Residency(database, config.catalogue_region).check()


def worker_name() -> str:
    """Unlike that of any other worker, now or before: an epoch's owner. An id: host, process and a random part."""
    host = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname())[:MAX_HOST_CHARS].strip("-") or "host"
    return f"{host}-{os.getpid()}-{secrets.token_hex(4)}"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        probe = folder / f".writable-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        hint = "name another with --data-folder or NACRE_DATA_FOLDER"
        raise StorageUnavailableError(
            f"the data folder {folder} cannot be written: {error.strerror}; {hint}"
        ) from error
