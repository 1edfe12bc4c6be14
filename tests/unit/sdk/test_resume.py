from __future__ import annotations

import pytest

from nacre.errors import Conflict, ConnectionLost, NacreError, NotFound, SessionEnded, Timeout, Unavailable
from nacre.resume import ResumePolicy, can_resume


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionLost("gone"), True),
        (Unavailable("not ready", reason="UNAVAILABLE"), True),
        (Timeout("no answer"), True),
        (Conflict("taken", reason="SESSION_CONTROLLED"), True),
        (Timeout("read too slowly", reason="CLIENT_STALLED"), False),
        (Conflict("ended", reason="SESSION_ENDED"), False),
        (NotFound("no such session", reason="SESSION_NOT_FOUND"), False),
        (SessionEnded("over", reason="REQUESTED"), False),
        (SessionEnded("stopped", reason="SERVICE_STOPPING"), True),
        (SessionEnded("parked", reason="PARKED"), False),
    ],
)
def test_only_what_the_session_may_outlive_is_resumed(error: NacreError, expected: bool) -> None:
    assert can_resume(error) is expected


def test_delays_double_up_to_the_longest() -> None:
    policy = ResumePolicy(first_delay_s=0.1, max_delay_s=0.5)
    assert [policy.delay_s(attempt, None, 0.0) for attempt in range(4)] == pytest.approx([0.1, 0.2, 0.4, 0.5])


def test_the_service_may_ask_for_more_patience() -> None:
    assert ResumePolicy().delay_s(0, 2.0, 0.0) == 2.0


def test_jitter_only_adds() -> None:
    assert ResumePolicy(first_delay_s=0.1).delay_s(0, None, 1.0) == pytest.approx(0.15)


@pytest.mark.parametrize("fields", [{"max_attempts": -1}, {"first_delay_s": 0.0}, {"first_delay_s": 5.0}])
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        ResumePolicy(**fields)  # pyright: ignore[reportArgumentType]
