"""Who may do what to which session or world. Pure: a principal, whose the thing is and its access list go in, a verdict
comes out. Nothing else in the service decides this; `serving.gateway.doorkeeper` is who asks.

- A tenant's own things: what the principal's role allows.
- Another tenant's: what the world's access list gives, and nothing else. The list of a world holds for the world itself
  and for the sessions of its tenant that started from it.
- A share link adds what its scope says, to the one session that it leads to. Who has nothing but a link that lets fork
  gets a session of the link's tenant, and plays that one.
- A credential that names one session or one world has no other, whatever else would allow it.

What a principal may not see is hidden: as if it were not there. What it sees and may not touch is forbidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum

from serving.access.principal import GUEST_PREFIX, Principal
from serving.access.roles import PERMISSIONS, Permission, Role

# Roles that a line of an access list can give: those that are about worlds.
GRANTABLE = (Role.VIEWER, Role.DIRECTOR, Role.PLAYER, Role.OWNER)
# What can be done to a session or a world. The rest is about tenants and machines, which no access list gives.
_OF_THINGS = frozenset(
    {
        Permission.CREATE,
        Permission.SEE,
        Permission.DIRECT,
        Permission.PLAY,
        Permission.KEEP,
        Permission.SHARE,
        Permission.DELETE,
    }
)
# By the scope of a share link. To fork is to keep a moment as a session of one's own.
LINK_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    "view": frozenset({Permission.SEE}),
    "direct": frozenset({Permission.SEE, Permission.DIRECT}),
    "join": frozenset({Permission.SEE, Permission.DIRECT, Permission.PLAY}),
    "fork": frozenset({Permission.SEE, Permission.KEEP}),
}
# Of a guest without a key, in the session that it began by a link. It is its tenant's, who may do the rest.
_OF_GUESTS_OWN = frozenset({Permission.SEE, Permission.DIRECT, Permission.PLAY})


class Verdict(Enum):
    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"  # it is seen, and the role does not allow it
    HIDDEN = "hidden"  # the same answer as for a thing that is not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A line of a world's access list."""

    tenant_id: str
    role: Role
    subject_id: str = ""  # one subject of the tenant; everybody there when empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A session or a world, as far as access goes."""

    tenant_id: str
    session_id: str | None = None  # none for a world
    world_id: str | None = None  # for a session, the one it started from
    grants: tuple[Grant, ...] = ()
    owner_id: str = ""  # of a session, the subject that made it


def decide(asker: Principal, thing: Thing | None, permission: Permission, link_scope: str | None = None) -> Verdict:
    """`link_scope`: of a share link to the thing that the asker has shown."""
    if thing is None or not _is_within_limits(asker, thing):
        return Verdict.HIDDEN
    held = held_permissions(asker, thing)
    if link_scope is not None:
        held |= LINK_PERMISSIONS[link_scope]
    if permission in held:
        return Verdict.ALLOWED
    return Verdict.FORBIDDEN if Permission.SEE in held else Verdict.HIDDEN


def decide_at_large(asker: Principal, permission: Permission) -> Verdict:
    """About no thing that there is: to make one, to list, to run the service. Never hidden."""
    is_allowed = asker.role.may(permission)
    if permission is not Permission.SEE:  # what is listed is filtered
        is_allowed = is_allowed and asker.session_id is None and asker.world_id is None
    return Verdict.ALLOWED if is_allowed else Verdict.FORBIDDEN


def decide_start(
    asker: Principal, origin: Thing | None, permission: Permission, link_scope: str | None = None
) -> Verdict:
    """To start a session from a world or from another session: to have `permission` there, and to be one who may start
    sessions. They are the asker's tenant's, which another tenant's list has no say in."""
    verdict = decide(asker, origin, permission, link_scope)
    if verdict is not Verdict.ALLOWED or origin is None:
        return verdict
    is_starter = asker.role.may(Permission.CREATE) or asker.tenant_id == origin.tenant_id
    # A guest's credential names the session that its link leads to, and the link says that one may leave it.
    is_free = asker.session_id is None or (link_scope is not None and _is_guest(asker))
    return Verdict.ALLOWED if is_starter and is_free else Verdict.FORBIDDEN


def held_permissions(asker: Principal, thing: Thing) -> Set[Permission]:
    """Without regard to what the credential is limited to."""
    own = PERMISSIONS[asker.role]
    held = own & _OF_THINGS if asker.tenant_id == thing.tenant_id else frozenset[Permission]()
    if _is_guests_own(asker, thing):
        held |= _OF_GUESTS_OWN
    for grant in thing.grants:
        if grant.tenant_id != asker.tenant_id or grant.subject_id not in ("", asker.subject_id):
            continue
        given = PERMISSIONS[grant.role] & _OF_THINGS
        # What everybody of a tenant is given does not make its viewers into players; what one is given in person does.
        held |= given if grant.subject_id else given & own
    return held


def _is_guest(asker: Principal) -> bool:
    return asker.subject_id.startswith(GUEST_PREFIX)


def _is_guests_own(asker: Principal, thing: Thing) -> bool:
    """All guests of a link have one name: what tells them apart is the token to attach with, which each was told of
    its own session alone."""
    is_own = _is_guest(asker) and (thing.tenant_id, thing.owner_id) == (asker.tenant_id, asker.subject_id)
    return is_own and thing.session_id is not None


def _is_within_limits(asker: Principal, thing: Thing) -> bool:
    is_other = asker.session_id is not None and thing.session_id != asker.session_id
    if is_other and not _is_guests_own(asker, thing):
        return False
    return asker.world_id is None or thing.world_id == asker.world_id
