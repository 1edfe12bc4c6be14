"""Arithmetic: who may take a session over, and when."""

from __future__ import annotations

from serving.catalogue.leases import LEASE_S, Lease, Refused, acquire, release, renew, take_over

NOBODYS = Lease(owner="", epoch=0, until_s=0.0)
HELD = Lease(owner="a", epoch=3, until_s=100.0)


def test_the_first_holder_gets_epoch_one() -> None:
    assert acquire(NOBODYS, "a", 50.0) == Lease(owner="a", epoch=1, until_s=50.0 + LEASE_S)


def test_nobody_takes_a_session_over_while_its_lease_lasts() -> None:
    assert acquire(HELD, "b", 99.5) == Refused(held_by="a", retry_after_s=0.5)


def test_a_lease_that_ran_out_goes_to_the_next_with_a_higher_epoch() -> None:
    assert acquire(HELD, "b", 100.0) == Lease(owner="b", epoch=4, until_s=100.0 + LEASE_S)


def test_a_holder_that_comes_again_fences_off_what_it_left_behind() -> None:
    again = acquire(HELD, "a", 99.0)
    assert isinstance(again, Lease)
    assert again.epoch == 4


def test_who_knows_the_epoch_has_the_next_at_once_and_only_once() -> None:
    assert take_over(HELD, "b", 3, 50.0) == Lease(owner="b", epoch=4, until_s=50.0 + LEASE_S)
    assert take_over(HELD, "b", 2, 200.0) is None


def test_a_lease_is_renewed_by_its_epoch_even_when_it_ran_out() -> None:
    assert renew(HELD, 3, 200.0) == Lease(owner="a", epoch=3, until_s=200.0 + LEASE_S)
    assert renew(HELD, 2, 99.0) is None


def test_renewing_never_shortens() -> None:
    renewed = renew(HELD, 3, 10.0)
    assert renewed is not None
    assert renewed.until_s == 100.0


def test_what_is_released_is_free_at_once_and_keeps_its_epoch() -> None:
    released = release(HELD, 3)
    assert released is not None
    assert not released.is_held(0.0)
    assert acquire(released, "b", 50.0) == Lease(owner="b", epoch=4, until_s=50.0 + LEASE_S)
    assert release(HELD, 2) is None
