"""Parts of something, by how long each took."""

from __future__ import annotations

from serving.catalogue.laps import Laps


def test_each_part_is_told_from_the_end_of_the_one_before() -> None:
    times_s = iter((10.0, 10.05, 10.25))
    laps = Laps(lambda: next(times_s))
    laps.end("room")
    laps.end("rehearsal")
    assert abs(laps.last_s - 0.2) < 1e-6
    assert str(laps) == "room 50 ms, rehearsal 200 ms"
