"""How plays on a line that loses packets are read."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from bench.lossy.figures import (
    BUSY,
    FACES,
    WEBRTC,
    WEBSOCKET,
    answers_of,
    face_of,
    faults_of,
    gaps_of,
    ratios_of,
    sentences,
)
from tests.unit.bench.lossy.plays import FRAME_MS, LINE, play


def test_a_play_without_loss_has_no_freeze() -> None:
    face = face_of([play()])
    assert (face.num_frames, face.num_frames_due) == (251, 250)
    assert (face.num_freezes, face.frozen_s, face.longest_ms) == (0, 0.0, FRAME_MS)
    assert (face.num_controls, face.num_controls_unseen) == (9, 0)


@pytest.mark.parametrize(("num_missing", "num_freezes", "frozen_s"), [(4, 0, 0.0), (5, 1, 0.24), (9, 1, 0.4)])
def test_a_gap_over_two_hundred_milliseconds_is_a_freeze(num_missing: int, num_freezes: int, frozen_s: float) -> None:
    face = face_of([play(missing=range(50, 50 + num_missing))])
    assert (face.num_freezes, face.frozen_s) == (num_freezes, pytest.approx(frozen_s))
    assert face.num_frames == 251 - num_missing


def test_a_picture_that_stands_still_until_the_end_is_a_freeze() -> None:
    face = face_of([play(missing=range(201, 251))])
    assert (face.num_freezes, face.frozen_s) == (1, pytest.approx(2.0))


def test_a_play_of_no_picture_is_one_freeze() -> None:
    assert gaps_of(play(painted=[])) == [10_000.0]


def test_pictures_after_the_end_are_no_frames_of_the_play() -> None:
    assert face_of([play(ended_ms=6_000.0)]).num_frames == 126


def test_between_two_plays_there_is_no_freeze() -> None:
    late = play(began_ms=901_000.0, ended_ms=911_000.0, turns=[])
    late["painted"] = [[900_000 + at_ms, idx] for at_ms, idx in play()["painted"]]
    face = face_of([play(), late])
    assert (face.num_freezes, face.num_frames, face.num_frames_due) == (0, 502, 500)


def test_a_control_is_seen_in_the_first_picture_that_it_shaped() -> None:
    painted = [[100.0, 1], [140.0, 2], [180.0, 3]]
    assert answers_of(play(painted=painted, turns=[[90.0, 2]])) == [50.0]


def test_a_later_picture_shows_it_too_where_the_first_was_lost() -> None:
    painted = [[100.0, 1], [260.0, 5]]
    assert answers_of(play(painted=painted, turns=[[90.0, 2]])) == [170.0]


def test_a_picture_of_before_the_control_does_not_show_it() -> None:
    painted = [[100.0, 9], [300.0, 10]]
    assert answers_of(play(painted=painted, turns=[[120.0, 2]])) == [180.0]


def test_a_picture_whose_number_nobody_told_shows_nothing_but_is_one() -> None:
    painted = [[100.0, None], [140.0, 7]]
    told = play(painted=painted, turns=[[90.0, 2]], began_ms=0.0, ended_ms=200.0)
    assert answers_of(told) == [50.0]
    assert face_of([told]).num_frames == 2


def test_controls_of_which_nothing_was_seen_are_counted_and_not_quick() -> None:
    face = face_of([play(turns=[[2_000.0, 30], [3_000.0, None], [10_900.0, 9_999]])])
    assert (face.num_controls, face.num_controls_unseen) == (3, 2)
    assert face.control_to_frame_p50_ms == pytest.approx(200.0)


def test_the_ratio_is_webrtc_by_websocket() -> None:
    websocket = face_of([play(missing=range(50, 59)), play(missing=range(50, 60))])
    webrtc = face_of([play(WEBRTC, missing=range(50, 59)), play(WEBRTC)])
    ratios = ratios_of({WEBSOCKET: websocket, WEBRTC: webrtc})
    assert ratios["num_freezes"] == 0.5
    assert ratios["frozen_s"] == pytest.approx(0.4 / 0.84)


def test_there_is_no_ratio_to_nothing_and_none_of_what_was_not_seen() -> None:
    ratios = ratios_of({WEBSOCKET: face_of([play()]), WEBRTC: face_of([play(WEBRTC, turns=[])])})
    assert ratios["num_freezes"] is None
    assert ratios["control_to_frame_p50_ms"] is None


def test_plays_that_failed_and_controls_that_nobody_saw_are_faults() -> None:
    plays = [play(), play(WEBRTC, turns=[[1.0, None]])]
    faces = {name: face_of([each for each in plays if each["face"] == name]) for name in FACES}
    assert faults_of(faces, plays, 1) == ("over WebRTC no picture was seen that a control shaped",)
    assert "1 of 2 plays over WebSocket did not come to their end" in faults_of(faces, plays, 2)


def test_a_person_reads_every_figure_of_both() -> None:
    plays = {WEBSOCKET: [play(missing=range(50, 59))], WEBRTC: [play(WEBRTC, num_attachments=2)]}
    faces = {name: face_of(each) for name, each in plays.items()}
    websocket, webrtc, ratio, line = sentences({"faces": faces, "ratios": ratios_of(faces), "line": LINE})
    assert websocket.startswith("WebSocket: 242 of 250 frames; 1 freezes over 200 ms, 0.4 s in all")
    assert f"p95 {asdict(faces[WEBSOCKET])['control_to_frame_p95_ms']:.0f} ms" in websocket
    assert webrtc.endswith("late 1 of 125 chunks; 1 reconnections")
    assert ratio.startswith("WebRTC by WebSocket: freezes 0.00, their seconds 0.00")
    assert "51 of 1,000 packets (5.1%)" in line
    assert "0.2 ms (p50), 12 ms (p99)" in line


def test_without_the_other_face_there_is_nothing_to_divide() -> None:
    told = sentences({"faces": {WEBSOCKET: face_of([play()])}, "ratios": {}, "line": LINE})
    assert len(told) == 2


@pytest.mark.parametrize(("num_late", "is_busy"), [(6, False), (7, True)])
def test_figures_of_a_busy_machine_are_told_as_such(num_late: int, is_busy: bool) -> None:
    faces = {WEBSOCKET: face_of([play()]), WEBRTC: face_of([play(WEBRTC, num_late_chunks=num_late)])}
    told = sentences({"faces": faces, "ratios": {}, "line": LINE})
    assert (BUSY in told) == is_busy
