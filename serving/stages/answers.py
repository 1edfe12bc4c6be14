"""Answers from a worker's thread to whoever asked, who may have gone meanwhile."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TypeVar

Value = TypeVar("Value")


def give(answer: Future[Value], value: Value) -> None:
    """Of no effect when nobody waits for it any more: a cancelled question must not end the thread."""
    if answer.set_running_or_notify_cancel():
        answer.set_result(value)


def refuse(answer: Future[Value], error: Exception) -> None:
    """As `give`, with an error."""
    if answer.set_running_or_notify_cancel():
        answer.set_exception(error)
