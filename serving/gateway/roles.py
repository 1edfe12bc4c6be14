"""What a client may do in a session that it attached to."""

from __future__ import annotations

from enum import Enum

from serving.errors import ScopeExceededError
from serving.sessions.contract import Directive


class Role(Enum):
    PLAYER = "player"  # controls the session; one at a time
    DIRECTOR = "direct"  # looks on, and says sentences
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


# By the scope of a share link.
ROLES = {"view": Role.VIEWER, "direct": Role.DIRECTOR, "join": Role.PLAYER}
