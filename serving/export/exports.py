"""Recordings as files: what there is of one, and the file made of it, by a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from serving.catalogue.regions import place_of
from serving.catalogue.storage import StorageConfig
from serving.errors import QuotaExceededError, RecordingNotFoundError, SnapshotDamagedError, StorageUnavailableError
from serving.export.accounts import Accounts
from serving.export.config import DAY_S, RecordingConfig
from serving.export.maker import DAMAGED, NOTHING_TO_SHOW, STORE_AWAY
from serving.export.recorder import Recorder
from serving.export.sound import Audio
from serving.export.store import Part, RecordingStore

logger = logging.getLogger(__name__)

FOLDER_PREFIX = "nacre-exports-"
MAKER = "serving.export.maker"
NOTHING_RECORDED = "nothing is recorded of the session, or not any more"
# A file that was made serves whoever asks again, in ranges for instance, as long as nothing was added meanwhile.
KEPT_FILES = 4
# However many are asked for at once: whoever reads one that goes reads on.
MAX_FILES = 16
# One that was just given to somebody is about to be opened.
KEEP_AT_LEAST_S = 60.0
MAKE_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What is kept of a session."""

    session_id: str
    num_frames: int
    num_bytes: int
    start_s: float  # time.time()
    expires_s: float | None  # the oldest part; None for never
    is_truncated: bool  # its beginning is not kept any more
    halt_reason: str = ""  # an ErrorReason: why nothing is added now; empty where it is, or may be


class _Made(NamedTuple):
    parts: tuple[str, ...]
    file: Path
    made_s: float


class Exports:
    """Raises `RecordingNotFoundError` where there is nothing, and `StorageUnavailableError`."""

    def __init__(
        self,
        storage: StorageConfig,
        config: RecordingConfig,
        recorder: Recorder | None,
        clock: Callable[[], float] = time.time,
        accounts: Accounts | None = None,
    ) -> None:
        """`recorder`: of this gateway; None where none records."""
        self._storage = storage
        self._config = config
        self._recorder = recorder
        self._clock = clock
        self._accounts = accounts
        self._store: RecordingStore | None = None
        self._folders: dict[Path, tempfile.TemporaryDirectory[str]] = {}  # by where they lie
        self._made: dict[tuple[str, Audio], _Made] = {}  # by session and sound, the least wanted first
        self._making = asyncio.Semaphore(1)
        self._num_made = 0

    async def describe(self, session_id: str) -> Recording:
        """Until now, where the session runs here."""
        parts = await self._parts(session_id)
        reason = await asyncio.to_thread(self._accounts.halt_reason, session_id) if self._accounts else ""
        return describe(session_id, parts, self._config, reason)

    async def make(self, session_id: str, audio: Audio = Audio.OPUS) -> Path:
        """An MP4 file. It may go when the gateway ends, and when others are made: open it at once."""
        parts = await self._parts(session_id)
        names = tuple(str(part.name) for part in parts)
        async with self._making:
            made = self._made.pop((session_id, audio), None)
            if made is None or made.parts != names:
                made = _Made(names, await self._make(session_id, audio), self._clock())
            self._made[session_id, audio] = made._replace(made_s=self._clock())
            self._let_go()
        return made.file

    async def forget(self, session_id: str) -> None:
        """Delete the recording."""
        if self._recorder is not None:
            await self._recorder.forget(session_id)
        else:
            await asyncio.to_thread(delete_all, self._open_store(), self._accounts, session_id)
        for audio in Audio:
            if (made := self._made.pop((session_id, audio), None)) is not None:
                made.file.unlink(missing_ok=True)

    def close(self) -> None:
        self._made.clear()
        for folder in self._folders.values():
            folder.cleanup()
        self._folders.clear()

    async def _parts(self, session_id: str) -> list[Part]:
        if self._recorder is not None:
            await self._recorder.flush(session_id)
        store = self._open_store()
        return await asyncio.to_thread(store.parts, session_id)

    def _open_store(self) -> RecordingStore:
        if self._recorder is not None:
            return self._recorder.store
        if self._store is None:
            self._store = RecordingStore.open(self._storage)
        return self._store

    def _folder_for(self, session_id: str) -> Path:
        """On a disk of the session's region, where it has one. Raises `RegionRefusedError`."""
        spools = {region.name: region.spool for region in self._storage.regions}
        place = Path(place_of(session_id, tempfile.gettempdir(), spools))
        if place not in self._folders:
            place.mkdir(parents=True, exist_ok=True)
            remove_left(place)
            prefix = f"{FOLDER_PREFIX}{os.getpid()}-"
            self._folders[place] = tempfile.TemporaryDirectory(prefix=prefix, dir=place)
        return Path(self._folders[place].name)

    async def _make(self, session_id: str, audio: Audio) -> Path:
        folder = await asyncio.to_thread(self._folder_for, session_id)
        self._num_made += 1
        file = folder / f"{self._num_made}.mp4"
        places = json.dumps(places_of(self._storage))
        # Of the least priority: it must not take time from those who play.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", MAKER, places, session_id, str(file), audio, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(MAKE_TIMEOUT_S):
                _, told = await process.communicate()
        except TimeoutError:
            raise StorageUnavailableError("the file was not made in time") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        check_maker(process.returncode, told.decode(errors="replace"))
        return file

    def _let_go(self) -> None:
        for which, made in list(self._made.items()):
            is_old = len(self._made) > KEPT_FILES and made.made_s + KEEP_AT_LEAST_S < self._clock()
            if is_old or len(self._made) > MAX_FILES:
                made.file.unlink(missing_ok=True)
                del self._made[which]


def remove_left(folder: Path) -> None:
    """What gateways left that were killed: nobody else would."""
    for left in folder.glob(f"{FOLDER_PREFIX}*-*"):
        pid = left.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(left, ignore_errors=True)


def delete_all(store: RecordingStore, accounts: Accounts | None, session_id: str) -> None:
    """Blocking."""
    store.delete(session_id, [part.name for part in store.parts(session_id)])
    if accounts is not None:
        accounts.forget(session_id)


def describe(session_id: str, parts: list[Part], config: RecordingConfig, halt_reason: str = "") -> Recording:
    """Pure. Raises `RecordingNotFoundError`."""
    if not parts:
        full = halt_reason == QuotaExceededError.reason
        why = "nothing is recorded of the session: its tenant's storage is full" if full else NOTHING_RECORDED
        raise RecordingNotFoundError(why, field="session_id")
    oldest_s = min(part.stored_s for part in parts)
    return Recording(
        session_id=session_id,
        num_frames=sum(part.name.num_frames for part in parts),
        num_bytes=sum(part.num_bytes for part in parts),
        start_s=parts[0].name.start_ms / 1000,
        expires_s=oldest_s + config.max_age_days * DAY_S if config.max_age_days else None,
        is_truncated=parts[0].name.number > 0,
        halt_reason=halt_reason,
    )


def places_of(storage: StorageConfig) -> dict[str, object]:
    """What the maker has to know of the settings. Keys and passwords are in the environment."""
    return {"home": storage.snapshots, "regions": [asdict(region) for region in storage.regions]}


def check_maker(code: int | None, told: str) -> None:
    """How the maker ended. Raises what it could not do."""
    last = told.strip().rpartition("\n")[2]
    match code:
        case 0:
            return
        case _ if code == NOTHING_TO_SHOW:
            raise RecordingNotFoundError(NOTHING_RECORDED, field="session_id")
        case _ if code == STORE_AWAY:
            raise StorageUnavailableError(last)
        case _ if code == DAMAGED:
            raise SnapshotDamagedError(last)
        case _:
            raise RuntimeError(f"the maker of files ended with {code}: {last}")
