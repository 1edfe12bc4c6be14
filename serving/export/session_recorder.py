"""One session's chunks on their way to the recorder's thread. All of it on the event loop, in microseconds."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from serving.export.store import PartName
from serving.export.track import Continuity, Cut, Shot, Track
from serving.gateway.media_channel import Codecs, EncodedChunk
from serving.sessions.contract import Accepted, Applied, Control, DecodedChunk, Directive, Outcome

# Between two writes: a minute of the embedded model.
MAX_WAITING_SHOTS = 768
# Of pictures that are still to be encoded: beyond it chunks are lost to the recording, for memory is everybody's.
MAX_WAITING_BYTES = 64 << 20
# Then it is not waited any longer with writing.
HASTE_BYTES = 8 << 20
# Sentences on their way to the chunk that shows them.
MAX_WAITING_TITLES = 64


class SessionRecorder:
    def __init__(
        self, track: Track, session_id: str, codecs: Codecs, clock: Callable[[], float], hurry: Callable[[], None]
    ) -> None:
        """`hurry` is called when much waits."""
        self.session_id = session_id
        self.track = track
        self.is_closed = False
        self.lock = asyncio.Lock()  # one thread at a time has the track, and what stands below
        self.cuts: deque[Cut] = deque()  # that the store has not taken
        self.num_parts = 0
        self.has_gap = False  # what came before the next part was not stored
        self.halt_reason = ""  # why the last part was not
        self.stored: list[tuple[PartName, int]] | None = None  # with their sizes; None until it was asked
        self._continuity = Continuity(codecs)
        self._clock = clock
        self._hurry = hurry
        self._shots: list[Shot] = []
        self._num_raw_bytes = 0
        self._num_lost = 0
        self._titles = _Titles()
        self.said, self.heard = self._titles.said, self._titles.heard

    def delivered(self, codecs: Codecs, chunk: DecodedChunk, encoded: EncodedChunk) -> None:
        """For the first time to somebody who drives, in order. From where the session went back to it comes anew."""
        titles = self._titles.begin(chunk.chunk_idx)
        if len(self._shots) >= MAX_WAITING_SHOTS or self._num_raw_bytes >= MAX_WAITING_BYTES:
            self._num_lost += 1
            self._continuity.break_off()
            return
        is_taken, is_run = self._continuity.choose(codecs, chunk, encoded)
        self._shots.append(Shot(encoded if is_taken else chunk, is_run, titles, self._clock()))
        if not is_taken:
            self._num_raw_bytes += chunk.frames_FHWC.nbytes
            if self._num_raw_bytes >= HASTE_BYTES:
                self._hurry()

    def close(self) -> None:
        """Nothing more is shown. What waits is still written."""
        self.is_closed = True

    def break_off(self) -> None:
        self._continuity.break_off()

    @property
    def has_work(self) -> bool:
        return bool(self._shots or self.cuts or self.is_closed)

    def take(self) -> tuple[list[Shot], int]:
        """What waits, and how much was lost meanwhile."""
        taken = self._shots, self._num_lost
        self._shots, self._num_lost, self._num_raw_bytes = [], 0, 0
        return taken


class _Titles:
    """Sentences, until the chunk that shows them."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}  # without an outcome, by control
        self._coming: dict[int, list[str]] = {}  # that took effect, by chunk
        self._last_idx = -1

    def said(self, control: Control) -> None:
        """It was given to the worker."""
        if isinstance(control.kind, Directive) and len(self._said) < MAX_WAITING_TITLES:
            self._said[control.control_id] = control.kind.text

    def heard(self, outcome: Outcome) -> None:
        if not self._said or isinstance(outcome, Accepted):
            return
        text = self._said.pop(outcome.control_id, None)
        if text is not None and isinstance(outcome, Applied):
            self._coming.setdefault(outcome.chunk_idx, []).append(text)

    def begin(self, chunk_idx: int) -> tuple[str, ...]:
        """Those that a chunk shows."""
        if not self._coming:
            self._last_idx = chunk_idx
            return ()
        if chunk_idx <= self._last_idx:  # what was to come does not
            self._coming = _before(self._coming, chunk_idx + 1)
        self._last_idx = chunk_idx
        due = sorted(idx for idx in self._coming if idx <= chunk_idx)
        return tuple(text for idx in due for text in self._coming.pop(idx))


def _before(coming: Mapping[int, list[str]], end_idx: int) -> dict[int, list[str]]:
    return {idx: texts for idx, texts in coming.items() if idx < end_idx}
