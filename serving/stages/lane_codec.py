"""Between the messages about lanes and the plain values."""

from __future__ import annotations

from collections.abc import Sequence

from serving.sessions.encoded import ChunkHeader
from serving.stages.codec import header_to_wire
from serving.stages.layout import Layout, Place
from serving.wire import plane_pb2 as wire


def lane_latents_to_wire(header: ChunkHeader, layout: Layout, slot: int) -> wire.StreamRequest:
    message = wire.LaneLatents(header=header_to_wire(header), slot=slot, num_bytes=layout.num_bytes)
    if layout.video is not None:
        message.video.CopyFrom(_placed(layout.video))
    if layout.audio is not None:
        message.audio.CopyFrom(_placed(layout.audio))
    return wire.StreamRequest(lane_latents=message)


def layout_from_wire(message: wire.LaneLatents) -> Layout:
    return Layout(
        video=_places(message.video) if message.HasField("video") else None,
        audio=_places(message.audio) if message.HasField("audio") else None,
        num_bytes=message.num_bytes,
    )


def _placed(places: Sequence[Place]) -> wire.PlacedTensors:
    return wire.PlacedTensors(
        tensors=[
            wire.PlacedTensor(
                name=place.name,
                dtype=place.dtype,
                shape=place.shape,
                offset_bytes=place.offset_bytes,
                num_bytes=place.num_bytes,
            )
            for place in places
        ]
    )


def _places(message: wire.PlacedTensors) -> tuple[Place, ...]:
    return tuple(
        Place(
            name=each.name,
            dtype=each.dtype,
            shape=tuple(each.shape),
            offset_bytes=each.offset_bytes,
            num_bytes=each.num_bytes,
        )
        for each in message.tensors
    )
