from __future__ import annotations

import pytest

from serving.admission.limits import (
    AdmissionConfig,
    Limits,
    Quota,
    Use,
    check_seconds,
    check_storage,
    left_of,
    reset_s,
)
from serving.errors import QuotaExceededError

MIDNIGHT_S = 1_000 * 86_400.0


def test_what_was_said_of_a_tenant_stands_over_what_holds_for_all() -> None:
    said = Limits(concurrent_sessions=0, storage_bytes=5)
    default = Limits(concurrent_sessions=3, controls_per_second=60.0)
    assert said.over(default) == Limits(concurrent_sessions=0, storage_bytes=5, controls_per_second=60.0)


def test_seconds_that_are_used_up_come_back_at_midnight() -> None:
    quota = Quota(tenant_id="t", limits=Limits(session_seconds_per_day=100.0))
    now_s = MIDNIGHT_S - 90.0
    check_seconds(quota, 99.9, now_s)
    with pytest.raises(QuotaExceededError) as caught:
        check_seconds(quota, 100.0, now_s)
    assert (caught.value.quota, caught.value.retry_after_s) == ("session_seconds_per_day", 90.0)
    assert (reset_s(now_s), reset_s(MIDNIGHT_S)) == (MIDNIGHT_S, MIDNIGHT_S + 86_400.0)


def test_storage_that_is_used_up_takes_nothing_more() -> None:
    quota = Quota(tenant_id="t", limits=Limits(storage_bytes=10))
    check_storage(quota, 9)
    with pytest.raises(QuotaExceededError) as caught:
        check_storage(quota, 10)
    assert (caught.value.quota, caught.value.subject) == ("storage_bytes", "tenant:t")


def test_what_is_left_is_told_of_each_limit_that_there_is_and_is_never_negative() -> None:
    limits = Limits(concurrent_sessions=2, storage_bytes=10)
    use = Use(concurrent_sessions=3, storage_bytes=4, session_seconds_today=7.0)
    assert left_of(limits, use) == Limits(concurrent_sessions=0, storage_bytes=6)


def test_a_settings_file_has_limits_beside_the_rest() -> None:
    config = AdmissionConfig.from_table({"concurrent_sessions": 4, "max_waiting": 7, "weights": {"acme": 2.0}})
    assert (config.limits.concurrent_sessions, config.max_waiting, config.weights["acme"]) == (4, 7, 2.0)


@pytest.mark.parametrize(
    "table", [{"concurrent_sessions": -1}, {"reservation_s": 0.0}, {"weights": {"a": 0.0}}, {"max_waiting": -1}]
)
def test_a_malformed_setting_is_an_error(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must"):
        AdmissionConfig.from_table(table)
