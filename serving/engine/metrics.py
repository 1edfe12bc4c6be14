"""What workers report about themselves. `observability` has the collectors; this is the shape they take."""

from __future__ import annotations

from typing import Protocol


class StageMetrics(Protocol):
    """Called from the threads that own the models; must be quick and thread-safe."""

    def stage_called(self, stage: str, seconds: float, cpu_seconds: float) -> None:
        """One call of a stage ("encoder", "transformer", "video_decoder", "audio_decoder") took this long, and this
        much processor time of the thread that made it."""
        ...

    def stage_opened(self, stage: str, cpu_seconds: float) -> None:
        """A session was opened in a stage, with its first chunk where the transformer makes it at once: so much
        processor time beside that of `stage_called`."""
        ...

    def batch_stepped(self, num_sessions: int, lag_s: float) -> None:
        """A step ran for so many sessions; the earliest of them was this far behind its planned start."""
        ...

    def slots(self, num_used: int, num_slots: int) -> None: ...

    def state_bytes(self, num_bytes: int) -> None:
        """So much memory of the transformer's is held by all its sessions together."""
        ...

    def parked(self, num_sessions: int, num_bytes: int) -> None:
        """The states of so many sessions lie with the host, and hold so much memory."""
        ...

    def sessions_woken(self, num_sessions: int, seconds: float) -> None:
        """So many at once went back, which kept the engine's thread for so long, the room made for them included."""
        ...

    def profile(self, name: str) -> None:
        """The model runs in that one of its profiles."""
        ...

    def degraded(self, level_idx: int) -> None:
        """From now on the worker stands there on its ladder; 0 takes nothing from sessions."""
        ...

    def control_settled(self, outcome: str) -> None:
        """A control reached "applied", "superseded" or "rejected"."""
        ...

    def session_slipped(self) -> None:
        """A session was too far behind and went on from now: its world lost time."""
        ...

    def stage_failed(self, stage: str) -> None:
        """A model call raised; the sessions in it were ended."""
        ...

    def snapshot_saved(self, seconds: float) -> None:
        """A session's snapshot was stored, which took this long beside its play."""
        ...

    def snapshot_failed(self) -> None:
        """A session's snapshot could not be stored; the session plays on."""
        ...

    def records_spooled(self, num_records: int) -> None:
        """So many records of journals wait on this machine for the catalogue to come back."""
        ...


class NoStageMetrics:
    """Reports to nobody."""

    def stage_called(self, stage: str, seconds: float, cpu_seconds: float) -> None: ...

    def stage_opened(self, stage: str, cpu_seconds: float) -> None: ...

    def batch_stepped(self, num_sessions: int, lag_s: float) -> None: ...

    def slots(self, num_used: int, num_slots: int) -> None: ...

    def state_bytes(self, num_bytes: int) -> None: ...

    def parked(self, num_sessions: int, num_bytes: int) -> None: ...

    def sessions_woken(self, num_sessions: int, seconds: float) -> None: ...

    def profile(self, name: str) -> None: ...

    def degraded(self, level_idx: int) -> None: ...

    def control_settled(self, outcome: str) -> None: ...

    def session_slipped(self) -> None: ...

    def stage_failed(self, stage: str) -> None: ...

    def snapshot_saved(self, seconds: float) -> None: ...

    def snapshot_failed(self) -> None: ...

    def records_spooled(self, num_records: int) -> None: ...
