"""Which replica Serve asks for a session: each in turn, and none twice for the same one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ray.serve.request_router import PendingRequest, RequestRouter, RunningReplica

from serving.cluster.turns import in_turn


class TurnsRouter(RequestRouter):
    """For `handle.choose_replica(refused)`: `refused` are the ids of the replicas that had no slot.

    Serve's own choice is by the requests a replica has in hand, which says nothing of its sessions, and it may ask
    the same replica each time while another one is free. One that died leaves Serve's list with the first call that
    finds it dead.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._num_turns = 0

    async def choose_replicas(
        self, candidate_replicas: list[RunningReplica], pending_request: PendingRequest | None = None
    ) -> list[list[RunningReplica]]:
        """Ranks of one each: Serve takes the first that answers."""
        refused: Collection[str] = ()
        if pending_request is not None:
            pending_request.routing_context.should_backoff = True  # or Serve would ask without a pause
            refused = next((each for each in pending_request.args if isinstance(each, list)), ())
        ids = [replica.replica_id.unique_id for replica in candidate_replicas]
        self._num_turns += 1
        by_id = dict(zip(ids, candidate_replicas, strict=True))
        return [[by_id[each]] for each in in_turn(ids, refused, self._num_turns)]
