from __future__ import annotations

import logging
import sys

import pytest
from grpc._cython import cygrpc

from serving.gateway.request_id import answering
from serving.log_lines import LineFormatter, is_worth_a_line


def line(message: str) -> str:
    return LineFormatter().format(logging.LogRecord("serving.x", logging.WARNING, "x.py", 1, message, (), None))


def test_a_line_names_its_call() -> None:
    with answering("find-me"):
        assert line("it went wrong").endswith("WARNING serving.x [request find-me]: it went wrong")


def test_a_line_outside_of_calls_names_none() -> None:
    assert line("it went wrong").endswith("WARNING serving.x: it went wrong")


STATUS = ("execute_batch", (cygrpc.SendStatusFromServerOperation((), b"", 0, 0),))
MESSAGE = ("execute_batch", (cygrpc.SendMessageOperation(b"", 0),))


@pytest.mark.parametrize(
    ("logger", "error", "is_written"),
    [
        ("grpc._cython.cygrpc", cygrpc.ExecuteBatchError(*STATUS), False),
        ("grpc._cython.cygrpc", cygrpc.ExecuteBatchError(*MESSAGE), True),
        ("grpc._cython.cygrpc", ValueError("SendStatusFromServer"), True),
        ("serving.x", cygrpc.ExecuteBatchError(*STATUS), True),
    ],
)
def test_only_of_a_client_that_left_as_its_stream_ended_there_is_no_line(
    logger: str, error: Exception, is_written: bool
) -> None:
    try:
        raise error
    except Exception:
        record = logging.LogRecord(logger, logging.ERROR, "x.py", 1, "raised", (), sys.exc_info())
    assert is_worth_a_line(record) is is_written


def test_a_line_without_an_error_is_written() -> None:
    assert is_worth_a_line(logging.LogRecord("grpc._cython.cygrpc", logging.ERROR, "x.py", 1, "raised", (), None))
