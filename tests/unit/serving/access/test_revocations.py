"""What is void of what was taken back, and how a gateway comes to know of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from serving.access import revocations
from serving.access.revocations import CLOCKS_S, Given, Revocation, Revocations, is_void
from serving.errors import StorageUnavailableError, UnauthenticatedError

AT_S = 1_000.0


def revoked(subject_id: str, revoked_s: float = AT_S, tenant_id: str = "acme") -> Revocation:
    return Revocation(tenant_id=tenant_id, subject_id=subject_id, revoked_s=revoked_s, until_s=revoked_s + 100)


def given(subject_id: str = "token:one", issued_s: float = AT_S, minter_id: str = "oidc:alice") -> Given:
    return Given(tenant_id="acme", subject_id=subject_id, issued_s=issued_s, minter_id=minter_id)


def test_a_token_that_is_named_is_void_whatever_the_clocks_say() -> None:
    assert is_void(given(issued_s=AT_S + 3_600), revoked("token:one"), None)


def test_of_a_minter_what_was_minted_until_then_is_void() -> None:
    one = revoked("oidc:alice")
    assert is_void(given(issued_s=AT_S - 1), None, one)
    assert is_void(given(issued_s=AT_S + CLOCKS_S), None, one)
    assert not is_void(given(issued_s=AT_S + CLOCKS_S + 1), None, one)


def test_of_somebody_who_signed_in_what_was_issued_until_then_is_void() -> None:
    own = revoked("oidc:alice")
    assert is_void(given("oidc:alice", AT_S, ""), own, None)
    assert not is_void(given("oidc:alice", AT_S + 60, ""), own, None)


class Records:
    """A catalogue that may be away."""

    def __init__(self) -> None:
        self.rows: list[Revocation] = []
        self.is_away = False

    def since(self, from_s: float) -> Sequence[Revocation]:
        if self.is_away:
            raise StorageUnavailableError("away")
        return [each for each in self.rows if each.revoked_s >= from_s]

    def add(self, tenant_id: str, subject_id: str) -> Revocation:
        made = revoked(subject_id, tenant_id=tenant_id)
        self.rows.append(made)
        return made


async def heard(of: Revocations, what: Given) -> None:
    """Until it is refused."""
    async with asyncio.timeout(10):
        while True:
            try:
                of.check(what)
            except UnauthenticatedError:
                return
            await of.changed(0.05)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    monkeypatch.setattr(revocations, "POLL_S", 0.01)
    return Records()


async def test_what_others_take_back_is_heard_of(records: Records) -> None:
    known = Revocations(records, clock=lambda: AT_S)
    await known.start()
    try:
        known.check(given())
        waiting = asyncio.create_task(known.changed(10.0))
        records.add("acme", "token:one")
        await heard(known, given())
        await asyncio.wait_for(waiting, 1.0)
        known.check(given("token:two"))
        # Written late, and by a clock that is behind: found all the same.
        records.rows.append(revoked("token:two", AT_S - 30))
        await heard(known, given("token:two"))
        known.check(Given(tenant_id="other", subject_id="token:one", issued_s=AT_S))
    finally:
        known.close()


async def test_before_the_catalogue_was_read_nobody_is_let_in_and_while_it_is_away_what_is_known_counts(
    records: Records,
) -> None:
    records.is_away = True
    records.add("acme", "token:one")
    known = Revocations(records, clock=lambda: AT_S)
    await known.start()
    try:
        with pytest.raises(StorageUnavailableError):
            known.check(given("token:two"))
        records.is_away = False
        async with asyncio.timeout(10):
            while not known._is_complete:
                await asyncio.sleep(0.01)
        records.is_away = True
        with pytest.raises(UnauthenticatedError):
            known.check(given())
        known.check(given("token:two"))
    finally:
        known.close()


async def test_what_is_taken_back_here_counts_at_once(records: Records) -> None:
    known = Revocations(records, clock=lambda: AT_S)
    await known.start()
    try:
        await known.revoke("acme", "token:one")
        with pytest.raises(UnauthenticatedError):
            known.check(given())
    finally:
        known.close()
