"""The controls of a world whose outcome is not known yet."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection

from nacre.enums import name_of
from nacre.errors import ConnectionLost, LimitReached, NacreError, from_rejection
from nacre.receipt import Applied, Outcome, Receipt, Superseded
from nacre.records import seconds_of
from nacre.v1 import control_pb2

# As many as the service lets a session have; more would be refused there.
MAX_PENDING = 256
# An outcome that was on its way when the connection broke comes right after the next attachment, or
# with one of its first chunks. After this many it was lost with the connection. Fewer than a client
# lets in while it waits (credit.RESERVE_CHUNKS), or waiting could outlast the chunks.
CHUNKS_TO_LEARN_OUTCOME = 8


class PendingReceipts:
    """Bounded: beyond `MAX_PENDING` a receipt settles at once with `LimitReached`."""

    def __init__(self, on_wait: Callable[[], None]) -> None:
        self._receipts: dict[str, Receipt] = {}
        self._on_wait = on_wait
        # Unique within the session, which may see other attachments and other clients.
        self._prefix = secrets.token_hex(4)
        self._num_opened = 0
        self._in_doubt: set[str] = set()
        self._chunks_in_doubt = 0

    def __len__(self) -> int:
        return len(self._receipts)

    @property
    def is_awaited(self) -> bool:
        return any(receipt.is_awaited for receipt in self._receipts.values())

    def open(self) -> Receipt:
        self._num_opened += 1
        receipt = Receipt(f"{self._prefix}-{self._num_opened}", time.monotonic(), self._on_wait)
        if len(self._receipts) >= MAX_PENDING:
            receipt.settle(LimitReached(f"{MAX_PENDING} controls wait for their outcome", reason="RATE_EXCEEDED"))
        else:
            self._receipts[receipt.control_id] = receipt
        return receipt

    def on_ack(self, ack: control_pb2.Ack) -> None:
        """Settle what `ack` is about. Acks of other clients' controls are none of ours."""
        receipt = self._receipts.get(ack.control_id)
        if receipt is None:
            return
        outcome = _to_outcome(ack)
        if outcome is None:
            accepted = ack.accepted
            receipt.accept(accepted.due_chunk_index if accepted.HasField("due_chunk_index") else None)
            self._in_doubt.discard(ack.control_id)  # the service has it, and will say
            return
        receipt.settle(outcome)
        self._forget(ack.control_id)

    def unanswered_ids(self, unsent_ids: Collection[str]) -> list[str]:
        """What was sent and has no outcome: to be asked for by whoever comes back."""
        return [control_id for control_id in self._receipts if control_id not in unsent_ids]

    def on_attach(self, unsent_ids: Collection[str]) -> None:
        """What the stream before took along may have lost its acks with it. What waits for its time is on record."""
        waiting = {each.control_id for each in self._receipts.values() if each.is_scheduled and each.is_accepted}
        self._in_doubt = set(self._receipts).difference(unsent_ids, waiting)
        self._chunks_in_doubt = 0

    def on_chunk(self) -> None:
        """Give up outcomes that a broken connection has swallowed."""
        if not self._in_doubt:
            return
        self._chunks_in_doubt += 1
        if self._chunks_in_doubt < CHUNKS_TO_LEARN_OUTCOME:
            return
        for control_id in tuple(self._in_doubt):
            self._receipts[control_id].settle(ConnectionLost("the outcome was lost with the connection"))
            self._forget(control_id)

    def settle_all(self, error: NacreError) -> None:
        for control_id, receipt in tuple(self._receipts.items()):
            receipt.settle(error)
            self._forget(control_id)

    def _forget(self, control_id: str) -> None:
        del self._receipts[control_id]
        self._in_doubt.discard(control_id)


def _to_outcome(ack: control_pb2.Ack) -> Outcome | NacreError | None:
    """The terminal outcome, or None for `accepted`."""
    match ack.WhichOneof("outcome"):
        case "applied":
            applied = ack.applied
            return Applied(
                control_id=ack.control_id,
                chunk_index=applied.chunk_index,
                frame_index=applied.frame_index,
                world_time_s=seconds_of(applied.world_time),
                understood=tuple(applied.understood.phrases) if applied.HasField("understood") else None,
            )
        case "superseded":
            superseded = ack.superseded
            return Superseded(
                control_id=ack.control_id,
                by_control_id=superseded.by_control_id,
                reason=_reason(superseded.reason),
                by_client_id=superseded.by_client_id,
            )
        case "rejected":
            return from_rejection(ack.rejected.error)
        case _:
            return None


def _reason(value: int) -> str:
    """Services from before there were reasons knew one."""
    name = name_of(control_pb2.SupersededReason, value, "SUPERSEDED_REASON_").lower()
    return "later" if name == "unspecified" else name
