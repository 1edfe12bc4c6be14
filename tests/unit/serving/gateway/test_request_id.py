from __future__ import annotations

import asyncio
import re

import pytest

from serving.gateway.request_id import answering, current_request_id, request_id_of


def test_a_client_may_name_its_call() -> None:
    assert request_id_of([("user-agent", "x"), ("x-request-id", "find-me_1")]) == "find-me_1"


@pytest.mark.parametrize("value", ["", "a b", "x" * 64, "line\nbreak", "é", b"bytes"])
def test_a_name_that_would_spoil_a_log_line_is_replaced(value: str | bytes) -> None:
    assert re.fullmatch("[0-9a-f]{16}", request_id_of([("x-request-id", value)]))


def test_every_nameless_call_gets_a_name_of_its_own() -> None:
    assert len({request_id_of(()) for _ in range(100)}) == 100


async def test_tasks_go_on_under_the_name_of_the_call_that_started_them() -> None:
    async def ask() -> str:
        await asyncio.sleep(0)
        return current_request_id()

    assert current_request_id() == ""
    with answering("one"):
        task = asyncio.create_task(ask())
    with answering("two"):
        assert await task == "one"
        assert current_request_id() == "two"
    assert current_request_id() == ""
