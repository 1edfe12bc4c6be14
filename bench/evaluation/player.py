"""The four stages in one process, played by a script of controls."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.interface import CameraPose, ChunkControls, Encoder, Model, SessionState, Tensors, Transformer

Prepare = Callable[[SessionState], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a session opens with."""

    seed: int
    prompt: Tensors | None = None
    image: Tensors | None = None


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
        state = self.transformer.open(start.seed, start.prompt, start.image)
        video, audio = self._video.open(start.seed), self._audio.open(start.seed)
        frames, sounds, poses = [], [], []
        seconds: dict[str, list[float]] = {"transformer": [], "video_decoder": [], "audio_decoder": []}
        for controls in script:
            if prepare is not None:
                prepare(state)
            began_s = time.perf_counter()
            latents = self.transformer.step([state], [controls])[0]
            stepped_s = time.perf_counter()
            frames.append(self._video.decode(video, latents.video))
            shown_s = time.perf_counter()
            sounds.append(self._audio.decode(audio, latents.audio)[:, 0])
            for stage, spent_s in zip(
                seconds, (stepped_s - began_s, shown_s - stepped_s, time.perf_counter() - shown_s), strict=True
            ):
                seconds[stage].append(spent_s)
            poses.append(latents.pose)
        return Played(
            frames_FHWC=np.concatenate(frames), samples_TS=np.stack(sounds), poses=tuple(poses), seconds=seconds
        )


def held(
    num_chunks: int, *, forward: float = 0.0, strafe: float = 0.0, yaw: float = 0.0, pitch: float = 0.0
) -> list[ChunkControls]:
    """The same keys for so many chunks."""
    return [ChunkControls(forward=forward, strafe=strafe, yaw=yaw, pitch=pitch)] * num_chunks
