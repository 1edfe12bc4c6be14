"""What a session is for as long as its gateway has it; nothing of it changes."""

from __future__ import annotations

from dataclasses import dataclass

from serving.access.ownership import LOCALS, Ownership
from serving.access.policy import Thing
from serving.sessions.contract import WorldSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIdentity:
    session_id: str
    resume_token: str  # empty for a session that somebody woke who does not have it
    token_sha256: bytes
    world: WorldSpec  # without the picture: the worker has it, and nobody asks for it again
    is_traced: bool
    create_s: float  # time.time()
    open_seconds: float  # from CreateSession until its answer
    first_chunk_idx: int = 0  # not 0 for one that another gateway began
    ownership: Ownership = LOCALS
    world_id: str | None = None  # the saved world that it started from
    max_seconds: float | None = None  # as the credential of whoever began it allows

    @property
    def thing(self) -> Thing:
        """As the policy sees it, without the access list of its world."""
        return Thing(
            tenant_id=self.ownership.tenant_id,
            session_id=self.session_id,
            world_id=self.world_id,
            owner_id=self.ownership.owner_id,
        )
