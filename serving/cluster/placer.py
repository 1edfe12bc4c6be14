"""Chooses replicas for sessions. The only place that uses Serve's alpha interfaces (Ray 2.60):
`choose_replica`, `dispatch`, and through them `record_replica_metadata`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from model.interface import ModelInfo
from serving.cluster.turns import Asked, find_slot
from serving.errors import WorkerUnavailableError
from serving.stages.placement import Placement
from serving.stages.stage import DECODERS, Stage
from serving.stages.transformer import DecoderPlace

# A replica says within milliseconds whether it has a slot; one that does not is hung, or cut off.
ANSWER_TIMEOUT_S = 5.0


class ServePlacer:
    """A `Placer` over one handle for each deployment of workers."""

    def __init__(self, handles: Mapping[frozenset[Stage], DeploymentHandle]) -> None:
        self._handles = dict(handles)

    async def info(self) -> ModelInfo:
        """Waits until a transformer worker is up."""
        return await self._handle(Stage.TRANSFORMER).options(method_name="describe").remote()

    async def place(self, session_id: str) -> Placement:
        chosen = {stages: await self._choose(stages, session_id) for stages in self._handles}
        decoders = tuple(
            DecoderPlace(address=addresses["stream_address"], stages=stages & DECODERS)
            for stages, addresses in chosen.items()
            if stages & DECODERS
        )
        return Placement(
            encoder=_with(chosen, Stage.ENCODER)["address"],
            transformer=_with(chosen, Stage.TRANSFORMER)["stream_address"],
            decoders=decoders,
        )

    async def _choose(self, stages: frozenset[Stage], session_id: str) -> dict[str, str]:
        """A worker's addresses, with a slot kept there if it has slots."""
        return await find_slot(lambda refused: self._ask(stages, session_id, refused))

    async def _ask(self, stages: frozenset[Stage], session_id: str, refused: Collection[str]) -> Asked:
        handle = self._handles[stages].options(method_name="reserve")
        try:
            # Serve's own call takes the ids for its router.
            async with asyncio.timeout(ANSWER_TIMEOUT_S), handle.choose_replica(sorted(refused)) as selection:
                has_slot = await handle.dispatch(selection, session_id)
                return Asked(selection.replica_id, has_slot, selection.replica_metadata)
        except (RayError, RayServeException, TimeoutError) as error:
            raise WorkerUnavailableError(f"no {'+'.join(sorted(stages))} worker answers") from error

    def _handle(self, stage: Stage) -> DeploymentHandle:
        return _with(self._handles, stage)


def _with(by_stages: Mapping[frozenset[Stage], Any], stage: Stage) -> Any:
    return next(value for stages, value in by_stages.items() if stage in stages)
