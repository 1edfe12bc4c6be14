"""Whose things are, and what they were made from, as messages and on files."""

from __future__ import annotations

from model.interface import ModelInfo
from nacre.v1 import world_pb2
from serving.access.ownership import Ownership
from serving.sessions.contract import WorldSpec
from serving.sessions.label import Label


def to_provenance(ownership: Ownership, model: str, weights_sha256: str, info: ModelInfo) -> world_pb2.Provenance:
    """`info`: of the model that is served now, whose licence is known."""
    is_this = (model, weights_sha256) == (info.name, info.weights_sha256)
    return world_pb2.Provenance(
        tenant_id=ownership.tenant_id,
        owner_id=ownership.owner_id,
        licence=ownership.licence,
        model=model,
        weights_sha256=weights_sha256,
        model_licence=info.licence if is_this else "",
        inputs=ownership.inputs,
    )


def label_of(ownership: Ownership, info: ModelInfo, world: WorldSpec) -> Label:
    """Of a moment that is made now. Tenants are this service's business."""
    return Label(
        owner_id=ownership.owner_id,
        licence=ownership.licence,
        model=info.name,
        weights_sha256=info.weights_sha256,
        model_licence=info.licence,
        inputs=ownership.inputs,
        prompt=world.prompt,
        character=world.character,
        scene=world.scene,
    )
