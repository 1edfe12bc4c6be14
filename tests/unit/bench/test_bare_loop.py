"""Plays travel to the bare loop unchanged."""

from __future__ import annotations

from bench.bare_loop import BarePlay, TimedAction, plays_from_json, plays_to_json
from bench.script import Say, Turn, Walk


def test_plays_survive_json() -> None:
    plays = [
        BarePlay(
            num_chunks=250,
            seed=11,
            prompt="a quiet street at dusk",
            actions=(
                TimedAction(chunk_idx=0, action=Walk(forward=1.0, strafe=-0.5)),
                TimedAction(chunk_idx=3, action=Turn(yaw=0.25)),
                TimedAction(chunk_idx=3, action=Say(text="it starts to rain")),
            ),
        ),
        BarePlay(num_chunks=10, image_file="bench/assets/start.png"),
    ]
    assert plays_from_json(plays_to_json(plays)) == plays
