"""What a client may do in a session that it attached to."""

from __future__ import annotations

from enum import Enum

from serving.errors import ScopeExceededError
from serving.sessions.contract import Directive


class Role(Enum):
    PLAYER = "player"  # drives the session
    DIRECTOR = "direct"  # looks on, and says sentences; more where a session's directors may
    VIEWER = "view"  # looks on

    @property
    def looks_on(self) -> bool:
        return self is not Role.PLAYER

    def check(self, kind: object) -> None:
        """Raises `ScopeExceededError`."""
        if self is Role.VIEWER:
            raise ScopeExceededError("the link lets see the session, not control it", field="control")
        if self is Role.DIRECTOR and not isinstance(kind, Directive):
            raise ScopeExceededError("the link lets send sentences only", field="control")


def granted(allowed: Role, wanted: Role | None, *, is_link: bool) -> Role:
    """What a client is that wants to be something, and may be `allowed`. Whoever may play may look on; a link to play
    with others is none to direct them. Raises `ScopeExceededError`."""
    if wanted is None or wanted is allowed or wanted is Role.VIEWER:
        return wanted or allowed
    if allowed is Role.PLAYER and not is_link:
        return wanted
    raise ScopeExceededError(f"what was given along allows to be a {allowed.name.lower()}", field="attach.role")


# By their names in the contract.
ATTACH_ROLES = {"player": Role.PLAYER, "director": Role.DIRECTOR, "viewer": Role.VIEWER}
# By the scope of a share link.
ROLES = {"view": Role.VIEWER, "direct": Role.DIRECTOR, "join": Role.PLAYER}
