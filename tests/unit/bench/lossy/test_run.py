"""What a run on a lossy line is made of, and what it says where it cannot be."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.__main__ import app
from bench.lossy import run
from bench.lossy.figures import WEBRTC, WEBSOCKET
from bench.lossy.namespace import Door
from bench.lossy.run import LossyConfig, bench_lossy, result_of, service_config
from bench.service import ServiceError
from serving.config import load_config
from tests.unit.bench.lossy.plays import LINE, play

CONFIG = LossyConfig(rounds=1)


def told(*plays: dict[str, object]) -> dict[str, object]:
    return {"browser": "150.0", "plays": [{**each, "codec": "h264"} for each in plays], "faults": []}


def test_half_of_the_delay_is_of_each_way() -> None:
    link = LossyConfig(loss_percent=5.0, delay_ms=40.0).link
    assert (link.loss_share, link.delay_s) == (0.05, 0.02)


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"rounds": 0}, {"loss_percent": 100}, {"delay_ms": -1}])
def test_a_run_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        LossyConfig(**wrong)  # pyright: ignore[reportArgumentType]


def test_what_is_missing_is_named_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "lacking", lambda: ("root", "/dev/net/tun"))
    monkeypatch.setattr(run, "missing_tools", lambda: ("node",))
    with pytest.raises(ServiceError, match="not here: root, /dev/net/tun, node"):
        bench_lossy(CONFIG)


def test_the_command_ends_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "lacking", lambda: ("root",))
    done = CliRunner().invoke(app, ["lossy", "--json"])
    assert done.exit_code == 1
    assert "fault: a line that loses packets needs what is not here: root" in done.stderr
    assert done.stdout == ""


def test_no_tool_is_taken_for_granted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run.shutil, "which", lambda name: None)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setenv("NACRE_CHROMIUM", str(tmp_path / "none"))
    assert [each.split()[0] for each in run.missing_tools()] == ["node", "chromium", "playwright-core"]


def test_the_service_is_one_that_plays_over_webrtc_and_asks_for_a_key(tmp_path: Path) -> None:
    with closing(Door(tmp_path / "door")) as door:
        config = service_config(tmp_path, door, "pearl-xs")
    settings = load_config({"host": "10.77.0.1", "auth": True}, {}, tmp_path / "nacre.toml")
    assert settings.web_config.webrtc.is_on
    assert {"--local", "--auth", "--host=10.77.0.1", "--model=pearl-xs"} <= set(config.arguments)
    assert config.launcher[-2:] == (str(tmp_path / "door"), "10.77.0.1/24")


def test_a_result_has_both_faces_and_what_one_is_by_the_other() -> None:
    result = result_of(told(play(missing=range(50, 59)), play(WEBRTC)), LINE, (), CONFIG)
    assert result.faults == ()
    assert result.figures["faces"][WEBSOCKET].num_freezes == 1
    assert result.figures["ratios"]["num_freezes"] == 0.0
    assert result.figures["codecs"] == {WEBSOCKET: ["h264"], WEBRTC: ["h264"]}
    assert (result.settings["loss_percent"], result.settings["delay_ms"], result.settings["rounds"]) == (5.0, 40.0, 1)
    json.dumps(dict(result.settings))


def test_a_face_that_never_played_is_a_fault_and_not_a_figure() -> None:
    result = result_of(told(play()), LINE, ("the line broke",), CONFIG)
    assert WEBRTC not in result.figures["faces"]
    assert result.figures["ratios"] == {}
    assert result.faults == ("the line broke", "1 of 1 plays over WebRTC did not come to their end")
