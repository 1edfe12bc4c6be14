"""Whose things are, who else may, and lists of what one may see."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from serving.access.ownership import Ownership
from serving.access.policy import Grant, Thing, Verdict, decide
from serving.access.principal import Principal
from serving.access.roles import Permission, Role
from serving.catalogue.access import MAX_GRANTS, Access
from serving.catalogue.database import Database
from serving.catalogue.sessions import NewSession, Sessions
from serving.catalogue.shares import Shares
from serving.catalogue.worlds import NewWorld, Worlds
from serving.errors import InvalidFieldError
from tests.catalogues import new_session

TENANTS = ("acme", "other", "third")
OTHERS = Grant(tenant_id="other", role=Role.VIEWER)
ONE_OF_THIRD = Grant(tenant_id="third", subject_id="key:2", role=Role.PLAYER)


def add_session(database: Database, session_id: str, tenant_id: str, world_id: str | None = None) -> None:
    new: NewSession = replace(
        new_session(session_id), ownership=Ownership(tenant_id=tenant_id, owner_id="key:1"), world_id=world_id
    )
    Sessions(database, clock=lambda: float(len(session_id))).create(new)


def add_world(database: Database, world_id: str, tenant_id: str, name: str = "dusk") -> None:
    Worlds(database, clock=lambda: 5.0).add(
        NewWorld(
            world_id=world_id,
            name=name,
            model="fake",
            weights_sha256="x",
            spec={"seed": 7},
            session_id=f"s-{tenant_id}",
            epoch=0,
            chunk_idx=0,
            ownership=Ownership(tenant_id=tenant_id, licence="CC0-1.0", inputs=("words",)),
        )
    )


@pytest.fixture
def access(database: Database) -> Access:
    """For each tenant a session, a world of the same name, and sessions that it and others started from it."""
    for tenant_id in TENANTS:
        add_session(database, f"s-{tenant_id}", tenant_id)
        add_world(database, f"w-{tenant_id}", tenant_id)
    for tenant_id, from_tenant in itertools.product(TENANTS, TENANTS):
        add_session(database, f"s-{tenant_id}-{from_tenant}", tenant_id, f"w-{from_tenant}")
    access = Access(database=database)
    access.set_grants("w-acme", [OTHERS, ONE_OF_THIRD])
    return access


def askers() -> list[Principal]:
    plain = [
        Principal(tenant_id=tenant_id, subject_id=subject_id, role=role)
        for tenant_id, subject_id, role in itertools.product(TENANTS, ("key:1", "key:2"), (Role.VIEWER, Role.OWNER))
    ]
    limited = [
        replace(each, **limit)
        for each in plain
        for limit in ({"session_id": "s-acme-acme"}, {"world_id": "w-acme"}, {"session_id": "s-acme"})
    ]
    return [*plain, *limited]


def test_e03_lists_have_what_the_policy_lets_see_and_nothing_else(database: Database, access: Access) -> None:
    session_ids = [row.session_id for row in Sessions(database).latest(100)]
    world_ids = [row.world_id for row in Worlds(database).page(100)[0]]
    assert (len(session_ids), len(world_ids)) == (12, 3)
    for asker in askers():
        rows, _ = Sessions(database).page(100, asker=asker)
        seen = {each for each in session_ids if _sees(asker, access.of_session(each))}
        assert {row.session_id for row in rows} == seen, asker
        worlds, _ = Worlds(database).page(100, asker=asker)
        assert {row.world_id for row in worlds} == {
            each for each in world_ids if _sees(asker, access.of_world(each))
        }, asker


def _sees(asker: Principal, thing: Thing | None) -> bool:
    return decide(asker, thing, Permission.SEE) is Verdict.ALLOWED


def test_e03_the_list_of_a_world_holds_for_its_tenants_sessions_alone(access: Access) -> None:
    own, made_by_others = access.of_session("s-acme-acme"), access.of_session("s-other-acme")
    grants = (OTHERS, ONE_OF_THIRD)
    assert own == thing("acme", session_id="s-acme-acme", world_id="w-acme", grants=grants)
    assert made_by_others == thing("other", session_id="s-other-acme", world_id="w-acme")
    assert access.of_session("s-acme") == thing("acme", session_id="s-acme")


def thing(tenant_id: str, **values: Any) -> Thing:
    return Thing(tenant_id=tenant_id, owner_id="key:1", **values)


def test_e03_a_guests_own_is_known_and_listed_to_nobody_who_came_by_the_same_link(
    database: Database, access: Access
) -> None:
    guest = Principal(tenant_id="acme", subject_id="share:1", role=Role.VIEWER, session_id="s-acme")
    new = NewSession(
        session_id="s-fork", model="fake", weights_sha256="x", spec={"seed": 7}, ownership=Ownership.of(guest)
    )
    Sessions(database).create(new)
    found = access.of_session("s-fork")
    assert found == Thing(tenant_id="acme", session_id="s-fork", owner_id="share:1")
    assert decide(guest, found, Permission.PLAY) is Verdict.ALLOWED
    assert [row.session_id for row in Sessions(database).page(100, asker=guest)[0]] == ["s-acme"]


def test_e03_a_name_is_looked_up_within_its_tenant(database: Database, access: Access) -> None:
    for tenant_id in TENANTS:
        thing = access.of_world_named(tenant_id, "dusk")
        assert thing is not None
        assert thing.world_id == f"w-{tenant_id}"
        found = Worlds(database).find_named("dusk", tenant_id=tenant_id)
        assert found is not None
        assert (found.world_id, found.version) == (f"w-{tenant_id}", 1)
    assert access.of_world_named("nobody", "dusk") is None


def test_what_is_not_there_or_deleted_is_nothing(database: Database, access: Access) -> None:
    Sessions(database).delete("s-third-third")
    assert access.of_session("s-third-third") is None
    assert access.of_session("s-none") is access.of_world("w-none") is access.of_share("share-none") is None


def test_e03_a_list_is_replaced_as_a_whole_and_goes_with_its_world(database: Database, access: Access) -> None:
    assert access.grants("w-acme") == [OTHERS, ONE_OF_THIRD]
    access.set_grants("w-acme", [replace(OTHERS, role=Role.VIEWER), replace(OTHERS, role=Role.OWNER)])
    assert access.grants("w-acme") == [replace(OTHERS, role=Role.OWNER)]
    too_many = [Grant(tenant_id=f"t-{number}", role=Role.VIEWER) for number in range(MAX_GRANTS + 1)]
    with pytest.raises(InvalidFieldError):
        access.set_grants("w-acme", too_many)
    assert Worlds(database).delete("w-acme") is not None
    assert access.grants("w-acme") == []


def test_a_link_belongs_to_the_session_it_leads_to(database: Database, access: Access) -> None:
    share, _ = Shares(database).create(scope="view", session_id="s-other")
    thing = access.of_share(share.share_id)
    assert thing == access.of_session("s-other")


@pytest.mark.parametrize("kind", [Sessions, Worlds])
def test_e03_a_cursor_is_of_no_use_to_another_tenant(
    database: Database, access: Access, kind: type[Sessions] | type[Worlds]
) -> None:
    table = kind(database)
    other_table = Worlds(database) if kind is Sessions else Sessions(database)
    asker = Principal(tenant_id="other", subject_id="key:1", role=Role.OWNER)
    _, cursor = table.page(1, asker=asker)
    assert cursor
    rows, _ = table.page(10, cursor, asker=asker)
    assert rows
    for stranger in (replace(asker, tenant_id="acme"), None):
        with pytest.raises(InvalidFieldError):
            table.page(1, cursor, asker=stranger)
    with pytest.raises(InvalidFieldError):
        other_table.page(1, cursor, asker=asker)


def test_x06_rows_tell_who_made_them_from_what_and_under_which_licence(database: Database, access: Access) -> None:
    world = Worlds(database).find("w-other")
    assert world is not None
    assert world.ownership == Ownership(tenant_id="other", owner_id="local", licence="CC0-1.0", inputs=("words",))
    assert Sessions(database).find("s-other").ownership == Ownership(tenant_id="other", owner_id="key:1")


def test_b12_a_list_is_the_worlds_in_all_its_versions(database: Database) -> None:
    add_session(database, "s-acme", "acme")
    access, saved = Access(database=database), Worlds(database)
    for version in ("w-1", "w-2"):
        add_world(database, version, "acme")
    add_world(database, "w-else", "acme", name="dawn")
    access.set_grants("w-1", [OTHERS])
    add_world(database, "w-3", "acme")
    assert [access.grants(each) for each in ("w-1", "w-2", "w-3", "w-else")] == [[OTHERS]] * 3 + [[]]
    reader = Principal(tenant_id="other", subject_id="key:9", role=Role.VIEWER)
    assert decide(reader, access.of_world("w-3"), Permission.SEE) is Verdict.ALLOWED
    access.set_grants("w-3", [ONE_OF_THIRD])
    assert [access.grants(each) for each in ("w-1", "w-2", "w-3")] == [[ONE_OF_THIRD]] * 3
    assert decide(reader, access.of_world("w-1"), Permission.SEE) is Verdict.HIDDEN
    saved.delete("w-3")
    assert access.grants("w-2") == [ONE_OF_THIRD], "deleting a version takes nothing from the others"
    add_world(database, "w-4", "acme")
    assert access.grants("w-4") == [ONE_OF_THIRD]


def test_b12_a_name_whose_versions_are_all_gone_is_shared_with_nobody(database: Database) -> None:
    add_session(database, "s-acme", "acme")
    access = Access(database=database)
    add_world(database, "w-1", "acme")
    access.set_grants("w-1", [OTHERS])
    Worlds(database).delete("w-1")
    add_world(database, "w-2", "acme")
    assert access.grants("w-2") == []
    access.set_grants("w-1", [OTHERS])
    assert access.grants("w-1") == [], "it is gone"
