"""Every request message of every service, thrown at a running gateway: it refuses what is wrong, and goes on.

A few of each here, always the same; `make fuzz-api` sends for ten minutes, by the variable below.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacre.v1 import session_pb2
from tests.fuzz.messages import PLACEHOLDER, Payload, mostly, payloads
from tests.fuzz.tally import IS_LONG, NUM_EXAMPLES, Tally
from tests.fuzz.target import METHODS, NUM_SLOTS, POLL_S, TIMEOUT_S, Target, running_target
from tests.postgres import PostgresMissingError, postgres_url, running_postgres

SETTINGS = settings(
    max_examples=NUM_EXAMPLES,
    derandomize=not IS_LONG,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
# Defects of ours, or of the handling of errors. A deadline that passes is a call that hung.
FORBIDDEN = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED)


@pytest.fixture(scope="module", params=["sqlite", "postgres"] if IS_LONG else ["sqlite"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tally: Tally) -> Iterator[Target]:
    with ExitStack() as stack:
        url = _postgres(stack) if request.param == "postgres" else ""
        target = stack.enter_context(running_target(tmp_path_factory.mktemp("fuzz"), tally, url))
        yield target
        target.end_all()
        give_up_s = time.monotonic() + TIMEOUT_S
        while target.used_slots():
            assert time.monotonic() < give_up_s, "a slot was leaked"
            time.sleep(POLL_S)


def _postgres(stack: ExitStack) -> str:
    try:
        return postgres_url(stack.enter_context(running_postgres()))
    except PostgresMissingError as error:
        pytest.skip(f"not run on PostgreSQL: {error}")


@pytest.fixture(autouse=True)
def nothing_is_in_the_log(target: Target, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fresh things to name before, no defect told afterwards."""
    if not target.is_fresh:
        target.renew()
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info] == []


UNARY = [method for name, method in METHODS.items() if name != "Play"]


@pytest.mark.parametrize("method", UNARY, ids=lambda method: method.name)
def test_any_request_is_answered_and_the_service_goes_on(target: Target, method: MethodDescriptor) -> None:
    @SETTINGS
    @given(payload=payloads(method.input_type))
    def send(payload: Payload) -> None:
        answer = target.send(method, [payload])
        assert answer.code not in FORBIDDEN or answer.is_in_line, answer
        if max(target.used_slots(), len(target.reservation_ids)) > NUM_SLOTS // 2:
            target.renew()

    send()


ATTACH = session_pb2.PlayRequest(
    attach=session_pb2.Attach(
        session_id=PLACEHOLDER.format("session_id"), resume_token=PLACEHOLDER.format("resume_token")
    )
)
PLAY = METHODS["Play"]


def test_any_play_stream_is_answered_and_the_service_goes_on(target: Target) -> None:
    first = mostly(st.just(Payload(ATTACH)), payloads(PLAY.input_type))
    later = st.lists(payloads(PLAY.input_type), max_size=6)

    @SETTINGS
    @given(first=first, later=later)
    def send(first: Payload, later: list[Payload]) -> None:
        answer = target.send(PLAY, [first, *later])
        assert answer.code not in FORBIDDEN or answer.reason == "ATTACH_TIMEOUT", answer
        if answer.reason == "SESSION_ENDED":
            target.renew()

    send()
