"""The four stages in one process, played by a script of controls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.interface import CameraPose, ChunkControls, Encoder, Model, SessionState, Tensors, Transformer

STAGES: tuple[str, ...] = ("transformer", "video_decoder", "audio_decoder")
Prepare = Callable[[SessionState], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a session opens with."""

    seed: int
    prompt: Tensors | None = None
    image: Tensors | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedChunk:
    frames_FHWC: NDArray[np.uint8]
    samples_S: NDArray[np.float32]
    pose: CameraPose
    seconds: dict[str, float]  # by stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What a script gave, chunk by chunk."""

    frames_FHWC: NDArray[np.uint8]
    samples_TS: NDArray[np.float32]
    poses: tuple[CameraPose, ...]
    seconds: dict[str, list[float]]  # by stage

    @property
    def sound(self) -> NDArray[np.float32]:
        return self.samples_TS.reshape(-1)


class Player:
    """Loads a model once; plays any number of sessions, one after another."""

    def __init__(self, model: Model, num_threads: int = 1) -> None:
        self.info = model.info
        self.encoder: Encoder = model.load_encoder()
        self.transformer: Transformer = model.load_transformer(num_threads)
        self._video, self._audio = model.load_video_decoder(), model.load_audio_decoder()

    def chunks(self, seconds: float) -> int:
        return round(seconds / self.info.chunk_duration_s)

    def from_text(self, seed: int, text: str) -> Start:
        return Start(seed=seed, prompt=self.encoder.encode_text(text))

    def say(self, text: str) -> ChunkControls:
        return ChunkControls(directives=(self.encoder.encode_text(text),))

    def play(self, start: Start, script: Sequence[ChunkControls], prepare: Prepare | None = None) -> Played:
        """`prepare` is called on the session's state before every chunk."""
        chunks = list(self.stream(start, script, prepare))
        return Played(
            frames_FHWC=np.concatenate([chunk.frames_FHWC for chunk in chunks]),
            samples_TS=np.stack([chunk.samples_S for chunk in chunks]),
            poses=tuple(chunk.pose for chunk in chunks),
            seconds={stage: [chunk.seconds[stage] for chunk in chunks] for stage in STAGES},
        )

    def stream(
        self, start: Start, script: Iterable[ChunkControls], prepare: Prepare | None = None
    ) -> Iterator[PlayedChunk]:
        """Chunk after chunk, kept by nobody: for sessions of hours."""
        state = self.transformer.open(start.seed, start.prompt, start.image)
        video, audio = self._video.open(start.seed), self._audio.open(start.seed)
        for controls in script:
            if prepare is not None:
                prepare(state)
            times_s = [time.perf_counter()]
            latents = self.transformer.step([state], [controls])[0]
            times_s.append(time.perf_counter())
            frames_FHWC = self._video.decode(video, latents.video)
            times_s.append(time.perf_counter())
            samples_S = self._audio.decode(audio, latents.audio)[:, 0]
            times_s.append(time.perf_counter())
            seconds: dict[str, float] = dict(zip(STAGES, np.diff(times_s).tolist(), strict=True))
            yield PlayedChunk(frames_FHWC=frames_FHWC, samples_S=samples_S, pose=latents.pose, seconds=seconds)


def held(
    num_chunks: int, *, forward: float = 0.0, strafe: float = 0.0, yaw: float = 0.0, pitch: float = 0.0
) -> list[ChunkControls]:
    """The same keys for so many chunks."""
    return [ChunkControls(forward=forward, strafe=strafe, yaw=yaw, pitch=pitch)] * num_chunks
