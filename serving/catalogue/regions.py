"""Where sessions are kept whose tenant is pinned to a region: there, and not a byte elsewhere.

A session's id says its region ("s-eu-5b1c..."), so that every process knows it without asking: whoever writes of a
session goes by its id, and one that does not have the region refuses. Which tenant is pinned where stands in the
catalogue, as the only word on it, also for a service whose settings name no region.

The catalogue itself is one database, with what was said to worlds in its journals. So a tenant is pinned to the region
that the catalogue lies in, as `catalogue_region` says, and to no other: a service for tenants of two regions would
write what those of one say into the other. Those are two services.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import exists, select
from sqlalchemy.dialects import postgresql, sqlite

from model.interface import ModelInfo
from serving.catalogue.database import Database
from serving.catalogue.schema import residency, sessions
from serving.errors import InvalidFieldError, RegionRefusedError, SessionStateError
from serving.sessions.manifest import EXACT
from serving.sessions.names import REGION, region_of
from serving.sessions.snapshot import SessionSnapshot
from serving.sessions.snapshot_store import Saved, SnapshotKey, SnapshotStore

Place = TypeVar("Place")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """Of one name, as the settings have it."""

    name: str
    snapshots: str  # a folder, or a URL such as s3://bucket/prefix
    spool: str  # a folder on a disk that lies there

    def __post_init__(self) -> None:
        if not REGION.fullmatch(self.name):
            raise ValueError(f"a region's name is 1 to 16 of a-z and 0-9, a letter first, not {self.name!r}")
        if not self.snapshots or not self.spool:
            raise ValueError(f"region {self.name} needs a place for snapshots and one for its spool")


def place_of(session_id: str, home: Place, by_region: Mapping[str, Place]) -> Place:
    """Where what belongs to a session is kept. Raises `RegionRefusedError`."""
    region = region_of(session_id)
    if not region:
        return home
    if region not in by_region:
        raise RegionRefusedError(f"sessions of region {region} are not kept here", field="session_id")
    return by_region[region]


class RegionalStore(SnapshotStore):
    """Each session's snapshots in the store of its region."""

    def __init__(self, home: SnapshotStore, by_region: Mapping[str, SnapshotStore]) -> None:
        self._home = home
        self._by_region = by_region

    def save(self, snapshot: SessionSnapshot, epoch: int, info: ModelInfo, kind: str = EXACT) -> Saved:
        return self._of(snapshot.engine.session_id).save(snapshot, epoch, info, kind)

    def load(self, key: SnapshotKey, info: ModelInfo) -> SessionSnapshot:
        return self._of(key.session_id).load(key, info)

    def drop(self, keys: Iterable[SnapshotKey], kept: Iterable[SnapshotKey], info: ModelInfo) -> None:
        keys = list(keys)
        if keys:  # of one session
            self._of(keys[0].session_id).drop(keys, kept, info)

    def delete_session(self, session_id: str) -> None:
        self._of(session_id).delete_session(session_id)

    def objects(self, session_id: str) -> Iterator[tuple[str, bytes]]:
        return self._of(session_id).objects(session_id)

    def _of(self, session_id: str) -> SnapshotStore:
        return place_of(session_id, self._home, self._by_region)


def open_store(snapshots: str, regions: Iterable[Region]) -> SnapshotStore:
    """Raises `StorageUnavailableError`."""
    by_region = {region.name: SnapshotStore.open(region.snapshots) for region in regions}
    return RegionalStore(SnapshotStore.open(snapshots), by_region)


class Residency:
    """Which tenant is pinned where. Blocking. Every method raises `StorageUnavailableError`."""

    def __init__(self, database: Database, catalogue_region: str = "") -> None:
        """`catalogue_region`: where the catalogue lies; empty where nobody said."""
        self._database = database
        self._catalogue_region = catalogue_region

    def check(self) -> None:
        """Before a service starts. Raises `RegionRefusedError`."""
        for tenant_id, region in sorted(self.all().items()):
            check_catalogue(tenant_id, region, self._catalogue_region)

    def region_for(self, tenant_id: str) -> str:
        """Empty for one that is not pinned."""
        with self._database.read() as connection:
            query = select(residency.c.region).where(residency.c.tenant_id == tenant_id)
            return connection.execute(query).scalar_one_or_none() or ""

    def all(self) -> dict[str, str]:
        """By tenant."""
        with self._database.read() as connection:
            return {row.tenant_id: row.region for row in connection.execute(select(residency))}

    def pin(self, tenant_id: str, region: str) -> None:
        """Before its first session: what is kept elsewhere already would stay there. Raises `SessionStateError`,
        `InvalidFieldError` or `RegionRefusedError`."""
        if not REGION.fullmatch(region):
            raise InvalidFieldError("1 to 16 of a-z and 0-9, a letter first", field="region")
        check_catalogue(tenant_id, region, self._catalogue_region)
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        new = insert(residency).values(tenant_id=tenant_id, region=region)
        with self._database.write() as connection:
            has_any = select(exists().where(sessions.c.tenant_id == tenant_id))
            now = select(residency.c.region).where(residency.c.tenant_id == tenant_id)
            is_changed = connection.execute(now).scalar_one_or_none() != region
            if is_changed and connection.execute(has_any).scalar_one():
                raise SessionStateError(
                    "the tenant has sessions already; erase them, or make another tenant", field="tenant_id"
                )
            connection.execute(new.on_conflict_do_update(index_elements=["tenant_id"], set_={"region": region}))


def check_catalogue(tenant_id: str, region: str, catalogue_region: str) -> None:
    """What is said to worlds stands in the catalogue. Raises `RegionRefusedError`."""
    if region != catalogue_region:
        where = f"in region {catalogue_region}" if catalogue_region else "in no region that the settings name"
        raise RegionRefusedError(
            f"what tenant {tenant_id} says would be written outside region {region}: the catalogue lies {where}. Keep "
            f'a catalogue in that region and say catalogue_region = "{region}" in the settings of the service that '
            "has it",
            field="region",
        )


def check_region(session_id: str, region: str) -> None:
    """Of a session that is to begin for a tenant that is pinned to `region`, or to none. Raises
    `RegionRefusedError`."""
    if region_of(session_id) != region:
        place = f"is pinned to region {region}" if region else "is not pinned to a region"
        raise RegionRefusedError(f"the tenant {place}, and the session is not", field="session_id")


def check_parent(parent_session_id: str, region: str) -> None:
    """What is in a region does not leave it in a session of somebody else. Raises `RegionRefusedError`."""
    if region_of(parent_session_id) not in ("", region):
        raise RegionRefusedError("the session may not be taken out of its region", field="session_id")
