"""WebRTC in real Chromium, by the client for JavaScript: pictures move in a video element, and sound is heard."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.runner import CHROMIUM, HERE, MODEL, NEEDS_CHROMIUM, OUT, page_url
from tests.cluster.conftest import started
from tests.strangers.test_node import NODE

TIMEOUT_S = 120

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("rtc")
    settings = folder / "nacre.toml"
    settings.write_text("[web.webrtc]\nenabled = true\n")
    arguments = ("--local", "--model", MODEL, "--port", "0", "--web-port", "0", "--slots", "1")
    kept = ("--data-folder", str(folder / "data"), "--config", str(settings))
    with started(folder / "log", *arguments, *kept) as service:
        command = [NODE, "rtc.mjs", page_url(service.text).rstrip("/"), str(OUT)]
        environment = os.environ | {"NACRE_CHROMIUM": CHROMIUM}
        done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
        assert done.returncode == 0, done.stdout + done.stderr
        yield json.loads(done.stdout.splitlines()[-1])


def test_n08_a_browser_plays_over_webrtc(seen: dict[str, Any]) -> None:
    assert seen["faults"] == []
    assert seen["state"] == "open"
    assert seen["isGapless"]
    assert seen["size"] == [128, 80]


def test_what_is_seen_changes_as_one_turns(seen: dict[str, Any]) -> None:
    assert seen["numPainted"] >= 60
    assert seen["appliedChunk"] > 0
    assert seen["change"] > 4, "of 255, in the mean over all pixels"


def test_every_picture_that_is_shown_was_announced(seen: dict[str, Any]) -> None:
    assert seen["numKnown"] >= 0.95 * seen["numPainted"], "its message may come after it"


def test_sound_is_heard(seen: dict[str, Any]) -> None:
    assert seen["loudest"] > 0.001
