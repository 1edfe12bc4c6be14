"""What each role may do."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from serving.access.principal import LOCAL, Principal, acting, current
from serving.access.roles import PERMISSIONS, Permission, Role
from serving.errors import PermissionMissingError


def test_e03_every_role_says_what_it_may() -> None:
    assert set(PERMISSIONS) == set(Role)


def test_e03_a_viewer_changes_nothing_and_an_auditor_neither() -> None:
    changes = set(Permission) - {Permission.SEE, Permission.USAGE, Permission.AUDIT}
    assert not changes & PERMISSIONS[Role.VIEWER]
    assert not changes & PERMISSIONS[Role.AUDITOR]


def test_e03_only_an_admin_has_the_fleet() -> None:
    assert [role for role in Role if role.may(Permission.FLEET)] == [Role.ADMIN]


def test_e03_each_role_of_a_session_may_what_the_one_below_may() -> None:
    ladder = (Role.VIEWER, Role.DIRECTOR, Role.PLAYER, Role.OWNER, Role.ADMIN)
    for below, above in itertools.pairwise(ladder):
        assert PERMISSIONS[below] < PERMISSIONS[above]


def test_what_a_role_lacks_is_refused_by_name() -> None:
    viewer = Principal(tenant_id="acme", subject_id="key:1", role=Role.VIEWER)
    viewer.check(Permission.SEE)
    with pytest.raises(PermissionMissingError, match="a viewer may not play"):
        viewer.check(Permission.PLAY)


async def test_who_acts_is_known_to_tasks_begun_meanwhile_and_to_nobody_else() -> None:
    acme = Principal(tenant_id="acme", subject_id="key:1", role=Role.OWNER)
    with acting(acme):
        inside = asyncio.create_task(_who())
    outside = asyncio.create_task(_who())
    assert (await inside, await outside) == (acme, LOCAL)


async def _who() -> Principal:
    return current()
