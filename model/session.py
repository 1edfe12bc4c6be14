"""What the transformer keeps for one session of Pearl: everything that a snapshot must hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.actors.cast import MAX_ACTORS, Cast
from model.cache import RollingCache
from model.clean_window import CleanWindow, without_chunks
from model.interface import CAMERA_MOVES, Tensors
from model.layers import KeysValues
from model.memory import SpatialMemory, sized
from model.mood import FADE_CHUNKS
from model.pages import PagePool
from model.portable import PortableSnapshot, is_portable, unpacked
from model.rig import PERSPECTIVES, Rig
from model.transformer import TransformerConfig
from model.walker import Walker
from model.world.conditions import NUM_VALUES

SAME_GOAL = 0.01  # of a condition: who says the same again does not begin a fade again


class ProjectedPrompt(NamedTuple):
    """What the network's blocks see of some conditions, per block; B is 1."""

    conditions_V: Tensor
    keys_values: list[KeysValues]


@dataclass(slots=True, kw_only=True)
class PearlState:
    """Mutable: `PearlTransformer.step` advances it."""

    seed: int
    chunk_idx: int
    conditions_V: Tensor
    goal_V: Tensor  # what the conditions fade toward
    goal_chunks: int = FADE_CHUNKS  # since the goal changed, up to a whole fade
    walker: Walker
    memory: SpatialMemory
    cache: RollingCache
    rig: Rig = field(default_factory=Rig)
    cast: Cast = field(default_factory=Cast)
    prompt: ProjectedPrompt | None = None  # of the latest conditions; made again from them, so no snapshot has it
    clean: CleanWindow | None = None  # where directives make the window again: see model.recaching

    def set_goal(self, goal_V: Tensor) -> None:
        """Fade toward these conditions from now on; a goal that stays the same goes on fading."""
        if not torch.allclose(goal_V, self.goal_V, atol=SAME_GOAL):
            self.goal_V, self.goal_chunks = goal_V, 0

    @property
    def next_chunk_idx(self) -> int:
        return self.chunk_idx

    @property
    def num_bytes(self) -> int:
        return self.memory.num_bytes + self.cache.num_bytes + (0 if self.clean is None else self.clean.num_bytes)

    def close(self) -> None:
        """Give the cache's pages back. Nothing may be asked of it afterwards."""
        self.cache.close()

    def snapshot(self) -> Tensors:
        walker = {f"walker_{name}": np.array(value) for name, value in asdict(self.walker).items()}
        return {
            "seed": np.array(self.seed, np.uint64),
            "chunk_idx": np.array(self.chunk_idx, np.int64),
            "conditions": self.conditions_V.numpy().copy(),
            "goal": self.goal_V.numpy().copy(),
            "goal_chunks": np.array(self.goal_chunks, np.int64),
            **walker,
            "rig": np.array(_rig_numbers(self.rig), np.float64),
            **self.cast.snapshot(),
            **self.memory.snapshot(),
            **self.cache.snapshot(),
            **({} if self.clean is None else self.clean.snapshot()),
        }

    def portable_snapshot(self) -> Tensors:
        """Copied at once and packed when it is read: see `model.portable`."""
        return PortableSnapshot(without_chunks(self.snapshot()))

    @classmethod
    def restore(cls, config: TransformerConfig, snapshot: Tensors, pool: PagePool | None = None) -> PearlState:
        """From a snapshot of either kind. Raises ValueError for what is none of this model's."""
        try:
            return cls._restored(config, unpacked(snapshot) if is_portable(snapshot) else snapshot, pool)
        except (KeyError, IndexError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
            raise ValueError(f"not a snapshot of this model: {error!r}") from error

    @classmethod
    def _restored(cls, config: TransformerConfig, snapshot: Tensors, pool: PagePool | None) -> PearlState:
        for name in ("conditions", "goal"):
            sized(snapshot, name, (NUM_VALUES,), np.float32)
        for name, array in snapshot.items():
            if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
                raise ValueError(f"{name} holds what is no number")
        if min(int(snapshot["seed"]), int(snapshot["chunk_idx"])) < 0:
            raise ValueError("neither seed nor chunk_idx can be negative")
        if len(snapshot["actors"]) > MAX_ACTORS:
            raise ValueError(f"{len(snapshot['actors'])} actors; {MAX_ACTORS} at most")
        walker = {name: snapshot[f"walker_{name}"].item() for name in asdict(Walker())}
        return cls(
            seed=int(snapshot["seed"]),
            chunk_idx=int(snapshot["chunk_idx"]),
            conditions_V=torch.from_numpy(snapshot["conditions"].copy()),
            goal_V=torch.from_numpy(snapshot["goal"].copy()),
            goal_chunks=int(snapshot["goal_chunks"]),
            walker=Walker(**walker),
            memory=SpatialMemory.restore(snapshot),
            cache=RollingCache.restore(config, snapshot, pool),
            rig=_rig_of(snapshot["rig"].tolist()),
            cast=Cast.restore(snapshot),
            clean=CleanWindow.restore(config, snapshot),
        )


def _rig_numbers(rig: Rig) -> tuple[float, ...]:
    return PERSPECTIVES.index(rig.perspective), CAMERA_MOVES.index(rig.move), rig.left, rig.back_m, rig.pan_px


def _rig_of(numbers: list[float]) -> Rig:
    perspective, move, left, back_m, pan_px = numbers
    return Rig(
        perspective=PERSPECTIVES[int(perspective)],
        move=CAMERA_MOVES[int(move)],
        left=left,
        back_m=back_m,
        pan_px=int(pan_px),
    )
