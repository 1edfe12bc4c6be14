"""Whose a session or a world is, what it was made from, and under which licence it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from serving.access.principal import DEFAULT_TENANT, LOCAL, Principal

# Beyond it the oldest are dropped: worlds that were saved and loaded again all day stay small.
MAX_INPUTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Written down with the thing, and never changed by who uses it."""

    tenant_id: str = DEFAULT_TENANT
    owner_id: str = LOCAL.subject_id  # the subject that made it
    licence: str = ""  # in the owner's words; empty where none was given
    # "words", "image:<sha256>", "world:<id>", "session:<id>@<chunk>", "file:<sha256>"
    inputs: tuple[str, ...] = ()

    @classmethod
    def of(cls, maker: Principal, *, licence: str = "", inputs: tuple[str, ...] = ()) -> Ownership:
        return cls(tenant_id=maker.tenant_id, owner_id=maker.subject_id, licence=licence, inputs=inputs)

    def handed_to(self, maker: Principal, source: str) -> Ownership:
        """Of what `maker` makes from it: the licence stays, and what it came from is one of its inputs."""
        # Which sessions came from which is on record with the sessions: the nearest is enough here.
        brought = (each for each in self.inputs if not each.startswith("session:"))
        inputs = tuple(dict.fromkeys((*brought, source)))[-MAX_INPUTS:]
        return replace(self, tenant_id=maker.tenant_id, owner_id=maker.subject_id, inputs=inputs)


# Of what is made where there is no authentication.
LOCALS = Ownership()
