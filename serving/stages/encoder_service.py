"""The encoder stage's gRPC service: a thin translation."""

from __future__ import annotations

from serving.sessions.tensor_bytes import to_bytes
from serving.stages import codec
from serving.stages.encoder import EncoderStage
from serving.wire import plane_pb2 as wire
from serving.wire import plane_pb2_grpc as wire_grpc


class EncoderService(wire_grpc.EncoderServiceServicer):
    def __init__(self, stage: EncoderStage) -> None:
        self._stage = stage

    async def EncodeText(self, request: wire.EncodeTextRequest, context: object) -> wire.EncodeTextResponse:  # noqa: N802
        encoded = await self._stage.encode_text(request.text)
        told = None if encoded.understood is None else wire.Understood(phrases=encoded.understood)
        return wire.EncodeTextResponse(tensors=to_bytes(encoded.tensors), understood=told)

    async def EncodeImage(self, request: wire.EncodeImageRequest, context: object) -> wire.EncodeImageResponse:  # noqa: N802
        image_HWC = codec.picture_from_wire(request.picture)
        return wire.EncodeImageResponse(tensors=to_bytes(await self._stage.encode_image(image_HWC)))
