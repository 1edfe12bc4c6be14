"""What every call has in common that changes something: it is done once under its key, and may ask for a place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import Message

from serving.access.principal import current
from serving.admission.asking import asking_as, check_admission
from serving.admission.keyed import KeyedRequests, request_sha256
from serving.admission.keyed_answers import RequestKey
from serving.gateway.validation import check_idempotency_key

Handler = grpc.RpcMethodHandler
KEY_FIELD, ADMISSION_FIELD = "idempotency_key", "admission"
Behaviour = Callable[[Any, Any], Awaitable[Message]]


class AdmissionInterceptor(grpc.aio.ServerInterceptor):
    """The last of its server's: those before it say who asks, and answer for errors. Only looks at single calls;
    a stream does what it has to by itself."""

    def __init__(self, keyed: KeyedRequests) -> None:
        self._keyed = keyed

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming or handler.response_streaming:
            return handler
        behaviour = handler.unary_unary
        assert behaviour is not None, "a single call"
        return grpc.unary_unary_rpc_method_handler(
            self._wrap(behaviour, str(handler_call_details.method)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _wrap(self, behaviour: Any, method: str) -> Behaviour:
        async def call(request: Any, context: Any) -> Message:
            fields = request.DESCRIPTOR.fields_by_name
            if ADMISSION_FIELD in fields and request.HasField(ADMISSION_FIELD):
                with asking_as(check_admission(request.admission)):
                    return await self._answer(behaviour, method, request, context)
            if KEY_FIELD not in fields:
                return await behaviour(request, context)
            return await self._answer(behaviour, method, request, context)

        return call

    async def _answer(self, behaviour: Any, method: str, request: Any, context: Any) -> Message:
        if not request.idempotency_key:
            return await behaviour(request, context)
        fresh: list[Message] = []

        async def work() -> bytes:
            answer: Message = await behaviour(request, context)
            fresh.append(answer)
            return answer.SerializeToString()

        key = key_of(request.idempotency_key)
        answer = await self._keyed.once(key, request_sha256(method, request), work)
        return fresh[0] if fresh else answer_class(method).FromString(answer)


def key_of(key: str) -> RequestKey:
    """The key as that of whoever asks. Raises `InvalidFieldError`."""
    principal = current()
    return RequestKey(tenant_id=principal.tenant_id, subject_id=principal.subject_id, key=check_idempotency_key(key))


def answer_class(method: str) -> type[Message]:
    """Of "/package.Service/Method"."""
    name = method.removeprefix("/").replace("/", ".")
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMethodByName(name).output_type)
