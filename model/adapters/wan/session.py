"""What a session of a causal Wan model carries from chunk to chunk.

The cache follows from the chunks that were written to it. While a session keeps the clean latents of all of them, those
are its snapshot, a thousandth of the cache's size, and the cache is made again from them bit for bit. Where it has let
some go, an exact snapshot holds the cache as it is, gigabytes at full size, and a portable one the latents that there
are: the cache is then made without what the oldest of them had seen.

Letters: F latent frames of a chunk, C channels, H W rows and columns, P context tokens, D context dims, A numbers of a
control.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.adapters.wan.window import KeysValues, LatentCache
from model.interface import CameraPose, Tensors

START = CameraPose(x_m=0.0, y_m=0.0, yaw_deg=0.0, pitch_deg=0.0)
CACHE, RECENT, CONTEXT = "cache_", "recent_", "context_"  # before the names of what a snapshot holds of each


class MadeChunk(NamedTuple):
    """A finished chunk, with what it takes to write it to a cache again."""

    latents_FCHW: Tensor
    hands_A: Tensor
    hands_before_A: Tensor
    first_latent: int  # counted from the picture the session began with
    context_PD: Tensor  # what the network was told when the chunk was written to the cache


@dataclass(slots=True, kw_only=True)
class WanState:
    """Mutable: the transformer stage advances it."""

    seed: int
    chunk_idx: int
    cache: LatentCache
    max_recent: int  # chunks of a window, whose latents are kept
    num_sinks: int  # of them, the first ones, which the window never lets go
    keeps_all: bool  # until `narrow` is called, that of every chunk is kept
    context_PD: Tensor  # what the network is told in words, or sees in a picture
    context: list[KeysValues]  # its keys and values in every block
    hands_A: Tensor  # of the last chunk
    num_latents: int = 0  # since the picture
    picture_FCHW: Tensor | None = None  # latents of the picture it began with
    recent: list[MadeChunk] = field(default_factory=list)
    is_complete: bool = True  # the cache is made of what is in `recent`, and nothing else
    give_back: Callable[[LatentCache], None] | None = None  # the cache, when the session is over
    pose: CameraPose = START

    @property
    def next_chunk_idx(self) -> int:
        return self.chunk_idx

    @property
    def num_bytes(self) -> int:
        context = sum(tensor.nbytes for block in self.context for tensor in block)
        return self.cache.num_bytes + context + sum(made.latents_FCHW.nbytes for made in self.recent)

    def close(self) -> None:
        """The session is over; nothing may be asked of it afterwards. Its cache may be another's now."""
        if self.give_back is not None:
            self.give_back(self.cache)
            self.give_back = None

    def made(self, chunk: MadeChunk) -> None:
        """One more chunk is finished."""
        self.recent.append(chunk)
        if not self.keeps_all:
            self.narrow()
        self.num_latents += len(chunk.latents_FCHW)
        self.chunk_idx += 1

    def narrow(self) -> None:
        """Keep the chunks of the window alone."""
        excess = len(self.recent) - self.max_recent
        if excess > 0:
            first = min(self.num_sinks, self.max_recent)
            del self.recent[first : first + excess]
            self.is_complete = False

    def begin_scene(self, picture_FCHW: Tensor) -> None:
        """Begin again with a picture: nothing from before it is seen any more."""
        self.picture_FCHW, self.num_latents = picture_FCHW, 0
        self.cache.forget()
        self.recent.clear()
        self.is_complete = True

    def snapshot(self) -> Tensors:
        if self.is_complete:
            return self._small()
        cache = {CACHE + name: to_numpy(tensor) for name, tensor in self.cache.state().items()}
        return {**self._small(), **cache}

    def portable_snapshot(self) -> Tensors:
        return self._small()

    def _small(self) -> dict[str, NDArray[np.generic]]:
        pose = self.pose
        picture = {} if self.picture_FCHW is None else {"picture": to_numpy(self.picture_FCHW)}
        contexts = list(
            {id(each): each for each in (self.context_PD, *(made.context_PD for made in self.recent))}.values()
        )
        recent: dict[str, NDArray[np.generic]] = {}
        for place, made in enumerate(self.recent):
            hands = torch.stack([made.hands_A, made.hands_before_A])
            context = next(idx for idx, each in enumerate(contexts) if each is made.context_PD)
            recent[f"{RECENT}latents_{place:03d}"] = to_numpy(made.latents_FCHW)
            recent[f"{RECENT}hands_{place:03d}"] = to_numpy(hands)
            recent[f"{RECENT}numbers_{place:03d}"] = np.array([made.first_latent, context], np.int64)
        return {
            "seed": np.array(self.seed, np.uint64),
            "chunk_idx": np.array(self.chunk_idx, np.int64),
            "num_latents": np.array(self.num_latents, np.int64),
            "pose": np.array([pose.x_m, pose.y_m, pose.yaw_deg, pose.pitch_deg], np.float64),
            "hands": to_numpy(self.hands_A),
            **{f"{CONTEXT}{idx:03d}": to_numpy(each) for idx, each in enumerate(contexts)},  # the present one first
            **picture,
            **recent,
        }

    def walk(self, forward_m: float, right_m: float, yaw_deg: float, pitch_deg: float) -> None:
        """Where the controls lead, were the world to follow them: such a model does not say where it is."""
        turned = replace(self.pose, yaw_deg=self.pose.yaw_deg + yaw_deg, pitch_deg=self.pose.pitch_deg + pitch_deg)
        angle = np.deg2rad(turned.yaw_deg)
        self.pose = replace(
            turned,
            x_m=turned.x_m + float(forward_m * np.cos(angle) - right_m * np.sin(angle)),
            y_m=turned.y_m - float(forward_m * np.sin(angle) + right_m * np.cos(angle)),
        )


def to_numpy(tensor: Tensor) -> NDArray[np.generic]:
    """A copy; bfloat16, which numpy does not know, as the bits of it."""
    tensor = tensor.detach().cpu()
    return (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy().copy()


def from_numpy(array: NDArray[np.generic], dtype: torch.dtype) -> Tensor:
    """What `to_numpy` gave of a tensor of `dtype`. Raises ValueError for another kind of numbers."""
    tensor = torch.from_numpy(np.array(array))  # a copy: what came over a wire cannot be written to
    if dtype == torch.bfloat16 and tensor.dtype == torch.uint16:
        return tensor.view(torch.bfloat16)
    if tensor.dtype != dtype:
        raise ValueError(f"the snapshot holds {tensor.dtype}, this model {dtype}")
    return tensor


def contexts_of(snapshot: Mapping[str, NDArray[np.generic]]) -> list[Tensor]:
    """The present one first."""
    count = sum(name.startswith(CONTEXT) for name in snapshot)
    return [from_numpy(snapshot[f"{CONTEXT}{idx:03d}"], torch.float32) for idx in range(count)]


def recent_of(snapshot: Mapping[str, NDArray[np.generic]], contexts: Sequence[Tensor]) -> list[MadeChunk]:
    count = sum(name.startswith(f"{RECENT}latents_") for name in snapshot)
    made = []
    for place in range(count):
        hands, before = from_numpy(snapshot[f"{RECENT}hands_{place:03d}"], torch.float32)
        latents = from_numpy(snapshot[f"{RECENT}latents_{place:03d}"], torch.float32)
        first_latent, context = snapshot[f"{RECENT}numbers_{place:03d}"].tolist()
        made.append(MadeChunk(latents, hands, before, first_latent, contexts[context]))
    return made
