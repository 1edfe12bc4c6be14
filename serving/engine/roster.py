"""The sessions of one worker and the slots they hold."""

from __future__ import annotations

import threading
from collections.abc import Callable

from serving.engine.metrics import StageMetrics
from serving.engine.session import EngineSession
from serving.engine.slots import Slots
from serving.errors import CapacityExhaustedError, SessionNotFoundError


class Roster:
    """Guarded by `lock`, which whoever looks at a session holds too; it may be taken twice."""

    def __init__(self, num_slots: int, metrics: StageMetrics) -> None:
        self.lock = threading.RLock()
        self.is_leaving = False  # takes no new session
        self._metrics = metrics
        self._sessions: dict[str, EngineSession] = {}
        self._slots = Slots(num_slots)

    def reserve(self, session_id: str, check: Callable[[int], None]) -> None:
        """Keep a slot. `check` is asked, where one is free, whether there is time for so many sessions; what it raises
        is raised. Raises `CapacityExhaustedError`."""
        with self.lock:
            # A session that plays here is to go on elsewhere: it finds no room here either.
            if self.is_leaving and (session_id in self._sessions or session_id not in self._slots):
                raise CapacityExhaustedError("the worker takes no new session")
            if session_id not in self._slots and self._slots.num_used < self._slots.num_slots:
                check(self._slots.num_used + 1)
            self._slots.allocate(session_id)
            self._report_slots()

    def release(self, session_id: str) -> None:
        """Give back a slot that was reserved and has no session in it."""
        with self.lock:
            if session_id not in self._sessions:
                self.free(session_id)

    def free(self, session_id: str) -> None:
        """Give back a slot, whoever was in it."""
        self._slots.free(session_id)
        self._report_slots()

    def is_wanted(self, session_id: str) -> bool:
        """Whether its slot is kept: it was not closed while it opened."""
        return session_id in self._slots

    def add(self, session: EngineSession) -> None:
        self._sessions[session.session_id] = session
        self.report_state_bytes()

    def remove(self, session_id: str) -> EngineSession | None:
        """Its slot stays."""
        return self._sessions.pop(session_id, None)

    def find(self, session_id: str) -> EngineSession | None:
        return self._sessions.get(session_id)

    def get(self, session_id: str) -> EngineSession:
        """Raises `SessionNotFoundError`."""
        session = self._sessions.get(session_id)
        if session is None:
            raise SessionNotFoundError(f"no session {session_id} on this worker")
        return session

    def has(self, session: EngineSession) -> bool:
        """Whether this very session is here: another may have its id."""
        return self._sessions.get(session.session_id) is session

    @property
    def all(self) -> list[EngineSession]:
        return list(self._sessions.values())

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def num_used_slots(self) -> int:
        with self.lock:
            return self._slots.num_used

    @property
    def state_bytes(self) -> int:
        """What its sessions hold in the transformer."""
        with self.lock:
            return sum(session.state.num_bytes for session in self._sessions.values())

    def report_state_bytes(self) -> None:
        self._metrics.state_bytes(self.state_bytes)

    def _report_slots(self) -> None:
        self._metrics.slots(self._slots.num_used, self._slots.num_slots)
