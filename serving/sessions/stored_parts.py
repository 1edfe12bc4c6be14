"""What lies in the folders that sessions were last saved to, so that it is not listed again with every save.

A listing takes about a third of the time of a save to a local folder, and costs money at most distant stores.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

MAX_SESSIONS = 64  # about 20 KB each

Sizes = Mapping[str, int]  # by path


class StoredParts:
    """Thread-safe. Forgets the sessions that were saved longest ago."""

    def __init__(self, max_sessions: int = MAX_SESSIONS) -> None:
        self._max_sessions = max_sessions
        self._by_session: OrderedDict[str, tuple[str, Sizes]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, session_id: str, folder: str) -> Sizes | None:
        """Nothing is known of it from here on, until it is put back."""
        with self._lock:
            known_folder, sizes = self._by_session.pop(session_id, ("", {}))
            return sizes if known_folder == folder else None

    def put(self, session_id: str, folder: str, sizes: Sizes) -> None:
        with self._lock:
            self._by_session[session_id] = folder, sizes
            while len(self._by_session) > self._max_sessions:
                self._by_session.popitem(last=False)

    def forget(self, session_id: str) -> None:
        with self._lock:
            self._by_session.pop(session_id, None)
