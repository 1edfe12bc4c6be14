"""Tokens that are taken back before their end, in the catalogue."""

from __future__ import annotations

import pytest

from serving.access.revocations import Revocation
from serving.access.tokens import MAX_LIFETIME_S
from serving.catalogue import revocations
from serving.catalogue.database import Database
from serving.catalogue.revocations import MAX_IDENTITY_S, RevocationTable, check_subject
from serving.errors import InvalidFieldError, RateExceededError


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(database: Database, clock: Clock) -> RevocationTable:
    return RevocationTable(database, clock)


def names(found: list[Revocation]) -> set[tuple[str, str]]:
    return {(each.tenant_id, each.subject_id) for each in found}


def test_e03_what_is_taken_back_is_read_by_others(table: RevocationTable, clock: Clock) -> None:
    first = table.add("acme", "token:one")
    clock.now_s += 100
    table.add("other", "oidc:alice")
    assert names(table.since(float("-inf"))) == {("acme", "token:one"), ("other", "oidc:alice")}
    assert names(table.since(first.revoked_s + 1)) == {("other", "oidc:alice")}
    assert names(table.of("acme")) == {("acme", "token:one")}
    assert [each.subject_id for each in table.of(None)] == ["oidc:alice", "token:one"]


def test_taking_back_again_moves_the_moment_on(table: RevocationTable, clock: Clock) -> None:
    table.add("acme", "oidc:alice")
    clock.now_s += 50
    again = table.add("acme", "oidc:alice")
    assert table.of("acme") == [again]
    assert again.revoked_s == clock.now_s


def test_a_line_is_kept_as_long_as_what_it_is_about_could_live_and_no_longer(
    table: RevocationTable, clock: Clock
) -> None:
    table.add("acme", "token:one")
    table.add("acme", "oidc:alice")
    clock.now_s += MAX_LIFETIME_S + 1
    assert table.forget_expired() == 0
    clock.now_s += 120
    assert names(table.since(0.0)) == {("acme", "oidc:alice")}
    assert table.forget_expired() == 1
    clock.now_s += MAX_IDENTITY_S
    assert table.forget_expired() == 1
    assert table.forget_expired() == 0


def test_a_tenant_does_not_fill_every_gateways_memory(table: RevocationTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "MAX_OF_TENANT", 2)
    table.add("acme", "token:one")
    table.add("acme", "token:two")
    with pytest.raises(RateExceededError):
        table.add("acme", "token:three")
    table.add("other", "token:one")


def test_a_subject_is_something_that_has_tokens() -> None:
    for good in ("token:abc", "oidc:alice@example", "certificate:spiffe://example/one", "key:abcdefghijkm"):
        assert check_subject(good) == good
    for bad in ("", "abc", "share:0123", "local", "token:\n", "oidc:" + "x" * 300):
        with pytest.raises(InvalidFieldError):
            check_subject(bad)
