"""Who may write to a session: one holder at a time, told apart by an epoch that only grows. Pure.

Time decides only when another may take over; what keeps an old holder out is its epoch, which
every write names and the catalogue compares inside the same transaction. Clocks that disagree
make a take-over early or late, never two writers.
"""

from __future__ import annotations

from dataclasses import dataclass

# A holder renews three times before others may take over.
LEASE_S = 6.0
RENEW_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """As the catalogue has it. Nobody's once `until_s` has passed."""

    owner: str
    epoch: int
    until_s: float  # time.time()

    def is_held(self, now_s: float) -> bool:
        return now_s < self.until_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    held_by: str
    retry_after_s: float


def acquire(lease: Lease, owner: str, now_s: float, lease_s: float = LEASE_S) -> Lease | Refused:
    """The lease of `owner` with a new epoch, also where it held the session before: what that left behind is
    fenced off. Refused while somebody else holds it."""
    if lease.is_held(now_s) and lease.owner != owner:
        return Refused(held_by=lease.owner, retry_after_s=lease.until_s - now_s)
    return Lease(owner=owner, epoch=lease.epoch + 1, until_s=now_s + lease_s)


def take_over(lease: Lease, owner: str, epoch: int, now_s: float, lease_s: float = LEASE_S) -> Lease | None:
    """The next epoch for one that knows the current, whoever holds the session: the epoch fences that one off. None
    when it has moved on."""
    return Lease(owner=owner, epoch=epoch + 1, until_s=now_s + lease_s) if lease.epoch == epoch else None


def renew(lease: Lease, epoch: int, now_s: float, lease_s: float = LEASE_S) -> Lease | None:
    """The lease for longer, also after it ran out, as long as nobody else took it; None for an old epoch."""
    if lease.epoch != epoch:
        return None
    return Lease(owner=lease.owner, epoch=epoch, until_s=max(lease.until_s, now_s + lease_s))


def release(lease: Lease, epoch: int) -> Lease | None:
    """Nobody's from now on; the epoch stays, so that the next is higher. None for an old epoch."""
    return Lease(owner="", epoch=epoch, until_s=0.0) if lease.epoch == epoch else None
