"""What a world model offers to whoever runs it: four stages, each loadable alone.

    text, image --Encoder--> Tensors --Transformer--> ChunkLatents --VideoDecoder--> frames
                                                              \\----AudioDecoder--> sound

Everything that crosses from one stage to another is `Tensors`: named numpy arrays
that safetensors can carry, whose names and shapes are the model's own business. A
caller moves them about and never looks inside. Latents may be torch tensors that lie
on a GPU: a decoder beside the transformer takes them where they are, and whoever
sends them elsewhere brings them to the host. Nothing here knows that it is served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[Any]]
# What a camera can be told, besides turning with its walker.
CAMERA_MOVES = (
    "static", "pan_left", "pan_right", "tilt_up", "tilt_down", "push_in", "pull_back", "orbit",
)  # fmt: skip
FramesFHWC = NDArray[np.uint8]  # frames of one chunk, 8-bit RGB
SamplesSC = NDArray[np.float32]  # samples of one chunk by channel, -1 to 1


class Profile(StrEnum):
    """What a chunk may depend on."""

    EXACT = "exact"  # its session alone, bit for bit, whoever shares the step
    FAST = "fast"  # within the model's stated tolerance of that


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What a model may be asked for beside its profile. Not every one has each of them."""

    compiles: bool = False  # what lies between its matrix products is compiled while it warms up
    eight_bit: bool = False  # its large linear layers multiply in 8 bits
    ranks: int = 1  # processes that share every pass, each with a device of its own
    recaches: bool = False  # a directive makes the window's keys again, as if all of it had come about under the words

    @property
    def is_for_gpus(self) -> bool:
        """Whether it asks for what makes a step quicker there, and not the same to the bit."""
        return self.compiles or self.eight_bit or self.ranks > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """The capability record of a model: sizes, rates, ranges and what it answers to."""

    name: str
    weights_sha256: str
    width_px: int
    height_px: int
    frame_rate: float
    frames_per_chunk: int
    sample_rate_hz: int
    audio_channels: int
    samples_per_chunk: int
    controls: tuple[str, ...]  # of "move", "look", "directive", "image", "perspective", "camera"
    perspectives: tuple[str, ...]  # of "first_person", "third_person"
    max_yaw_deg_per_s: float
    max_pitch_deg_per_s: float
    max_speed_m_per_s: float
    licence: str
    has_depth: bool = False  # its video decoder is a DepthDecoder too
    profile: Profile = Profile.EXACT

    @property
    def chunk_duration_s(self) -> float:
        return self.frames_per_chunk / self.frame_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkControls:
    """What holds during one chunk, drained from the mailbox at its boundary."""

    forward: float = 0.0  # -1 to 1
    strafe: float = 0.0  # -1 (left) to 1 (right)
    yaw: float = 0.0  # -1 (left) to 1 (right)
    pitch: float = 0.0  # -1 (down) to 1 (up)
    directives: tuple[Tensors, ...] = ()  # from Encoder.encode_text, in order
    image: Tensors | None = None  # from Encoder.encode_image
    perspective: str | None = None  # of ModelInfo.perspectives; None leaves it as it is
    camera: str | None = None  # of CAMERA_MOVES; holds until the next; None leaves it as it is
    quality: float = 1.0  # above 0: the share of its denoise passes that a model takes, at least one


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPose:
    """Where the camera stands, in the frame of the session's start."""

    x_m: float  # ahead
    y_m: float  # left
    yaw_deg: float  # to the right
    pitch_deg: float  # above the horizon


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkLatents:
    """One generated chunk before decoding."""

    chunk_idx: int
    video: Tensors
    audio: Tensors
    pose: CameraPose


class SessionState(Protocol):
    """Everything the transformer keeps for one session; lives in one slot."""

    @property
    def next_chunk_idx(self) -> int: ...

    @property
    def num_bytes(self) -> int: ...

    def snapshot(self) -> Tensors:
        """Everything needed to go on bit for bit, copied."""
        ...


@runtime_checkable
class PortableState(SessionState, Protocol):
    """A state that can also be kept small. Not every model's can."""

    def portable_snapshot(self) -> Tensors:
        """What the same world can go on from, to the eye, on any machine and build: copied at once, and perhaps
        packed only when it is read. The decoders begin afresh beside it."""
        ...


@runtime_checkable
class ClosableState(SessionState, Protocol):
    """A state that holds what others wait for."""

    def close(self) -> None:
        """Give it back. Nothing may be asked of the state afterwards."""
        ...


class Encoder(Protocol):
    """Words and pictures into conditions. Stateless."""

    def encode_text(self, text: str) -> Tensors: ...

    def understood(self, text: Tensors) -> tuple[str, ...] | None:
        """What `encode_text` took from a sentence: a phrase for people to read for each thing it asks for. Empty where
        it asks for nothing that the model knows, None where the model cannot tell."""
        ...

    def encode_image(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        """`image_HWC`: 8-bit RGB of any size."""
        ...


class Transformer(Protocol):
    """Generates chunks. Noise is a function of (seed, chunk index) only."""

    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> SessionState: ...

    def restore(self, snapshot: Tensors) -> SessionState:
        """From what `snapshot` gave, or `portable_snapshot`. Raises ValueError for what is none of this model's."""
        ...

    def step(self, states: Sequence[SessionState], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        """The next chunk of each session. Advances the states; a state's output does
        not depend on which others share the call."""
        ...


@runtime_checkable
class PreparedTransformer(Transformer, Protocol):
    """One that takes all the memory of its sessions at once."""

    def prepare(self, num_sessions: int) -> None:
        """For so many at the same time, and never more. Before any is opened."""
        ...


@runtime_checkable
class ParkingTransformer(PreparedTransformer, Protocol):
    """One that can have more sessions than it has memory for: the others' lies with the host meanwhile, pinned where
    it comes from a GPU."""

    def park(self, state: SessionState) -> None:
        """Between steps: what the session took of the memory that `prepare` asked for is free again when this returns.
        Until it is woken, it can be snapshot and closed, and nothing else. Does nothing for one that is parked."""
        ...

    def wake(self, state: SessionState) -> None:
        """Take memory again and begin to fill it, beside what the device does now. Whoever steps the session waits
        for that, and nobody else. Does nothing for one that is not parked. Raises MemoryError where none is free."""
        ...


@runtime_checkable
class SizedTransformer(Transformer, Protocol):
    """One that knows how many sessions it can step at once, as its graphs were compiled."""

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Ascending from 1."""
        ...


@runtime_checkable
class WarmingTransformer(Transformer, Protocol):
    """One whose first steps are not like those that follow: kernels are chosen, compiled or recorded in them."""

    def warm_up(self, num_sessions: int) -> None:
        """Do whatever a step of at most so many sessions may be the first to do. After `prepare`, and before any is
        opened. May take minutes."""
        ...


@runtime_checkable
class WatchedTransformer(Transformer, Protocol):
    """One that can come to an end by itself, and holds what others wait for."""

    def check(self) -> None:
        """Raises RuntimeError once it makes no more chunks."""
        ...

    def close(self) -> None:
        """Give it back. Nothing may be asked of it afterwards."""
        ...


class DecoderCache(Protocol):
    """What a streaming decoder keeps for one session between chunks."""

    def snapshot(self) -> Tensors: ...


class VideoDecoder(Protocol):
    def open(self, seed: int) -> DecoderCache: ...

    def restore(self, snapshot: Tensors) -> DecoderCache: ...

    def decode(self, cache: DecoderCache, video: Tensors) -> FramesFHWC:
        """The frames of the next chunk. Advances the cache."""
        ...


class DepthDecoder(Protocol):
    """A video decoder whose model knows how far away things are."""

    def depth_m(self, video: Tensors) -> NDArray[np.float32]:
        """Horizontal distance in metres of each pixel of the chunk's frames [F, H, W]; the sky is infinite. Of the
        latents alone: it advances no cache, and costs only whoever asks."""
        ...


class AudioDecoder(Protocol):
    def open(self, seed: int) -> DecoderCache: ...

    def restore(self, snapshot: Tensors) -> DecoderCache: ...

    def decode(self, cache: DecoderCache, audio: Tensors) -> SamplesSC:
        """The sound of the next chunk. Advances the cache."""
        ...


class Model(Protocol):
    """A preset on disk: what it can do, and its stages, each loaded on demand."""

    @property
    def info(self) -> ModelInfo: ...

    def load_encoder(self) -> Encoder: ...

    def load_transformer(self, num_threads: int = 1) -> Transformer: ...

    def load_video_decoder(self) -> VideoDecoder: ...

    def load_audio_decoder(self) -> AudioDecoder: ...


@runtime_checkable
class FastModel(Model, Protocol):
    """A model that can step sessions together. Not every one can."""

    def fast(self) -> Model:
        """The same weights in the fast profile, which `info` names."""
        ...


@runtime_checkable
class TunableModel(Model, Protocol):
    def tuned(self, tuning: Tuning) -> Model:
        """The same weights, so tuned. Raises ValueError for what this model, or its profile, has not."""
        ...
