"""What a worker's journals become durable by: each session's chain, and what is written of several at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from serving.sessions.journal import Tell
from serving.sessions.records import JournalHead, Record


@dataclass(slots=True, kw_only=True, eq=False)
class Chain:
    """One session's journal as its writer knows it. Used on the writer's thread."""

    session_id: str
    epoch: int
    on_lost: Callable[[str], None]
    begin: Callable[[JournalHead], Record]  # the first that this worker writes after what is there
    is_begun: bool = False
    head: JournalHead | None = None  # until the catalogue has told it
    is_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What is made durable together, and who is told then."""

    records: Mapping[Chain, Sequence[Record]] = field(default_factory=dict)
    tell: Sequence[tuple[Chain, Tell]] = ()
    released: Chain | None = None  # this worker is done with it

    @property
    def chains(self) -> set[Chain]:
        released = () if self.released is None else (self.released,)
        return {*self.records, *(chain for chain, _ in self.tell), *released}

    def of(self, chains: Collection[Chain]) -> Commit:
        """The part that is about these."""
        return Commit(
            records={chain: records for chain, records in self.records.items() if chain in chains},
            tell=[(chain, tell) for chain, tell in self.tell if chain in chains],
            released=self.released if self.released in chains else None,
        )
