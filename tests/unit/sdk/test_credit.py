from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacre.credit import MAX_GRANT, RESERVE_CHUNKS, CreditLedger


def test_attaching_grants_the_capacity() -> None:
    assert CreditLedger(4).attach() == 4


def test_taken_chunks_are_granted_again_in_halves() -> None:
    ledger = CreditLedger(4)
    ledger.attach()
    for _ in range(3):
        assert ledger.receive()
    ledger.take()
    assert ledger.grant(is_awaited=False) == 0
    ledger.take()
    assert ledger.grant(is_awaited=False) == 2
    assert ledger.grant(is_awaited=False) == 0


def test_a_chunk_that_was_not_granted_is_told() -> None:
    ledger = CreditLedger(1)
    ledger.attach()
    assert ledger.receive()
    assert not ledger.receive()


def test_a_full_buffer_lets_single_chunks_in_while_an_outcome_is_awaited() -> None:
    ledger = CreditLedger(2)
    ledger.attach()
    ledger.receive()
    ledger.receive()
    assert ledger.grant(is_awaited=False) == 0
    for _ in range(RESERVE_CHUNKS):
        assert ledger.grant(is_awaited=True) == 1
        assert ledger.grant(is_awaited=True) == 0, "one at a time"
        assert ledger.receive()
    assert ledger.grant(is_awaited=True) == 0, "the reserve is bounded"


def test_what_was_outstanding_is_forgotten_with_its_stream() -> None:
    ledger = CreditLedger(4)
    ledger.attach()
    ledger.receive()
    assert ledger.attach() == 3


@pytest.mark.parametrize("capacity", [0, MAX_GRANT + 1])
def test_a_capacity_out_of_range_is_refused(capacity: int) -> None:
    with pytest.raises(ValueError, match="buffer_chunks must be 1 to 16"):
        CreditLedger(capacity)


@given(capacity=st.integers(1, MAX_GRANT), steps=st.lists(st.sampled_from("rtwga"), max_size=200))
def test_never_more_chunks_than_capacity_and_reserve(capacity: int, steps: list[str]) -> None:
    ledger = CreditLedger(capacity)
    service_credit, held = ledger.attach(), 0
    for step in steps:
        if step == "r" and service_credit:
            assert ledger.receive()
            service_credit, held = service_credit - 1, held + 1
        elif step == "t" and held:
            ledger.take()
            held -= 1
        elif step in "wg":
            service_credit += ledger.grant(is_awaited=step == "w")
        elif step == "a":
            service_credit = ledger.attach()
        assert held + service_credit <= capacity + RESERVE_CHUNKS + 1
    for _ in range(held):
        ledger.take()
    assert service_credit + ledger.grant(is_awaited=False) > 0, "an empty buffer always has credit"
