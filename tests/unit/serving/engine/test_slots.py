from __future__ import annotations

import pytest

from serving.engine.slots import Slots
from serving.errors import CapacityExhaustedError


def test_slots_run_out_and_come_back() -> None:
    slots = Slots(2)
    slots.allocate("a")
    slots.allocate("b")
    with pytest.raises(CapacityExhaustedError):
        slots.allocate("c")
    slots.free("a")
    slots.allocate("c")
    assert slots.num_used == 2
    assert "a" not in slots


def test_a_holder_keeps_the_slot_it_has() -> None:
    slots = Slots(1)
    slots.allocate("a")
    slots.allocate("a")
    assert slots.num_used == 1
    slots.free("a")
    slots.free("a")
    assert slots.num_used == 0


def test_a_worker_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="num_slots"):
        Slots(0)
