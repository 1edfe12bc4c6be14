"""Those whom one share link lets in, told apart: each has a token of its own, from the first time it attaches.

What is shown and kept is a digest of the token. Nobody can come back as somebody else by what others see, and every
gateway tells the same, with nothing kept.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from serving.access.principal import GUEST_PREFIX

TOKEN_BYTES = 16
DIGEST_CHARS = 12  # of the subject id: some 10^14, for the handful that one link lets in


@dataclass(frozen=True, slots=True)
class Attender:
    """One who attaches, as attribution and the others know it."""

    subject_id: str
    guest_token: str = ""  # to show when it comes back; of a guest alone


def attender(subject_id: str, guest_token: str) -> Attender:
    """`subject_id`: of the credential, which for guests is the link's; `guest_token`: as was shown, or empty."""
    if not subject_id.startswith(GUEST_PREFIX):
        return Attender(subject_id)
    token = guest_token or secrets.token_urlsafe(TOKEN_BYTES)
    digest = hashlib.sha256(token.encode()).hexdigest()[:DIGEST_CHARS]
    return Attender(f"{subject_id}:{digest}", token)
