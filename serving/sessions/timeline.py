"""Which of what a session's epochs made still counts. Pure.

An epoch begins at a chunk. One that was resumed goes on with what is on record, also where that reaches beyond its
first chunk: it is done again, the same. One that was rewound has another future: whatever earlier epochs have from its
first chunk on is not on this timeline any more. What a branch saw of a session is the timeline until the epoch in
which it left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How an epoch begins."""

    epoch: int
    first_chunk_idx: int
    is_rewind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """Chunks that one rewind, or the beginning, left in place, up to where the next era begins."""

    first_chunk_idx: int
    epoch: int  # of the rewind; 0 for what was there before any


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    spans: Sequence[Span] = ()  # in the order of their epochs
    until_epoch: int | None = None  # later ones are as if they had never been

    def until(self, epoch: int) -> Timeline:
        return replace(self, until_epoch=epoch)

    @property
    def first_rewound_idx(self) -> int | None:
        """The earliest chunk that was made anew after a rewind; None when there was none."""
        return min((span.first_chunk_idx for span in self._rewinds()), default=None)

    def end_of(self, epoch: int) -> int | None:
        """The first chunk at which what `epoch` did does not count: a later epoch was rewound to it, or all of it is
        too late. None when all of it counts."""
        if not self._has_epoch(epoch):
            return 0
        return min((span.first_chunk_idx for span in self._rewinds(epoch)), default=None)

    def has_boundary(self, epoch: int, chunk_idx: int) -> bool:
        """Whether the state that `epoch` had before that chunk counts: a rewind to this very chunk begins with it."""
        end = self.end_of(epoch)
        return self._has_epoch(epoch) and (end is None or chunk_idx <= end)

    def eras(self) -> list[Era]:
        """From the first chunk on, each up to the next; the same chunks of two timelines of a session are the same
        when they are of one era."""
        eras = [Era(first_chunk_idx=0, epoch=0)]
        for span in self._rewinds():
            eras = [era for era in eras if era.first_chunk_idx < span.first_chunk_idx]
            eras.append(Era(first_chunk_idx=span.first_chunk_idx, epoch=span.epoch))
        return eras

    def _has_epoch(self, epoch: int) -> bool:
        return self.until_epoch is None or epoch <= self.until_epoch

    def _rewinds(self, after_epoch: int = -1) -> Iterable[Span]:
        return (
            span for span in self.spans if span.is_rewind and span.epoch > after_epoch and self._has_epoch(span.epoch)
        )
