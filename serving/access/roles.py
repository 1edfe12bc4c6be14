"""Roles, and what each may do. Pure: a role either has a permission or it does not."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    CREATE = "create"  # new sessions, of a description or of a saved world
    SEE = "see"  # look on, and read what there is to know of a session or a world
    DIRECT = "direct"  # say sentences to a running session
    PLAY = "play"  # all controls of a running session
    KEEP = "keep"  # save, fork, rewind, park, wake, export
    SHARE = "share"  # make and revoke links, and say who else may
    DELETE = "delete"
    USAGE = "usage"  # read what was used
    AUDIT = "audit"  # read who did what
    TENANT = "tenant"  # keys, quotas and budgets of one's own tenant
    FLEET = "fleet"  # workers, and every tenant


class Role(StrEnum):
    """Of a key, a token or a line in a world's access list."""

    OWNER = "owner"
    DIRECTOR = "director"
    PLAYER = "player"
    VIEWER = "viewer"
    AUDITOR = "auditor"
    ADMIN = "admin"

    def may(self, permission: Permission) -> bool:
        return permission in PERMISSIONS[self]


_VIEWER = frozenset({Permission.SEE})
_DIRECTOR = _VIEWER | {Permission.DIRECT}
_PLAYER = _DIRECTOR | {Permission.PLAY, Permission.CREATE}
_OWNER = _PLAYER | {Permission.KEEP, Permission.SHARE, Permission.DELETE, Permission.USAGE, Permission.TENANT}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.DIRECTOR: _DIRECTOR,
    Role.PLAYER: _PLAYER,
    Role.OWNER: _OWNER,
    # Sees everything of the tenant and changes nothing.
    Role.AUDITOR: _VIEWER | {Permission.USAGE, Permission.AUDIT},
    # Of the whole installation.
    Role.ADMIN: frozenset(Permission),
}
