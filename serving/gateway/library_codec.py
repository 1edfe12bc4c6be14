"""What is on record, to messages."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from model.interface import ModelInfo
from nacre.v1 import library_pb2, session_pb2, world_pb2
from serving.catalogue.differences import Deed, Difference
from serving.catalogue.lineage import TreeNode
from serving.catalogue.plane import world_of
from serving.catalogue.sessions import SessionRow
from serving.catalogue.shares import ShareRow
from serving.catalogue.worlds import WorldRow
from serving.gateway import codec
from serving.gateway.provenance import to_provenance

# As the catalogue names states; what it calls open is with a gateway.
STATES = {"open": "RUNNING", "parked": "PARKED", "ended": "ENDED"}


def to_timestamp(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromNanoseconds(round(seconds * codec.NANOS_PER_S))
    return stamp


def to_known_session(row: SessionRow, info: ModelInfo) -> session_pb2.Session:
    """One that no gateway runs now."""
    is_public_reason = f"END_REASON_{row.end_reason}" in session_pb2.EndReason.DESCRIPTOR.values_by_name
    message = codec.to_session(
        session_id=row.session_id,
        state=STATES.get(row.state, "ENDED"),
        end_reason=row.end_reason if is_public_reason else "",
        world=world_of(row),
        info=info,
        create_s=row.created_s,
        chunks_generated=row.num_chunks,
    )
    message.provenance.CopyFrom(to_provenance(row.ownership, row.model, row.weights_sha256, info))
    return message


def to_summary(row: SessionRow, info: ModelInfo) -> session_pb2.SessionSummary:
    return session_pb2.SessionSummary(
        session_id=row.session_id,
        state=f"SESSION_STATE_{STATES.get(row.state, 'ENDED')}",
        world=codec.to_world_spec(world_of(row)),
        create_time=to_timestamp(row.created_s),
        update_time=to_timestamp(row.updated_s),
        chunks_generated=row.num_chunks,
        world_time=codec.to_duration(row.num_chunks * info.chunk_duration_s),
        provenance=to_provenance(row.ownership, row.model, row.weights_sha256, info),
    )


def to_branch(node: TreeNode) -> session_pb2.Branch:
    return session_pb2.Branch(
        session_id=node.session_id,
        parent_session_id=node.parent_session_id or "",
        parent_chunk_index=node.parent_chunk_idx or 0,
        label=node.label,
        state=f"SESSION_STATE_{STATES.get(node.state, 'ENDED')}",
        chunks_generated=node.num_chunks,
        create_time=to_timestamp(node.created_s),
    )


def to_difference(difference: Difference) -> session_pb2.DiffSessionsResponse:
    message = session_pb2.DiffSessionsResponse(
        world_fields=sorted(difference.spec),
        controls=[_to_past_control(deed) for deed in difference.left.deeds],
        other_controls=[_to_past_control(deed) for deed in difference.right.deeds],
    )
    if difference.parted_chunk_idx is not None:
        message.parted_chunk_index = difference.parted_chunk_idx
    return message


def to_world(row: WorldRow, info: ModelInfo) -> library_pb2.World:
    return library_pb2.World(
        world_id=row.world_id,
        name=row.name,
        version=row.version,
        session_id=row.session_id or "",
        chunk_index=row.chunk_idx,
        spec=world_pb2.WorldSpec(
            prompt=str(row.spec["prompt"]),
            character=str(row.spec["character"]),
            scene=str(row.spec["scene"]),
            model=row.model,
            seed=int(row.spec["seed"]),
            licence=row.ownership.licence,
        ),
        note=row.note,
        num_bytes=row.num_bytes,
        create_time=to_timestamp(row.created_s),
        provenance=to_provenance(row.ownership, row.model, row.weights_sha256, info),
    )


def to_share_link(row: ShareRow) -> library_pb2.ShareLink:
    return library_pb2.ShareLink(
        share_id=row.share_id,
        session_id=row.session_id or "",
        scope=f"SHARE_SCOPE_{row.scope.upper()}",
        create_time=to_timestamp(row.created_s),
        expire_time=None if row.expires_s is None else to_timestamp(row.expires_s),
        revoked=row.revoked_s is not None,
        num_uses=row.num_uses,
    )


def _to_past_control(deed: Deed) -> session_pb2.PastControl:
    return session_pb2.PastControl(
        chunk_index=deed.chunk_idx, kind=f"CONTROL_KIND_{deed.control.upper()}", text=deed.text
    )
