"""A model's stages in a row, each chunk timed stage by stage."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from model.gpu.streams import to_host
from model.interface import (
    AudioDecoder,
    ChunkControls,
    ChunkLatents,
    ClosableState,
    Encoder,
    FramesFHWC,
    Model,
    ModelInfo,
    Tensors,
    Transformer,
    VideoDecoder,
    WarmingTransformer,
)

Clock = Callable[[], float]
PROMPT = "a quiet street at dusk"
# Words now and then, as a player says them; what they cost is in the figures of those chunks.
DIRECTIVE, DIRECTIVE_EVERY_CHUNKS = "it begins to rain", 50
GREY = 128
TURN_CHUNKS = 40  # left, and right again
TRANSFORMER, VIDEO, AUDIO, CHUNK = "transformer", "video_decoder", "audio_decoder", "chunk"
STAGES = (TRANSFORMER, VIDEO, AUDIO)


@dataclass(slots=True)
class StageTimes:
    """Seconds of every chunk, by stage, and of the stages together.

    Eight bytes each: lists of floats would grow by 128 a chunk, and pass for the model's memory.
    """

    seconds: dict[str, array[float]] = field(default_factory=lambda: {name: array("d") for name in (*STAGES, CHUNK)})

    def add(self, marks_s: Sequence[float]) -> None:
        """`marks_s`: when a chunk began, and when each of its stages was done."""
        for name, (start_s, end_s) in zip(STAGES, pairwise(marks_s), strict=True):
            self.seconds[name].append(end_s - start_s)
        self.seconds[CHUNK].append(marks_s[-1] - marks_s[0])


@dataclass(slots=True, kw_only=True)
class Session:
    """One session's state in every stage."""

    state: Any
    video: Any
    audio: Any

    def close(self) -> None:
        """Give back what others may have."""
        if isinstance(self.state, ClosableState):
            self.state.close()

    @property
    def counted_bytes(self) -> int:
        """What its tensors hold, by their shapes."""
        caches = (self.video.snapshot(), self.audio.snapshot())
        return self.state.num_bytes + sum(array.nbytes for cache in caches for array in cache.values())


class ModelLoop:
    """All stages of a model. `clock_s` waits for the device."""

    def __init__(self, model: Model, num_threads: int, clock_s: Clock) -> None:
        self.info: ModelInfo = model.info
        self.clock_s = clock_s
        self.encoder: Encoder = model.load_encoder()
        self.transformer: Transformer = model.load_transformer(num_threads)
        self.video: VideoDecoder = model.load_video_decoder()
        self.audio: AudioDecoder = model.load_audio_decoder()
        self._directive: Tensors | None = None

    def warm_up(self, num_sessions: int) -> float:
        """What a worker does before it is ready, for so many sessions; the seconds it took."""
        start_s = self.clock_s()
        if isinstance(self.transformer, WarmingTransformer):
            self.transformer.warm_up(num_sessions)
        return self.clock_s() - start_s

    def open(self, seed: int) -> Session:
        prompt, image = first_conditions(self.info, self.encoder)
        return Session(
            state=self.transformer.open(seed, prompt, image),
            video=self.video.open(seed),
            audio=self.audio.open(seed),
        )

    def chunk(self, sessions: Sequence[Session]) -> tuple[list[FramesFHWC], list[float]]:
        """The next chunk of each session: the transformer's step together, decoders one after the other. Gives the
        frames, and when it began and each stage was done. Raises ValueError for a chunk that is none."""
        controls = [self.controls(session.state.next_chunk_idx) for session in sessions]
        marks_s = [self.clock_s()]
        latents = self.transformer.step([session.state for session in sessions], controls)
        marks_s.append(self.clock_s())
        frames = [self.video.decode(each.video, of.video) for each, of in zip(sessions, latents, strict=True)]
        marks_s.append(self.clock_s())
        for each, of in zip(sessions, latents, strict=True):
            self.audio.decode(each.audio, of.audio)
        marks_s.append(self.clock_s())
        for of, pictures in zip(latents, frames, strict=True):
            check_chunk(self.info, of, pictures)
        return frames, marks_s

    def decode(self, session: Session, latents: ChunkLatents) -> FramesFHWC:
        """Of one session: what follows a step, by itself."""
        frames = self.video.decode(session.video, latents.video)
        self.audio.decode(session.audio, latents.audio)
        return frames

    def controls(self, chunk_idx: int) -> ChunkControls:
        """What a player does at a chunk: the same for every session, and of the chunk's number alone."""
        yaw = math.sin(2 * math.pi * chunk_idx / TURN_CHUNKS)
        is_told = chunk_idx % DIRECTIVE_EVERY_CHUNKS == DIRECTIVE_EVERY_CHUNKS - 1
        has = self.info.controls
        return ChunkControls(
            forward=1.0 if "move" in has else 0.0,
            yaw=yaw if "look" in has else 0.0,
            directives=(self._encoded_directive(),) if is_told and "directive" in has else (),
        )

    def _encoded_directive(self) -> Tensors:
        if self._directive is None:
            self._directive = self.encoder.encode_text(DIRECTIVE)
        return self._directive


def first_conditions(info: ModelInfo, encoder: Encoder) -> tuple[Tensors | None, Tensors | None]:
    """Words where the model reads them, and a picture where it does not."""
    if "directive" in info.controls:
        return encoder.encode_text(PROMPT), None
    if "image" in info.controls:
        return None, encoder.encode_image(np.full((info.height_px, info.width_px, 3), GREY, np.uint8))
    return None, None


class Loaded:
    """A `Model` whose stages are loaded already: a second copy of large weights would have no room."""

    def __init__(self, info: ModelInfo, loop: ModelLoop) -> None:
        self.info = info
        self._loop = loop

    def load_encoder(self) -> Encoder:
        return self._loop.encoder

    def load_transformer(self, num_threads: int = 1) -> Transformer:
        return self._loop.transformer

    def load_video_decoder(self) -> VideoDecoder:
        return self._loop.video

    def load_audio_decoder(self) -> AudioDecoder:
        return self._loop.audio


def check_chunk(info: ModelInfo, latents: ChunkLatents, frames_FHWC: FramesFHWC) -> None:
    """A figure of something that is no picture would be worth nothing. Raises ValueError."""
    _, height_px, width_px, _ = frames_FHWC.shape
    if (height_px, width_px) != (info.height_px, info.width_px) or not len(frames_FHWC):
        raise ValueError(f"chunk {latents.chunk_idx}: frames of shape {frames_FHWC.shape}")
    for name, tensor in latents.video.items():
        numbers = tensor if isinstance(tensor, np.ndarray) else to_host(tensor).numpy()
        if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
            raise ValueError(f"chunk {latents.chunk_idx}: {name} is not finite")
