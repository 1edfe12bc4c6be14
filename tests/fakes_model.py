"""A model small enough for unit tests: the shapes and the streaming state of a real one, in numpy."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.interface import CameraPose, ChunkControls, ChunkLatents, FramesFHWC, ModelInfo, SamplesSC, Tensors

HEIGHT_PX, WIDTH_PX = 80, 128
SAMPLES_PER_CHUNK = 1280
INFO = ModelInfo(
    name="fake",
    weights_sha256="0" * 64,
    width_px=WIDTH_PX,
    height_px=HEIGHT_PX,
    frame_rate=12.5,
    frames_per_chunk=1,
    sample_rate_hz=16_000,
    audio_channels=1,
    samples_per_chunk=SAMPLES_PER_CHUNK,
    controls=("move", "look", "directive", "image"),
    perspectives=("first_person",),
    max_yaw_deg_per_s=90.0,
    max_pitch_deg_per_s=45.0,
    max_speed_m_per_s=2.5,
    licence="Apache-2.0",
)


def noise(seed: int, chunk_idx: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """By counter: a function of the seed and the chunk alone."""
    generator = np.random.Generator(np.random.Philox(key=seed, counter=chunk_idx))
    return generator.standard_normal(shape, dtype=np.float32)


@dataclass(slots=True)
class FakeState:
    seed: int
    memory: NDArray[np.float32]
    pose: NDArray[np.float64]
    next_chunk_idx: int = 0

    @property
    def num_bytes(self) -> int:
        return self.memory.nbytes

    def snapshot(self) -> Tensors:
        return {
            "seed": np.array(self.seed, np.uint64),
            "memory": self.memory.copy(),
            "pose": self.pose.copy(),
            "next_chunk_idx": np.array(self.next_chunk_idx, np.int64),
        }


@dataclass(slots=True)
class FakeEncoder:
    def encode_text(self, text: str) -> Tensors:
        digest = hashlib.sha256(text.encode()).digest()
        return {"text": np.frombuffer(digest, np.uint8).astype(np.float32) / 255}

    def understood(self, text: Tensors) -> tuple[str, ...]:
        return (f"text: {text['text'][0]:.4f}",)

    def encode_image(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        return {"image": np.resize(image_HWC, 32).astype(np.float32) / 255}


@dataclass(slots=True)
class FakeTransformer:
    """Each chunk moves a memory by noise, controls and conditions, and shows it."""

    step_s: float = 0.0
    fail_at_chunk: int | None = None
    num_steps: list[int] = field(default_factory=list)
    during_step: Callable[[], None] | None = None

    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> FakeState:
        memory = np.zeros(32, np.float32)
        for condition in (prompt, image):
            for array in (condition or {}).values():
                memory = memory + array
        return FakeState(seed=seed, memory=memory, pose=np.zeros(4))

    def restore(self, snapshot: Tensors) -> FakeState:
        return FakeState(
            seed=int(snapshot["seed"]),
            memory=snapshot["memory"].copy(),
            pose=snapshot["pose"].copy(),
            next_chunk_idx=int(snapshot["next_chunk_idx"]),
        )

    def step(self, states: Sequence[Any], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        if self.step_s:
            time.sleep(self.step_s)
        self.num_steps.append(len(states))
        if self.during_step is not None:
            self.during_step()
        return [self._step(state, each) for state, each in zip(states, controls, strict=True)]

    def _step(self, state: FakeState, controls: ChunkControls) -> ChunkLatents:
        if state.next_chunk_idx == self.fail_at_chunk:
            raise RuntimeError("the fake was told to fail")
        axes = np.array([controls.forward, controls.strafe, controls.yaw, controls.pitch])
        state.pose = state.pose + axes
        state.memory = state.memory * np.float32(0.9) + np.float32(axes.sum())
        for condition in (*controls.directives, controls.image or {}):
            for array in condition.values():
                state.memory = state.memory + array
        faint = np.float32(0.1) * np.float32(controls.quality)
        video = noise(state.seed, state.next_chunk_idx, (2, HEIGHT_PX, WIDTH_PX)) * faint + state.memory.mean()
        chunk = ChunkLatents(
            chunk_idx=state.next_chunk_idx,
            video={"latents": video},
            audio={"latents": state.memory[:24].copy()},
            pose=CameraPose(x_m=state.pose[0], y_m=state.pose[1], yaw_deg=state.pose[2], pitch_deg=state.pose[3]),
        )
        state.next_chunk_idx += 1
        return chunk


@dataclass(slots=True)
class FakeCache:
    previous: NDArray[np.float32]

    def snapshot(self) -> Tensors:
        return {"previous": self.previous.copy()}


@dataclass(slots=True)
class FakeVideoDecoder:
    """Blends each chunk with the one before, as a causal decoder does."""

    decode_s: float = 0.0
    num_open: int = 0

    def open(self, seed: int) -> FakeCache:
        self.num_open += 1
        return FakeCache(previous=np.zeros((HEIGHT_PX, WIDTH_PX), np.float32))

    def restore(self, snapshot: Tensors) -> FakeCache:
        return FakeCache(previous=snapshot["previous"].copy())

    def decode(self, cache: Any, video: Tensors) -> FramesFHWC:
        if self.decode_s:
            time.sleep(self.decode_s)
        cache.previous = cache.previous * np.float32(0.5) + _on_host(video["latents"]).mean(0)
        grey = (np.tanh(cache.previous) * 127 + 128).astype(np.uint8)
        return np.repeat(grey[None, :, :, None], 3, axis=-1)


def _on_host(latents: Any) -> np.ndarray:
    """Of an array, or of a tensor wherever it lies."""
    return np.asarray(latents if isinstance(latents, np.ndarray) else latents.cpu())


@dataclass(slots=True)
class FakeAudioDecoder:
    def open(self, seed: int) -> FakeCache:
        return FakeCache(previous=np.zeros(24, np.float32))

    def restore(self, snapshot: Tensors) -> FakeCache:
        return FakeCache(previous=snapshot["previous"].copy())

    def decode(self, cache: Any, audio: Tensors) -> SamplesSC:
        start, end = cache.previous.mean(), audio["latents"].mean()
        cache.previous = audio["latents"].copy()
        ramp = np.linspace(start, end, SAMPLES_PER_CHUNK, dtype=np.float32)
        return np.tanh(ramp)[:, None]


@dataclass(slots=True, kw_only=True)
class FakeModel:
    """Its stages can be told how long to take and when to fail."""

    info: ModelInfo = INFO
    step_s: float = 0.0
    decode_s: float = 0.0
    fail_at_chunk: int | None = None

    def load_encoder(self) -> FakeEncoder:
        return FakeEncoder()

    def load_transformer(self, num_threads: int = 1) -> FakeTransformer:
        return FakeTransformer(step_s=self.step_s, fail_at_chunk=self.fail_at_chunk)

    def load_video_decoder(self) -> FakeVideoDecoder:
        return FakeVideoDecoder(decode_s=self.decode_s)

    def load_audio_decoder(self) -> FakeAudioDecoder:
        return FakeAudioDecoder()


def load() -> FakeModel:
    """As a preset is loaded: `--model tests.fakes_model:load`."""
    return FakeModel()
