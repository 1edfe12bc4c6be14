"""A session's client as others see it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from serving.access.principal import Principal
from serving.access.roles import Role as AccessRole
from serving.gateway.roles import Role

# Whose business it is who the others are. Players and viewers, guests among them, know them by name and role.
SEE_SUBJECTS = frozenset({AccessRole.OWNER, AccessRole.DIRECTOR, AccessRole.AUDITOR, AccessRole.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewpoint:
    """Of one who is told of a session's clients."""

    subject_id: str
    sees_subjects: bool

    @classmethod
    def of(cls, asker: Principal, subject_id: str = "") -> Viewpoint:
        """`subject_id`: where it is another than the credential's."""
        return cls(subject_id=subject_id or asker.subject_id, sees_subjects=asker.role in SEE_SUBJECTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    client_id: str
    subject_id: str
    role: Role
    is_in_control: bool
    asks_control: bool
    joined_s: float  # time.time()

    def as_told_to(self, viewpoint: Viewpoint) -> Seen:
        """Without the subject, whose key or token it is, where that is not theirs to know. One's own one knows."""
        is_shown = viewpoint.sees_subjects or viewpoint.subject_id == self.subject_id
        return self if is_shown else replace(self, subject_id="")
