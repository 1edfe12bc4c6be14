"""Keys and tenants in the catalogue."""

from __future__ import annotations

import pytest

from serving.access.keys import read_key
from serving.access.principal import DEFAULT_TENANT
from serving.access.roles import Role
from serving.catalogue.api_keys import ApiKeys
from serving.catalogue.database import Database
from serving.catalogue.tenants import Tenants
from serving.errors import InvalidFieldError, KeyNotFoundError, TenantExistsError, TenantNotFoundError


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(database: Database, clock: Clock) -> ApiKeys:
    return ApiKeys(database, clock)


@pytest.fixture
def tenants(database: Database, clock: Clock) -> Tenants:
    return Tenants(database, clock)


def test_b12_of_a_key_all_is_kept_but_the_secret(keys: ApiKeys) -> None:
    row, text = keys.create(DEFAULT_TENANT, Role.PLAYER, name="game", expires_s=2_000.0)
    secret, known = read_key(text), keys.find(row.key_id)
    assert known is not None
    assert secret is not None
    assert known.row == row
    assert secret.fits(known.secret_sha256)
    assert text.encode() not in known.secret_sha256
    assert not known.is_tenant_suspended
    assert keys.find("nosuchkey") is None


def test_a_key_is_good_until_it_ends_or_is_revoked(keys: ApiKeys, clock: Clock) -> None:
    row, _ = keys.create(DEFAULT_TENANT, Role.PLAYER, expires_s=2_000.0)
    assert row.is_good(1_999.9)
    assert not row.is_good(2_000.0)
    clock.now_s = 1_500.0
    revoked = keys.revoke(row.key_id)
    assert not revoked.is_good(1_500.0)
    clock.now_s = 1_600.0
    assert keys.revoke(row.key_id).revoked_s == 1_500.0  # when it was first


def test_keys_are_listed_by_tenant_the_newest_first(keys: ApiKeys, tenants: Tenants, clock: Clock) -> None:
    tenants.create("acme")
    made = []
    for tenant_id in (DEFAULT_TENANT, "acme", "acme"):
        clock.now_s += 1
        made.append(keys.create(tenant_id, Role.VIEWER)[0])
    assert keys.of("acme") == [made[2], made[1]]
    assert keys.of(None) == made[::-1]
    assert keys.of("globex") == []


def test_e03_another_tenants_key_is_not_there(keys: ApiKeys, tenants: Tenants) -> None:
    tenants.create("acme")
    row, _ = keys.create("acme", Role.VIEWER)
    for ask in (lambda: keys.revoke(row.key_id, DEFAULT_TENANT), lambda: keys.rotate(row.key_id, 0.0, DEFAULT_TENANT)):
        with pytest.raises(KeyNotFoundError):
            ask()
    known = keys.find(row.key_id)
    assert known is not None
    assert known.row == row


def test_a_rotated_key_ends_no_later_than_it_would_have(keys: ApiKeys) -> None:
    forever, _ = keys.create(DEFAULT_TENANT, Role.OWNER, name="a")
    short, _ = keys.create(DEFAULT_TENANT, Role.OWNER, name="b", expires_s=1_050.0)
    for row, ends_s in ((forever, 1_100.0), (short, 1_050.0)):
        follower, text = keys.rotate(row.key_id, 100.0)
        assert (follower.role, follower.name, follower.expires_s) == (row.role, row.name, row.expires_s)
        assert read_key(text) is not None
        old = keys.find(row.key_id)
        assert old is not None
        assert old.row.expires_s == ends_s


def test_what_is_over_has_no_follower(keys: ApiKeys, clock: Clock) -> None:
    row, _ = keys.create(DEFAULT_TENANT, Role.OWNER)
    keys.revoke(row.key_id)
    with pytest.raises(InvalidFieldError, match="over"):
        keys.rotate(row.key_id, 0.0)
    assert len(keys.of(DEFAULT_TENANT)) == 1


def test_a_key_that_makes_no_sense_is_not_made(keys: ApiKeys) -> None:
    with pytest.raises(TenantNotFoundError):
        keys.create("globex", Role.OWNER)
    with pytest.raises(InvalidFieldError, match="before it begins"):
        keys.create(DEFAULT_TENANT, Role.OWNER, expires_s=1_000.0)
    with pytest.raises(InvalidFieldError, match="characters"):
        keys.create(DEFAULT_TENANT, Role.OWNER, name="x" * 201)
    assert keys.of(None) == []


def test_the_use_of_a_key_is_noted(keys: ApiKeys, clock: Clock) -> None:
    row, _ = keys.create(DEFAULT_TENANT, Role.OWNER)
    clock.now_s = 1_234.0
    keys.touch(row.key_id)
    assert keys.of(DEFAULT_TENANT)[0].last_used_s == 1_234.0


def test_b12_there_is_a_tenant_from_the_start(tenants: Tenants) -> None:
    assert [row.tenant_id for row in tenants.all()] == [DEFAULT_TENANT]


def test_a_suspended_tenants_keys_are_known_to_be(keys: ApiKeys, tenants: Tenants) -> None:
    tenants.create("acme", "Acme")
    row, _ = keys.create("acme", Role.OWNER)
    assert tenants.suspend("acme").suspended_s == 1_000.0
    known = keys.find(row.key_id)
    assert known is not None
    assert known.is_tenant_suspended
    assert tenants.restore("acme").suspended_s is None


def test_a_tenants_id_is_given_once(tenants: Tenants) -> None:
    tenants.create("acme")
    with pytest.raises(TenantExistsError):
        tenants.create("acme")
    for ask in (tenants.suspend, tenants.restore):
        with pytest.raises(TenantNotFoundError):
            ask("globex")
    assert tenants.find("globex") is None


@pytest.mark.parametrize("tenant_id", ["", "Acme", "a b", "-a", "a-", "a" * 64, "a/b", "acmé", "a\n"])
def test_a_tenants_id_goes_into_any_name(tenants: Tenants, tenant_id: str) -> None:
    with pytest.raises(InvalidFieldError):
        tenants.create(tenant_id)
