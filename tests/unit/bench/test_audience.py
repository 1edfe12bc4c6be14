from __future__ import annotations

from typing import Any

from bench.audience.run import Round, Seen, rounds, summary


def watched(**changes: Any) -> dict[str, Any]:
    return {
        "is_stalled": False,
        "start_s": 0.2,
        "begins_with_keyframe": True,
        "interval_s": [0.08] * 10,
        "num_missed": 0,
        "encodings": {"3": 7, "4": 8},
        "num_held_bytes": 0,
        **changes,
    }


def seen(*others: dict[str, Any]) -> Seen:
    driven = {"control_to_frame_s": [0.1, 0.2], "accept_s": [0.005], "encodings": {"2": 6, "3": 7, "4": 8}}
    return Seen(round=Round(name="crowd", num_viewers=len(others)), driven=driven, watched=list(others))


def test_encodings_are_counted_by_what_clients_got() -> None:
    assert seen(watched(), watched()).encodings_per_chunk == 1.0
    assert seen(watched(), watched(encodings={"3": 9, "4": 10})).encodings_per_chunk == 5 / 3


def test_one_who_stalls_does_not_count_among_those_who_read() -> None:
    stalled = watched(is_stalled=True, interval_s=[9.0], num_held_bytes=4_096)
    figures = seen(watched(), stalled).figures()
    assert (figures["viewer_interval_p95_s"], figures["held_for_stalled_bytes"]) == (0.08, 4_096)


def test_the_summary_tells_every_aim() -> None:
    figures: dict[str, Any] = {each.name: seen(watched()).figures() for each in rounds(50)}
    figures |= {"crowd_against_alone": 1.02, "stalled_against_ten": None, "stalled_against_ten_player": 1.0}
    told = summary(figures, 50)
    assert "ratio 1.02 (aim: <= 1.10)" in told[0]
    assert "ratio unknown" in told[3]
    assert all("aim" in line for line in told)
