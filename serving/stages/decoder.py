"""The decoder stage: streaming decoders with a cache per session, on one thread that owns them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any, Protocol

from model.interface import AudioDecoder, DecoderCache, Tensors, VideoDecoder
from serving.engine.metrics import NoStageMetrics, StageMetrics
from serving.errors import SessionNotFoundError, WorkerUnavailableError
from serving.sessions.encoded import DecodedPart, LatentChunk
from serving.stages.answers import give, refuse
from serving.stages.stage import Stage

logger = logging.getLogger(__name__)

# Chunks kept for a session whose gateway has not come yet. Credit bounds them long before this does.
MAX_BACKLOG_CHUNKS = 16


class PartListener(Protocol):
    """Who takes a session's decoded parts. Called on the decoder's thread, in order; must not block."""

    def decoded(self, part: DecodedPart) -> None: ...

    def closed(self) -> None:
        """The session is over; nothing follows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoders:
    """What this worker decodes with; at least one."""

    video: VideoDecoder | None = None
    audio: AudioDecoder | None = None

    def __post_init__(self) -> None:
        if self.video is None and self.audio is None:
            raise ValueError("a decoder stage needs a video decoder or an audio decoder")

    @property
    def by_stage(self) -> Mapping[Stage, VideoDecoder | AudioDecoder]:
        both = {Stage.VIDEO_DECODER: self.video, Stage.AUDIO_DECODER: self.audio}
        return {stage: decoder for stage, decoder in both.items() if decoder is not None}


@dataclass(slots=True, kw_only=True)
class DecoderSession:
    caches: Mapping[Stage, DecoderCache]
    on_lost: Callable[[str], None]
    backlog: list[DecodedPart] = field(default_factory=list)  # until a listener comes


class DecoderStage:
    """Every method may be called from any thread and returns at once; calls take effect in order."""

    def __init__(self, decoders: Decoders, metrics: StageMetrics | None = None) -> None:
        self._decoders = decoders
        self._metrics = metrics or NoStageMetrics()
        self._lock = threading.Lock()
        self._sessions: dict[str, DecoderSession] = {}  # changed on the decoder's thread only
        self._listeners: dict[str, PartListener] = {}
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._busy_since_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="decoder", daemon=True)
        self._thread.start()

    @property
    def num_sessions(self) -> int:
        return len(self._sessions)

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def busy_for_s(self) -> float:
        since_s = self._busy_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def open(
        self, session_id: str, seed: int, caches: Mapping[str, Tensors], on_lost: Callable[[str], None]
    ) -> Future[None]:
        """A new session, or one that goes on from `caches`. `on_lost` is called on the decoder's thread."""
        return self._ask(lambda: self._open(session_id, seed, caches, on_lost))

    def decode(self, session_id: str, chunk: LatentChunk) -> None:
        """The next chunk of a session; its listener gets the part."""
        self._jobs.put(lambda: self._decode(session_id, lambda: chunk))

    def decode_read(self, session_id: str, read: Callable[[], LatentChunk]) -> None:
        """The next chunk of a session, which the decoder's thread reads: it may have to wait for it."""
        self._jobs.put(lambda: self._decode(session_id, read))

    def snapshot(self, session_id: str) -> Future[dict[str, Tensors]]:
        """The caches as they are after the chunks given so far."""
        return self._ask(lambda: self._snapshot(session_id))

    def close(self, session_id: str) -> None:
        """Free a session's caches once the chunks given so far are decoded. Does nothing for one that is gone."""
        self._jobs.put(lambda: self._close(session_id))

    def watch(self, session_id: str, listener: PartListener) -> None:
        """Give the parts of a session, open already or soon, to `listener`."""
        with self._lock:
            self._listeners[session_id] = listener
        self._jobs.put(lambda: self._flush(session_id))

    def unwatch(self, session_id: str, listener: PartListener) -> None:
        with self._lock:
            if self._listeners.get(session_id) is listener:
                del self._listeners[session_id]

    def stop(self) -> None:
        """Close every session and join the thread."""
        for session_id in list(self._sessions):
            self.close(session_id)
        self._jobs.put(None)
        self._thread.join()

    # --- on the decoder's thread ---

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._busy_since_s = time.monotonic()
            job()
            self._busy_since_s = None

    def _ask(self, call: Callable[[], Any]) -> Future[Any]:
        answer: Future[Any] = Future()

        def job() -> None:
            try:
                value = call()
            except Exception as error:
                refuse(answer, error)
            else:
                give(answer, value)

        self._jobs.put(job)
        return answer

    def _open(self, session_id: str, seed: int, caches: Mapping[str, Tensors], on_lost: Callable[[str], None]) -> None:
        opened: dict[Stage, DecoderCache] = {}
        try:
            for stage, decoder in self._decoders.by_stage.items():
                cpu_started_s = time.thread_time()
                opened[stage] = decoder.restore(caches[stage]) if stage in caches else decoder.open(seed)
                self._metrics.stage_opened(stage, time.thread_time() - cpu_started_s)
        except Exception as error:
            logger.exception("decoders could not open session %s", session_id)
            raise WorkerUnavailableError(f"the decoders could not open the session: {error}") from error
        self._sessions[session_id] = DecoderSession(caches=opened, on_lost=on_lost)

    def _decode(self, session_id: str, read: Callable[[], LatentChunk]) -> None:
        session = self._sessions.get(session_id)
        if session is None:
            return  # closed while the chunk was on its way
        try:
            part = self._decoded(session, read())
        except Exception:
            logger.exception("decoding failed for session %s", session_id)
            self._lose(session_id, session, "a decoder failed")
            return
        self._give(session_id, session, part)

    def _decoded(self, session: DecoderSession, chunk: LatentChunk) -> DecodedPart:
        seconds = dict(chunk.header.stage_seconds)
        frames = samples = None
        if self._decoders.video is not None and chunk.video is not None:
            with self._timed(Stage.VIDEO_DECODER, seconds):
                frames = self._decoders.video.decode(session.caches[Stage.VIDEO_DECODER], chunk.video)
        if self._decoders.audio is not None and chunk.audio is not None:
            with self._timed(Stage.AUDIO_DECODER, seconds):
                samples = self._decoders.audio.decode(session.caches[Stage.AUDIO_DECODER], chunk.audio)
        return DecodedPart(header=replace(chunk.header, stage_seconds=seconds), frames_FHWC=frames, samples_SC=samples)

    def _timed(self, stage: Stage, seconds: dict[str, float]) -> _StageTimer:
        return _StageTimer(stage, seconds, self._metrics)

    def _give(self, session_id: str, session: DecoderSession, part: DecodedPart) -> None:
        with self._lock:
            listener = self._listeners.get(session_id)
        if listener is not None:
            listener.decoded(part)
        elif len(session.backlog) < MAX_BACKLOG_CHUNKS:
            session.backlog.append(part)
        else:
            self._lose(session_id, session, "nobody takes what is decoded")

    def _flush(self, session_id: str) -> None:
        session = self._sessions.get(session_id)
        if session is not None:
            backlog, session.backlog = session.backlog, []
            for part in backlog:
                self._give(session_id, session, part)

    def _snapshot(self, session_id: str) -> dict[str, Tensors]:
        session = self._sessions.get(session_id)
        if session is None:
            raise SessionNotFoundError(f"no session {session_id} on this decoder")
        return {str(stage): cache.snapshot() for stage, cache in session.caches.items()}

    def _lose(self, session_id: str, session: DecoderSession, message: str) -> None:
        self._close(session_id)
        session.on_lost(message)

    def _close(self, session_id: str) -> None:
        if self._sessions.pop(session_id, None) is None:
            return
        with self._lock:
            listener = self._listeners.pop(session_id, None)
        if listener is not None:
            listener.closed()


class _StageTimer:
    """Notes how long a stage took, in the chunk's header and in the metrics."""

    __slots__ = ("_cpu_started_s", "_metrics", "_seconds", "_stage", "_started_s")

    def __init__(self, stage: Stage, seconds: dict[str, float], metrics: StageMetrics) -> None:
        self._stage, self._seconds, self._metrics = stage, seconds, metrics
        self._started_s, self._cpu_started_s = time.perf_counter(), time.thread_time()

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        seconds = time.perf_counter() - self._started_s
        self._seconds[self._stage] = seconds
        self._metrics.stage_called(self._stage, seconds, time.thread_time() - self._cpu_started_s)
        if kind is not None:
            self._metrics.stage_failed(self._stage)
