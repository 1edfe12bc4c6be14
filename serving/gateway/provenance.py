"""Whose things are, and what they were made from, as messages."""

from __future__ import annotations

from model.interface import ModelInfo
from nacre.v1 import world_pb2
from serving.access.ownership import Ownership


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
