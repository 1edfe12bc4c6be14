"""One sequence split over several processes: what each layer needs to be told, and nothing more.

Everything in a transformer's block but self-attention is done token by token, so each rank does its share of the
tokens. Self-attention needs all tokens and is done head by head: two exchanges change a rank's share of the tokens
with all heads into all tokens with its share of the heads, and back (Jacobs et al., DeepSpeed-Ulysses,
arXiv 2309.14509). A rank caches the keys and values of its heads alone, so the cache is shared out too.

    x --split--> tokens of this rank: q k v
                     --to_heads--> all tokens, heads of this rank: attention over cache and chunk
                     --to_tokens--> tokens of this rank: the rest of the block
      --join--> x on every rank

Letters: S tokens of the sequence, s those of this rank, N heads, n those of this rank, K head dim, D model dim, R
ranks.
What stands before the tokens (sessions, latent frames) is the same on every rank and stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import torch
import torch.distributed as dist
from einops import rearrange, repeat
from torch import Tensor

GLOO, NCCL = "gloo", "nccl"
# Of an exchange, and of meeting: loading comes after that.
TIMEOUT = timedelta(seconds=60)


class SequenceSplit(Protocol):
    """What a network is given. `length` is always that of the whole sequence."""

    @property
    def size(self) -> int:
        """Ranks."""
        ...

    def num_heads(self, heads: int) -> int:
        """Of a rank. Raises ValueError where heads cannot be shared out."""
        ...

    def num_tokens(self, length: int) -> int:
        """Of this rank."""
        ...

    def split(self, x: Tensor) -> Tensor:
        """[..., S, D] to this rank's [..., s, D]."""
        ...

    def to_heads(self, x: Tensor, length: int) -> Tensor:
        """[..., s, N, K] to [..., S, n, K]."""
        ...

    def to_tokens(self, x: Tensor) -> Tensor:
        """[..., S, n, K] to [..., s, N, K]."""
        ...

    def join(self, x: Tensor, length: int) -> Tensor:
        """[..., s, D] to [..., S, D], on every rank."""
        ...


class WholeSequence:
    """One process: nothing is split, nothing is copied."""

    size = 1

    def num_heads(self, heads: int) -> int:
        return heads

    def num_tokens(self, length: int) -> int:
        return length

    def split(self, x: Tensor) -> Tensor:
        return x

    def to_heads(self, x: Tensor, length: int) -> Tensor:
        return x

    def to_tokens(self, x: Tensor) -> Tensor:
        return x

    def join(self, x: Tensor, length: int) -> Tensor:
        return x


class SharedSequence:
    """One rank of a group. Every rank makes the same calls in the same order, with tensors of the same dtype."""

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        """Of torch's default group, which must be there, or of `group`."""
        self._group = group
        self._rank, self.size = dist.get_rank(group), dist.get_world_size(group)

    def num_heads(self, heads: int) -> int:
        if heads % self.size:
            raise ValueError(f"{heads} heads cannot be shared out to {self.size} ranks")
        return heads // self.size

    def num_tokens(self, length: int) -> int:
        return shares_of(length, self.size)[self._rank]

    def split(self, x: Tensor) -> Tensor:
        shares = shares_of(x.shape[-2], self.size)
        return x.narrow(-2, sum(shares[: self._rank]), shares[self._rank])

    def to_heads(self, x: Tensor, length: int) -> Tensor:
        self.num_heads(x.shape[-2])
        shares = self._checked_shares(x.shape[-3], length)
        sent = rearrange(x, "... s (r n) k -> (r s) ... n k", r=self.size).contiguous()
        received = self._exchanged(sent, shares, [x.shape[-3]] * self.size)
        return rearrange(received, "s ... n k -> ... s n k")

    def to_tokens(self, x: Tensor) -> Tensor:
        shares = shares_of(x.shape[-3], self.size)
        sent = rearrange(x, "... s n k -> s ... n k").contiguous()
        received = self._exchanged(sent, [shares[self._rank]] * self.size, shares)
        return rearrange(received, "(r s) ... n k -> ... s (r n) k", r=self.size)

    def join(self, x: Tensor, length: int) -> Tensor:
        shares = self._checked_shares(x.shape[-2], length)
        sent = rearrange(x, "... s d -> s ... d")
        # Each sends all it has to each: shares may differ, which gathering does not allow.
        sent = repeat(sent, "s ... -> (r s) ...", r=self.size).contiguous()
        return rearrange(self._exchanged(sent, shares, [x.shape[-2]] * self.size), "s ... d -> ... s d")

    def _exchanged(self, sent: Tensor, received_sizes: list[int], sent_sizes: list[int]) -> Tensor:
        received = sent.new_empty(sum(received_sizes), *sent.shape[1:])
        dist.all_to_all_single(received, sent, received_sizes, sent_sizes, group=self._group)
        return received

    def _checked_shares(self, num_tokens: int, length: int) -> list[int]:
        shares = shares_of(length, self.size)
        if num_tokens != shares[self._rank]:
            raise ValueError(
                f"rank {self._rank} holds {num_tokens} tokens of {length}, its share is {shares[self._rank]}"
            )
        return shares


def shares_of(length: int, size: int) -> list[int]:
    """Tokens of each rank: as even as can be, the first ones holding one more."""
    if length < size:
        raise ValueError(f"{length} tokens are too few for {size} ranks")
    return [length // size + (rank < length % size) for rank in range(size)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Processes of one machine that meet at a file."""

    store_file: str
    size: int
    backend: str = GLOO  # on CPUs; NCCL on GPUs, one for each rank


def join(ranks: Ranks, rank: int) -> SharedSequence:
    """Waits for the others."""
    if ranks.backend == NCCL:
        torch.cuda.set_device(rank)
    else:
        torch.set_num_threads(1)
    dist.init_process_group(
        ranks.backend, init_method=f"file://{ranks.store_file}", rank=rank, world_size=ranks.size, timeout=TIMEOUT
    )
    return SharedSequence()


def rank_device(backend: str) -> torch.device:
    """That this process joined with."""
    return torch.device("cuda", torch.cuda.current_device()) if backend == NCCL else torch.device("cpu")
