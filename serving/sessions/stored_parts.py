"""What lies in the folders that sessions were last saved to, so that it is neither listed with every save nor read to
learn which parts a snapshot has.

A listing takes about a third of the time of a save to a local folder, and costs money at most distant stores; reading
the manifests of an hour's snapshots takes longer than a save.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

MAX_SESSIONS = 64  # 280 KiB for one with a hundred snapshots of twenty parts


@dataclass(frozen=True, slots=True)
class Folder:
    """Of one session and epoch."""

    path: str
    sizes: Mapping[str, int]  # of the parts that lie there, by path
    parts: Mapping[str, Set[str]] = field(default_factory=dict)  # paths, by that of the manifest; of those it saved

    def with_snapshot(self, manifest: str, sizes: Mapping[str, int]) -> Folder:
        """`sizes`: of all its parts."""
        sizes = {sys.intern(path): num_bytes for path, num_bytes in sizes.items()}  # most of them are in many
        return Folder(self.path, {**self.sizes, **sizes}, {**self.parts, manifest: frozenset(sizes)})

    def without(self, manifest: str, unused: Set[str]) -> Folder:
        """The snapshot, and the parts that no other one has."""
        sizes = {path: num_bytes for path, num_bytes in self.sizes.items() if path not in unused}
        return Folder(self.path, sizes, {path: parts for path, parts in self.parts.items() if path != manifest})


class StoredParts:
    """Thread-safe. Forgets the sessions that were saved longest ago."""

    def __init__(self, max_sessions: int = MAX_SESSIONS) -> None:
        self._max_sessions = max_sessions
        self._by_session: OrderedDict[str, Folder] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, session_id: str) -> Folder | None:
        """Nothing is known of it from here on, until it is put back."""
        with self._lock:
            return self._by_session.pop(session_id, None)

    def put(self, session_id: str, folder: Folder) -> None:
        with self._lock:
            self._by_session[session_id] = folder
            while len(self._by_session) > self._max_sessions:
                self._by_session.popitem(last=False)

    def forget(self, session_id: str) -> None:
        with self._lock:
            self._by_session.pop(session_id, None)
