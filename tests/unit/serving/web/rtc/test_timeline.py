"""When packets leave, and what time they bear."""

from __future__ import annotations

import pytest

from serving.web.rtc.timeline import BEGIN_S, MAX_AHEAD_S, Place, Timeline

CHUNK_S = 0.08


def test_chunks_that_follow_each_other_bear_the_sessions_own_time() -> None:
    timeline = Timeline()
    places = [timeline.place(5.0 + idx * CHUNK_S, CHUNK_S, 100.0 + idx * CHUNK_S) for idx in range(50)]
    assert places[0] == Place(BEGIN_S, 100.0), "what it counts from is its own"
    for idx, place in enumerate(places):
        assert place.rtp_s == pytest.approx(BEGIN_S + idx * CHUNK_S, abs=1e-9)
        assert place.send_s == pytest.approx(100.0 + idx * CHUNK_S)


def test_a_late_chunk_is_left_to_the_receiver_to_make_up_for() -> None:
    timeline = Timeline()
    timeline.place(0.0, CHUNK_S, 100.0)
    assert timeline.place(CHUNK_S, CHUNK_S, 100.2) == pytest.approx(Place(BEGIN_S + CHUNK_S, 100.2))


def test_a_world_that_stood_still_goes_on_as_much_later() -> None:
    timeline = Timeline()
    timeline.place(0.0, CHUNK_S, 100.0)
    place = timeline.place(CHUNK_S, CHUNK_S, 110.0)
    assert place == pytest.approx(Place(BEGIN_S + 10.0, 110.0))
    assert timeline.place(2 * CHUNK_S, CHUNK_S, 110.08).rtp_s == pytest.approx(BEGIN_S + 10.08)


def test_time_never_goes_back_where_the_session_does() -> None:
    timeline = Timeline()
    timeline.place(50.0, CHUNK_S, 100.0)
    back = timeline.place(2.0, CHUNK_S, 100.1)
    assert back.rtp_s == pytest.approx(BEGIN_S + 0.1)
    assert timeline.place(2.0 + CHUNK_S, CHUNK_S, 100.18).rtp_s == pytest.approx(BEGIN_S + 0.18)


def test_what_comes_early_leaves_in_its_turn_and_is_not_held_back_for_long() -> None:
    timeline = Timeline()
    sends_s = [timeline.place(idx * CHUNK_S, CHUNK_S, 100.0).send_s for idx in range(6)]
    assert sends_s[:3] == pytest.approx([100.0, 100.08, 100.16])
    assert max(sends_s) <= 100.0 + MAX_AHEAD_S
    assert sends_s == sorted(sends_s)
