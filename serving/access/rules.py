"""What each call of the API takes: which permission, and on what. A call without a line here is answered by nobody,
and a test compares the lines with the services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from serving.access.roles import Permission


class About(Enum):
    LARGE = "at large"  # no thing that there is: to make one, to list, to run the service
    SESSION = "session"
    FORK = "fork"  # a session, to start another from it
    WORLD = "world"
    MAYBE_WORLD = "maybe a world"  # one that the request names, or none
    START = "start"  # a world, by id or by name, to start a session from it
    SHARE = "share"  # the session that a link leads to, by the link's id
    LATER = "later"  # the call says it in its stream or by a token: its handler asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    permission: Permission
    about: About = About.LARGE
    fields: tuple[str, ...] = ("session_id",)  # of the request, where ids are


def _session(permission: Permission, *fields: str) -> Rule:
    return Rule(permission=permission, about=About.SESSION, fields=fields or ("session_id",))


def _world(permission: Permission) -> Rule:
    return Rule(permission=permission, about=About.WORLD, fields=("world_id",))


def _service(name: str, rules: Mapping[str, Rule]) -> dict[str, Rule]:
    return {f"/nacre.v1.{name}/{method}": rule for method, rule in rules.items()}


_CREATE, _SEE, _PLAY = Permission.CREATE, Permission.SEE, Permission.PLAY
_KEEP, _SHARE, _DELETE = Permission.KEEP, Permission.SHARE, Permission.DELETE
_FLEET, _TENANT = Rule(permission=Permission.FLEET), Rule(permission=Permission.TENANT)

RULES: Mapping[str, Rule] = {
    **_service(
        "SessionService",
        {
            "GetCapabilities": Rule(permission=_SEE),
            "CreateSession": Rule(permission=_CREATE),
            "Play": Rule(permission=_SEE, about=About.LATER),
            "GetSession": _session(_SEE),
            "ListSessions": Rule(permission=_SEE),  # of those that one may see
            "EndSession": _session(_PLAY),
            "DeleteSession": _session(_DELETE),
            "PauseSession": _session(_PLAY),
            "ResumeSession": _session(_PLAY),
            "ParkSession": _session(_KEEP),
            "WakeSession": _session(_KEEP),
            "ForkSession": Rule(permission=_KEEP, about=About.FORK),
            "RewindSession": _session(_KEEP),
            "GetBranches": _session(_SEE),  # and of those only what one may see
            "DiffSessions": _session(_SEE, "session_id", "other_session_id"),
        },
    ),
    **_service(
        "AdmissionService",
        {
            "OpenSession": Rule(permission=_CREATE),
            "Reserve": Rule(permission=_CREATE),
            "CancelReservation": Rule(permission=_CREATE),
            # One's own tenant's, or with FLEET another's: the handler asks.
            "GetQuota": Rule(permission=_SEE),
        },
    ),
    **_service(
        "LibraryService",
        {
            "SaveWorld": _session(_KEEP),
            "LoadWorld": Rule(permission=_CREATE, about=About.START, fields=("world_id", "name")),
            "ListWorlds": Rule(permission=_SEE),  # of those that one may see
            "GetWorld": _world(_SEE),
            "DeleteWorld": _world(_DELETE),
            "ExportSession": _session(_KEEP),
            "ImportWorld": Rule(permission=_KEEP),
            "CreateShareLink": _session(_SHARE),
            "ListShareLinks": _session(_SHARE),
            "RevokeShareLink": Rule(permission=_SHARE, about=About.SHARE, fields=("share_id",)),
            "OpenShareLink": Rule(permission=_SEE, about=About.LATER),
            "SetAccess": _world(_SHARE),
            "GetAccess": _world(_SHARE),
        },
    ),
    **_service(
        "AdminService",
        {
            "ListWorkers": _FLEET,
            "DrainWorker": _FLEET,
            "UndrainWorker": _FLEET,
            "MoveSession": _FLEET,  # any tenant's: nothing of it is shown
            "ListQuotas": _FLEET,
            "SetQuota": _FLEET,
            "CreateTenant": _FLEET,
            "ListTenants": _FLEET,
            "SuspendTenant": _FLEET,
            "RestoreTenant": _FLEET,
            # Of one's own tenant, or with FLEET of another: the handlers ask.
            "CreateKey": _TENANT,
            "ListKeys": _TENANT,
            "RevokeKey": _TENANT,
            "RotateKey": _TENANT,
        },
    ),
    **_service(
        "AccessService",
        {
            "GetCaller": Rule(permission=_SEE),
            # Not above the caller's own: the handler compares.
            "MintToken": Rule(permission=_SEE, about=About.LATER),
            # One's own, or with TENANT any of the tenant's: the handler compares.
            "RevokeToken": Rule(permission=_SEE, about=About.LATER),
        },
    ),
    # Of one's own tenant, or with FLEET of another: the handlers ask.
    **_service(
        "UsageService",
        {
            "GetQuote": Rule(permission=_SEE, about=About.MAYBE_WORLD, fields=("world_id",)),
            "GetUsage": Rule(permission=Permission.USAGE),
        },
    ),
    **_service(
        "ExportService",
        {
            "GetRecording": _session(_SEE),
            "DownloadRecording": _session(_KEEP),
            "CreateRecordingTicket": _session(_KEEP),
            "DeleteRecording": _session(_DELETE),
        },
    ),
    **_service(
        "AuditService",
        {
            "ListAuditEntries": Rule(permission=Permission.AUDIT),
            "VerifyBooks": Rule(permission=Permission.AUDIT),
        },
    ),
}
