"""Which replica gets a session, and what happens when replicas refuse, die or do not answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest

from serving.cluster.turns import MAX_FAILURES, Asked, find_slot, in_turn
from serving.errors import CapacityExhaustedError, WorkerUnavailableError


@dataclass(slots=True)
class FakeReplicas:
    """By id, how many slots each has; those that are dead fail once and are gone then, as Serve finds them."""

    slots: dict[str, int]
    dead: set[str] = field(default_factory=set)
    hung: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    num_turns: int = 0

    async def ask(self, refused: Collection[str]) -> Asked:
        replica_id = in_turn(list(self.slots), refused, self.num_turns)[0]
        self.num_turns += 1
        self.asked.append(replica_id)
        if replica_id in self.dead:
            del self.slots[replica_id]
        if replica_id in self.dead | self.hung:
            raise WorkerUnavailableError("no answer")
        has_slot = self.slots[replica_id] > 0
        self.slots[replica_id] -= has_slot
        return Asked(replica_id, has_slot, {"address": replica_id})

    async def place(self) -> str:
        return (await find_slot(self.ask))["address"]


async def test_sessions_go_to_one_replica_after_the_other() -> None:
    replicas = FakeReplicas({"a": 2, "b": 2, "c": 2})
    assert [await replicas.place() for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]


@pytest.mark.parametrize("num_turns", range(7))
async def test_e01_a_replica_with_a_slot_is_found_wherever_it_is(num_turns: int) -> None:
    replicas = FakeReplicas({"a": 0, "b": 0, "c": 1, "d": 0, "e": 0, "f": 0}, num_turns=num_turns)
    assert await replicas.place() == "c"
    assert len(replicas.asked) == len(set(replicas.asked))


async def test_when_all_refuse_each_was_asked_and_the_service_is_full() -> None:
    replicas = FakeReplicas(dict.fromkeys("abcdefg", 0))
    with pytest.raises(CapacityExhaustedError):
        await replicas.place()
    assert set(replicas.asked) == set("abcdefg")
    assert len(replicas.asked) == 8


async def test_a_replica_that_was_killed_is_asked_once() -> None:
    replicas = FakeReplicas({"a": 9, "b": 9}, dead={"a"})
    assert {await replicas.place() for _ in range(5)} == {"b"}
    assert replicas.asked.count("a") == 1


async def test_a_replica_that_hangs_is_passed_over() -> None:
    replicas = FakeReplicas({"a": 9, "b": 9}, hung={"a"})
    assert await replicas.place() == "b"


async def test_a_service_that_does_not_answer_says_so() -> None:
    replicas = FakeReplicas({"a": 9}, hung={"a"})
    with pytest.raises(WorkerUnavailableError):
        await replicas.place()
    assert replicas.asked == ["a"] * MAX_FAILURES


@pytest.mark.parametrize(
    ("refused", "turn_idx", "order"),
    [
        ([], 0, ["a", "b", "c"]),
        ([], 1, ["b", "c", "a"]),
        ([], 5, ["c", "a", "b"]),
        (["b"], 1, ["c", "a"]),
        (["a", "b", "gone"], 7, ["c"]),
        (["a", "b", "c"], 1, ["b", "c", "a"]),
    ],
)
def test_replicas_are_asked_in_turn_and_those_that_refused_last(
    refused: list[str], turn_idx: int, order: list[str]
) -> None:
    assert in_turn(["c", "a", "b"], refused, turn_idx) == order
    assert in_turn([], refused, turn_idx) == []
