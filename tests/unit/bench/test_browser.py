"""How the page's figures are read."""

from __future__ import annotations

import json

import pytest

from bench.browser.run import BrowserBenchConfig, figures_of, page_url, sentences
from bench.starters import LIST, PAGE

TOLD = {
    "usable_ms": [210.0, 340.0],
    "first_frame_ms": [480.0, 460.0],
    "key_to_frame_ms": [150.0, 160.0, 170.0, 240.0],
    "skew_ms": [1.0, 2.0, 3.0],
    "memory": [],
    "stats": {"lateChunks": 1, "chunks": 90, "stalls": 0, "clock": "audio"},
    "faults": [],
}


def test_the_longest_start_counts_and_most_key_presses() -> None:
    figures = figures_of(TOLD)
    assert (figures["usable_ms"], figures["first_frame_ms"]) == (340.0, 480.0)
    assert figures["key_to_frame_p50_ms"] == 165.0
    assert 170.0 < figures["key_to_frame_p95_ms"] < 240.0
    assert figures["num_presses"] == 4


def test_memory_is_what_it_grew_by() -> None:
    sizes = ((10, 80), (25, 120), (13, 90))
    memory = [
        {"minute": minute, "bytes": size << 20, "process_bytes": process << 20}
        for minute, (size, process) in enumerate(sizes)
    ]
    figures = figures_of({**TOLD, "memory": memory}) | {"bundle_bytes": 1}
    assert figures["memory_growth_bytes"] == 3 << 20
    assert "grew by 3.0 MiB (aim: <= 20), its process by 10.0 MiB" in sentences(figures)[-1]


def test_a_process_that_nobody_could_look_at_is_left_out() -> None:
    memory = [{"minute": minute, "bytes": 5, "process_bytes": None} for minute in range(2)]
    figures = figures_of({**TOLD, "memory": memory}) | {"bundle_bytes": 1}
    assert figures["process_growth_bytes"] is None
    assert "process" not in sentences(figures)[-1]


def test_what_the_browser_adds_is_told() -> None:
    figures = figures_of({**TOLD, "key_to_frame_ms": [230.0]}, 0.18) | {"bundle_bytes": 1}
    assert figures["over_grpc_ms"] == pytest.approx(50.0)
    assert any("over control to frame of gRPC: 50 ms" in sentence for sentence in sentences(figures))


def test_what_was_not_seen_is_told_as_such() -> None:
    figures = figures_of({**TOLD, "key_to_frame_ms": [], "skew_ms": [], "stats": None}) | {"bundle_bytes": 1}
    assert figures["num_presses"] == 0
    assert any("not seen" in sentence for sentence in sentences(figures))


def test_the_page_is_where_the_service_says() -> None:
    assert page_url("starting ...\nPAGE http://127.0.0.1:41\nREADY x on y\n") == "http://127.0.0.1:41"
    with pytest.raises(ValueError, match="no page"):
        page_url("READY x on y\n")


def test_a_play_of_no_presses_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        BrowserBenchConfig(presses=0)


def test_every_starter_has_its_picture() -> None:
    ids = {each["id"] for each in json.loads(LIST.read_text())}
    assert {file.stem for file in (PAGE / "dist" / "starters").iterdir()} == ids
