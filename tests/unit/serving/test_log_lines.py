from __future__ import annotations

import logging

from serving.gateway.request_id import answering
from serving.log_lines import LineFormatter


def line(message: str) -> str:
    return LineFormatter().format(logging.LogRecord("serving.x", logging.WARNING, "x.py", 1, message, (), None))


def test_a_line_names_its_call() -> None:
    with answering("find-me"):
        assert line("it went wrong").endswith("WARNING serving.x [request find-me]: it went wrong")


def test_a_line_outside_of_calls_names_none() -> None:
    assert line("it went wrong").endswith("WARNING serving.x: it went wrong")
