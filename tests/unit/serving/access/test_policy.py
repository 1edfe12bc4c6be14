"""Who may do what to which session or world."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from serving.access.ownership import Ownership
from serving.access.policy import (
    GRANTABLE,
    LINK_PERMISSIONS,
    Grant,
    Thing,
    Verdict,
    decide,
    decide_at_large,
    decide_start,
)
from serving.access.principal import LOCAL, Principal
from serving.access.roles import PERMISSIONS, Permission, Role

OURS = Thing(tenant_id="acme", session_id="s-1", world_id="w-1")
WORLD = Thing(tenant_id="acme", world_id="w-1")
OF_THINGS = (
    Permission.CREATE,
    Permission.SEE,
    Permission.DIRECT,
    Permission.PLAY,
    Permission.KEEP,
    Permission.SHARE,
    Permission.DELETE,
)


def who(role: Role, tenant_id: str = "acme", subject_id: str = "key:1", **limits: Any) -> Principal:
    return Principal(tenant_id=tenant_id, subject_id=subject_id, role=role, **limits)


def granted(*grants: Grant) -> Thing:
    return Thing(tenant_id="acme", world_id="w-1", grants=grants)


def test_e03_a_tenants_own_things_are_for_its_roles() -> None:
    for role, permission in itertools.product(Role, OF_THINGS):
        verdict = decide(who(role), OURS, permission)
        assert verdict is (Verdict.ALLOWED if role.may(permission) else Verdict.FORBIDDEN), (role, permission)


@pytest.mark.parametrize("role", Role)
def test_e03_a_strangers_things_are_as_hidden_as_what_is_not_there(role: Role) -> None:
    """An admin's too: what runs the service is asked for at large."""
    for permission in Permission:
        assert decide(who(role, "other"), OURS, permission) is Verdict.HIDDEN
        assert decide(who(role), None, permission) is Verdict.HIDDEN


@pytest.mark.parametrize("role", GRANTABLE)
def test_e03_a_line_of_an_access_list_gives_one_stranger_its_role(role: Role) -> None:
    world = granted(Grant(tenant_id="other", subject_id="key:2", role=role))
    for permission in OF_THINGS:
        is_given = permission in PERMISSIONS[role]
        wanted = Verdict.ALLOWED if is_given else Verdict.FORBIDDEN
        assert decide(who(Role.VIEWER, "other", "key:2"), world, permission) is wanted
        assert decide(who(Role.OWNER, "other", "key:3"), world, permission) is Verdict.HIDDEN
        assert decide(who(Role.OWNER, "third", "key:2"), world, permission) is Verdict.HIDDEN


def test_e03_what_a_whole_tenant_is_given_does_not_make_its_viewers_players() -> None:
    world = granted(Grant(tenant_id="other", role=Role.PLAYER))
    assert decide(who(Role.VIEWER, "other"), world, Permission.PLAY) is Verdict.FORBIDDEN
    assert decide(who(Role.PLAYER, "other"), world, Permission.PLAY) is Verdict.ALLOWED
    assert decide(who(Role.OWNER, "other"), world, Permission.DELETE) is Verdict.FORBIDDEN


def test_e03_no_line_gives_what_is_not_about_worlds() -> None:
    world = granted(Grant(tenant_id="other", subject_id="key:1", role=Role.OWNER))
    for permission in (Permission.USAGE, Permission.AUDIT, Permission.TENANT, Permission.FLEET):
        assert decide(who(Role.VIEWER, "other"), world, permission) is Verdict.FORBIDDEN


def test_e03_several_lines_add_up() -> None:
    lines = [Grant(tenant_id="other", role=Role.VIEWER), Grant(tenant_id="other", subject_id="key:1", role=Role.PLAYER)]
    assert decide(who(Role.VIEWER, "other"), granted(*lines), Permission.PLAY) is Verdict.ALLOWED
    assert decide(who(Role.VIEWER, "other", "key:2"), granted(*lines), Permission.PLAY) is Verdict.FORBIDDEN


@pytest.mark.parametrize("scope", LINK_PERMISSIONS)
def test_p02_a_link_gives_a_stranger_what_its_scope_says(scope: str) -> None:
    stranger = who(Role.VIEWER, "other")
    for permission in OF_THINGS:
        is_given = permission in LINK_PERMISSIONS[scope]
        assert decide(stranger, OURS, permission, scope) is (Verdict.ALLOWED if is_given else Verdict.FORBIDDEN)


def test_e03_a_credential_for_one_session_has_no_other() -> None:
    asker = who(Role.OWNER, session_id="s-1")
    assert decide(asker, OURS, Permission.PLAY) is Verdict.ALLOWED
    others = (Thing(tenant_id="acme", session_id="s-2", world_id="w-1"), WORLD)
    for thing, scope in itertools.product(others, (None, "join")):
        assert decide(asker, thing, Permission.SEE, scope) is Verdict.HIDDEN
    assert decide_at_large(asker, Permission.CREATE) is Verdict.FORBIDDEN
    assert decide_start(who(Role.OWNER, session_id="s-1"), WORLD, Permission.CREATE) is Verdict.HIDDEN


def test_e03_a_credential_for_one_world_has_it_and_what_started_from_it() -> None:
    asker = who(Role.PLAYER, world_id="w-1")
    assert decide(asker, OURS, Permission.PLAY) is Verdict.ALLOWED
    assert decide_start(asker, WORLD, Permission.CREATE) is Verdict.ALLOWED
    assert decide(asker, Thing(tenant_id="acme", session_id="s-2"), Permission.SEE) is Verdict.HIDDEN
    assert decide_start(asker, Thing(tenant_id="acme", world_id="w-2"), Permission.CREATE) is Verdict.HIDDEN
    assert decide_at_large(asker, Permission.CREATE) is Verdict.FORBIDDEN
    assert decide_at_large(asker, Permission.SEE) is Verdict.ALLOWED
    assert decide_at_large(who(Role.ADMIN, world_id="w-1"), Permission.FLEET) is Verdict.FORBIDDEN


def test_e03_who_starts_sessions_in_its_own_tenant_is_that_tenants_business() -> None:
    world = granted(
        Grant(tenant_id="other", subject_id="key:1", role=Role.PLAYER),
        Grant(tenant_id="acme", subject_id="key:9", role=Role.PLAYER),
    )
    assert decide_start(who(Role.PLAYER, "other"), world, Permission.CREATE) is Verdict.ALLOWED
    assert decide_start(who(Role.VIEWER, "other"), world, Permission.CREATE) is Verdict.FORBIDDEN
    assert decide_start(who(Role.VIEWER, "acme", "key:9"), world, Permission.CREATE) is Verdict.ALLOWED
    assert decide_start(who(Role.VIEWER, "acme", "key:8"), world, Permission.CREATE) is Verdict.FORBIDDEN


def test_b12_without_authentication_everything_is_allowed() -> None:
    mine = Thing(tenant_id="default", session_id="s-1")
    assert {decide(LOCAL, mine, permission) for permission in OF_THINGS} == {Verdict.ALLOWED}
    assert {decide_at_large(LOCAL, permission) for permission in Permission} == {Verdict.ALLOWED}


def test_x06_what_is_made_from_a_thing_names_it_and_keeps_the_licence() -> None:
    first = Ownership(tenant_id="acme", owner_id="key:1", licence="CC-BY-4.0", inputs=("words",))
    made = first.handed_to(who(Role.PLAYER, "other", "key:2"), "world:w-1")
    assert made == Ownership(tenant_id="other", owner_id="key:2", licence="CC-BY-4.0", inputs=("words", "world:w-1"))
    assert made.handed_to(who(Role.PLAYER), "world:w-1").inputs == made.inputs


GUEST = Principal(tenant_id="acme", subject_id="share:1", role=Role.VIEWER, session_id="s-1")
GUESTS_OWN = Thing(tenant_id="acme", session_id="s-fork", owner_id="share:1")


def test_p02_a_guest_may_begin_what_its_link_lets_begin_and_nothing_without_it() -> None:
    assert decide_start(GUEST, OURS, Permission.KEEP, "fork") is Verdict.ALLOWED
    for scope in (None, "view", "direct", "join"):
        assert decide_start(GUEST, OURS, Permission.KEEP, scope) is Verdict.FORBIDDEN
    assert decide_start(GUEST, Thing(tenant_id="acme", session_id="s-2"), Permission.KEEP, "fork") is Verdict.HIDDEN
    # A token for one session shows the same link, and is for that session alone.
    limited = who(Role.PLAYER, subject_id="token:1", session_id="s-1")
    assert decide_start(limited, OURS, Permission.KEEP, "fork") is Verdict.FORBIDDEN


def test_p02_a_guest_plays_what_it_began_and_does_nothing_else_with_it() -> None:
    allowed = {each for each in Permission if decide(GUEST, GUESTS_OWN, each) is Verdict.ALLOWED}
    assert allowed == {Permission.SEE, Permission.DIRECT, Permission.PLAY}
    others = (
        Thing(tenant_id="other", session_id="s-fork", owner_id="share:1"),
        Thing(tenant_id="acme", session_id="s-fork", owner_id="share:2"),
        Thing(tenant_id="acme", world_id="w-1", owner_id="share:1"),
    )
    for thing in others:
        assert decide(GUEST, thing, Permission.SEE) is Verdict.HIDDEN
    # To have made something is no permission to those who are no guests.
    keyed = who(Role.VIEWER, session_id="s-1")
    assert decide(keyed, Thing(tenant_id="acme", session_id="s-2", owner_id="key:1"), Permission.SEE) is Verdict.HIDDEN
