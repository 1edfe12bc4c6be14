"""What a causal network keeps of earlier frames for one session, by the name of the layer that wants it.

The tensors are made with the first chunk, keep their size and place from then on, and are changed in place: memory is
flat, and a compiled graph can hold on to them. A past that has not happened is zero, which is what the networks
were trained with.

Letters: B sessions, C channels, F frames, H W height and width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from model.interface import Tensors

NUM_STEPS = "num_steps"  # in a snapshot, beside the features


@dataclass(slots=True, kw_only=True)
class Features:
    """Mutable: layers read and replace what is kept."""

    kept: dict[str, Tensor] = field(default_factory=dict)
    num_steps: int = 0  # frames (of an encoder) or latents (of a decoder) so far

    @property
    def is_first(self) -> bool:
        """Nothing has been seen yet; Wan's codecs treat the first frame apart."""
        return self.num_steps == 0

    @property
    def num_bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self.kept.values())

    def of(self, name: str, x_BCFHW: Tensor, num_frames: int) -> Tensor:
        """The last `num_frames` frames that layer `name` has seen, shaped like `x_BCFHW` but for its frames."""
        kept = self.kept.get(name)
        if kept is None:
            batch, channels, _, height, width = x_BCFHW.shape
            kept = self.kept[name] = x_BCFHW.new_zeros(batch, channels, num_frames, height, width)
        return kept

    def prepend(self, name: str, x_BCFHW: Tensor, num_frames: int) -> Tensor:
        """`x_BCFHW` after what layer `name` saw before, of which the last `num_frames` are kept for the next time."""
        past = self.of(name, x_BCFHW, num_frames)
        longer = torch.cat([past, x_BCFHW], 2)
        past.copy_(longer[:, :, -num_frames:])
        return longer


def snapshot_features(features: Features) -> Tensors:
    """Copied, bit for bit; half precision that numpy does not know goes as 16-bit integers."""
    arrays = {name: _array(tensor) for name, tensor in features.kept.items()}
    return {NUM_STEPS: np.array(features.num_steps, np.int64), **arrays}


def restore_features(
    snapshot: Tensors, shapes: Mapping[str, torch.Size], dtype: torch.dtype, device: torch.device
) -> Features:
    """From `snapshot_features`. `shapes` are those of a session that has begun. Raises ValueError, with names, for
    tensors that are missing, too many, or of another shape or precision."""
    num_steps = int(snapshot[NUM_STEPS]) if NUM_STEPS in snapshot else -1
    if num_steps < 0:
        raise ValueError("a decoder's snapshot does not say how much it had decoded")
    wanted = shapes if num_steps else {}
    if strange := (set(snapshot) - {NUM_STEPS}) ^ set(wanted):
        raise ValueError(f"a decoder's snapshot and its network differ in {', '.join(sorted(strange)[:5])}")
    kept = {}
    for name, shape in wanted.items():
        tensor = torch.from_numpy(np.array(snapshot[name]))
        if dtype == torch.bfloat16 and tensor.dtype == torch.int16:
            tensor = tensor.view(torch.bfloat16)
        if tensor.shape != shape or tensor.dtype != dtype:
            raise ValueError(f"{name} is {tensor.dtype} {list(tensor.shape)}, not {dtype} {list(shape)}")
        kept[name] = tensor.to(device)
    return Features(kept=kept, num_steps=num_steps)


def _array(tensor: Tensor) -> np.ndarray:
    plain = tensor.detach().cpu()
    return np.array((plain.view(torch.int16) if plain.dtype == torch.bfloat16 else plain).numpy())


def stack_features(sessions: Sequence[Features]) -> Features:
    """One batch of several sessions, copied. All are new, or none is."""
    if len({session.is_first for session in sessions}) != 1:
        raise ValueError("sessions that begin are not decoded together with sessions that go on")
    first = sessions[0]
    kept = {name: torch.cat([session.kept[name] for session in sessions]) for name in first.kept}
    return Features(kept=kept, num_steps=first.num_steps)


def unstack_features(batch: Features, sessions: Sequence[Features], num_steps: int) -> None:
    """Give each session its row of a batch back, `num_steps` later."""
    for row, session in enumerate(sessions):
        for name, tensor in batch.kept.items():
            own = session.kept.get(name)
            if own is None:
                session.kept[name] = tensor[row : row + 1].clone()
            else:
                own.copy_(tensor[row : row + 1])
        session.num_steps += num_steps
