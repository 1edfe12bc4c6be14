"""Sessions that a worker begins with before it knows where their journals end: what they do waits, and nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from serving.catalogue.commits import Chain, Commit
from serving.sessions.records import JournalHead


@dataclass(slots=True, kw_only=True, eq=False)
class Beginning:
    """One session, and what it did meanwhile, in order."""

    chain: Chain
    give_up_s: float
    commits: list[Commit] = field(default_factory=list)
    answer: Future[JournalHead] | None = None  # until the catalogue was asked

    def head(self) -> JournalHead:
        """Raises what the catalogue raised, and `TimeoutError` where it has not answered."""
        if self.answer is None:
            raise TimeoutError
        return self.answer.result(timeout=0.0)

    def is_settled(self, now_s: float) -> bool:
        return (self.answer is not None and self.answer.done()) or now_s >= self.give_up_s


class Beginnings:
    """Use on one thread."""

    def __init__(
        self,
        ask: Callable[[str], Future[JournalHead]],
        first_answer_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ask` asks the catalogue for the end of a session's journal, and returns at once."""
        self._ask = ask
        self._first_answer_s = first_answer_s
        self._clock = clock
        self._waiting: dict[Chain, Beginning] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def next_due_s(self) -> float:
        """When there is something to take, by the clock."""
        now_s = self._clock()
        return min(
            (now_s if each.is_settled(now_s) else each.give_up_s for each in self._waiting.values()),
            default=float("inf"),
        )

    def hold_back(self, commit: Commit) -> Commit:
        """Keep what cannot be written yet; gives the rest."""
        chains = commit.chains
        early = {chain for chain in chains if chain.head is None and not chain.is_lost}
        for chain in early:
            if chain not in self._waiting:
                self._waiting[chain] = Beginning(chain=chain, give_up_s=self._clock() + self._first_answer_s)
            self._waiting[chain].commits.append(commit.of({chain}))
        return commit.of(chains - early) if early else commit

    def ask(self) -> None:
        """For all that nobody has asked for."""
        for each in self._waiting.values():
            if each.answer is None:
                each.answer = self._ask(each.chain.session_id)

    def take(self, *, is_last: bool = False) -> Sequence[Beginning]:
        """Those that have their answer, or have waited for long enough; at last all."""
        now_s = self._clock()
        taken = [each for each in self._waiting.values() if is_last or each.is_settled(now_s)]
        for each in taken:
            del self._waiting[each.chain]
        return taken
