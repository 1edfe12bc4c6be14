from __future__ import annotations

from concurrent.futures import Future

import pytest

from serving.stages.answers import give, refuse


def test_an_answer_reaches_whoever_waits() -> None:
    given: Future[int] = Future()
    give(given, 3)
    assert given.result(0) == 3
    refused: Future[int] = Future()
    refuse(refused, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        refused.result(0)


def test_an_answer_to_nobody_harms_nobody() -> None:
    for settle in (lambda answer: give(answer, 3), lambda answer: refuse(answer, ValueError("no"))):
        answer: Future[int] = Future()
        answer.cancel()
        settle(answer)
        assert answer.cancelled()
