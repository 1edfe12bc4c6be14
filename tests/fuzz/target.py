"""A running gateway for strangers to throw things at: real workers behind it, its own thread, a real socket."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from nacre.v1 import admin_pb2, admission_pb2, error_pb2, library_pb2, session_pb2, world_pb2
from serving.gateway.config import GatewayConfig
from serving.gateway.server import SERVICE_NAMES
from tests.fakes_model import INFO
from tests.fuzz.messages import Payload
from tests.fuzz.tally import Tally
from tests.integration.durable.harness import Service, service

# Ten times as fast as the embedded model, for what waits for a boundary to take a tenth of the time.
FAST = replace(INFO, frame_rate=125.0, sample_rate_hz=160_000)
NUM_SLOTS = 6
TIMEOUT_S = 8.0
MAX_ANSWERS = 12
NUM_PAST_CHUNKS = 2
POLL_S = 0.02
PLAY_PATH = "/nacre.v1.SessionService/Play"
REASONS = {name.removeprefix("ERROR_REASON_") for name, number in error_pb2.ErrorReason.items() if number}


@dataclass(frozen=True, kw_only=True)
class Answer:
    code: grpc.StatusCode
    reason: str  # empty where it is no refusal
    messages: list[Message]

    @property
    def is_in_line(self) -> bool:
        """It was told its place in the queue and waited there, longer than the test lets any call take."""
        is_over = self.code is grpc.StatusCode.DEADLINE_EXCEEDED
        return is_over and any(field.name == "queued" for each in self.messages[-1:] for field, _ in each.ListFields())


@dataclass(kw_only=True)
class Target:
    service: Service
    channel: grpc.Channel
    tally: Tally
    names: dict[str, str] = field(default_factory=dict)
    reservation_ids: list[str] = field(default_factory=list)
    is_fresh: bool = False  # nothing was done that may change a thing

    def send(self, method: MethodDescriptor, payloads: Sequence[Payload]) -> Answer:
        """One call, whatever its kind. One that is not answered in time is an error."""
        answer = self._send(method, payloads)
        self.tally.calls_by_code[answer.code.name] += 1
        self.tally.messages_by_method[method.full_name] += len(payloads)
        return answer

    def _send(self, method: MethodDescriptor, payloads: Sequence[Payload]) -> Answer:
        self.is_fresh &= method.GetOptions().idempotency_level == NO_SIDE_EFFECTS
        call = self.channel.stream_stream(f"/{method.containing_service.full_name}/{method.name}")
        answers = call(iter([each.to_bytes(self.names) for each in payloads]), timeout=TIMEOUT_S)
        make = message_factory.GetMessageClass(method.output_type)
        messages: list[Message] = []
        try:
            for data in answers:
                messages.append(make.FromString(data))
                self._note(messages[-1])
                if len(messages) == MAX_ANSWERS:
                    answers.cancel()
                    break
        except grpc.RpcError:
            assert answers.code() is not grpc.StatusCode.CANCELLED
            has_hung = answers.code() is grpc.StatusCode.DEADLINE_EXCEEDED and not answers.trailing_metadata()
            reason = "" if has_hung else read_reason(answers)
            return Answer(code=answers.code(), reason=reason, messages=messages)
        return Answer(code=grpc.StatusCode.OK, reason="", messages=messages)

    def _note(self, message: Any) -> None:
        """A place that was given is to be given back."""
        if reservation_id := getattr(message, "reservation_id", ""):
            self.names["reservation_id"] = reservation_id
            self.reservation_ids.append(reservation_id)

    def ask(self, name: str, request: Message) -> Any:
        """The answer; a worker that was drained takes a moment until it is back."""
        give_up_s = time.monotonic() + TIMEOUT_S
        while not (answer := self.send(METHODS[name], [Payload(request)])).messages:
            assert time.monotonic() < give_up_s, answer
            time.sleep(POLL_S)
        return answer.messages[0]

    def used_slots(self) -> int:
        return sum(self.service.used_slots())

    # --- things that are there ---

    def renew(self) -> None:
        """A session, a world and a link that nothing was done to yet; what there was before is over."""
        self.end_all()
        created = self.ask(
            "CreateSession", session_pb2.CreateSessionRequest(world=world_pb2.WorldSpec(prompt="a street"))
        )
        self.names["session_id"] = self.names["other_session_id"] = session_id = created.session.session_id
        self.names["resume_token"] = created.resume_token
        self._play()
        saved = self.ask("SaveWorld", library_pb2.SaveWorldRequest(session_id=session_id, name="fuzzed"))
        self.names |= {"world_id": saved.world.world_id, "name": "fuzzed"}
        scope = library_pb2.SHARE_SCOPE_FORK
        link = self.ask("CreateShareLink", library_pb2.CreateShareLinkRequest(session_id=session_id, scope=scope))
        self.names |= {"share_id": link.share_link.share_id, "token": link.token}
        (worker,) = self.ask("ListWorkers", admin_pb2.ListWorkersRequest()).workers
        self.names["worker_id"] = worker.worker_id
        self.send(METHODS["CreateTenant"], [Payload(admin_pb2.CreateTenantRequest(tenant_id="fuzzed"))])
        self.names["tenant_id"] = "fuzzed"
        self.is_fresh = True

    def _play(self) -> None:
        """For a few chunks, so that the session has a past."""
        attach = session_pb2.Attach(session_id=self.names["session_id"], resume_token=self.names["resume_token"])
        is_over = threading.Event()

        def requests() -> Iterator[bytes]:
            yield session_pb2.PlayRequest(attach=attach).SerializeToString()
            is_over.wait(TIMEOUT_S)

        call = self.channel.stream_stream(PLAY_PATH)(requests(), timeout=TIMEOUT_S)
        for data in call:
            message = session_pb2.PlayResponse.FromString(data)
            if message.HasField("media") and message.media.chunk_index >= NUM_PAST_CHUNKS:
                is_over.set()

    def end_all(self) -> None:
        """What was made is ended, what was taken out of service is put back."""
        if worker_id := self.names.get("worker_id"):
            self.ask("UndrainWorker", admin_pb2.UndrainWorkerRequest(worker_id=worker_id))
        while self.reservation_ids:
            request = admission_pb2.CancelReservationRequest(reservation_id=self.reservation_ids.pop())
            self.ask("CancelReservation", request)
        for session in self.ask("ListSessions", session_pb2.ListSessionsRequest(states=[RUNNING])).sessions:
            self.send(METHODS["EndSession"], [Payload(session_pb2.EndSessionRequest(session_id=session.session_id))])


def read_reason(call: Any) -> str:
    """Of a refusal, whose details are all there."""
    trailers = dict(call.trailing_metadata() or ())
    data = trailers.get("grpc-status-details-bin")
    assert isinstance(data, bytes), f"no details: {call.code()} {call.details()}"
    status, info = status_pb2.Status.FromString(data), error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.reason in REASONS
    assert info.metadata["request_id"] == trailers["x-request-id"]
    return info.reason


@contextmanager
def running_target(folder: Path, tally: Tally, url: str = "") -> Iterator[Target]:
    """Until the block ends. Its event loop has a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="target")
    thread.start()
    config = GatewayConfig(port=0, drain_s=0.2, attach_timeout_s=1.0, ready_grace_s=10.0, detach_grace_s=10.0)
    entered = service(folder, num_slots=NUM_SLOTS, config=config, url=url, info=FAST)
    try:
        kept = asyncio.run_coroutine_threadsafe(entered.__aenter__(), loop).result(TIMEOUT_S)
        try:
            with grpc.insecure_channel(kept.server.address) as channel:
                yield Target(service=kept, channel=channel, tally=tally)
        finally:
            asyncio.run_coroutine_threadsafe(entered.__aexit__(None, None, None), loop).result(TIMEOUT_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _methods() -> Mapping[str, MethodDescriptor]:
    services = map(descriptor_pool.Default().FindServiceByName, SERVICE_NAMES)
    return {method.name: method for service in services for method in service.methods}


METHODS = _methods()
NO_SIDE_EFFECTS = MethodOptions.NO_SIDE_EFFECTS
RUNNING = session_pb2.SESSION_STATE_RUNNING
