"""The settings of WebRTC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import serving.__main__
from serving.config import load_config
from serving.web.rtc import extra
from serving.web.rtc.addresses import addresses_of
from serving.web.rtc.config import IceServer, RtcConfig, read_rtc

FILE = """
[web.webrtc]
enabled = true
addresses = ["10.0.0.7"]
public_address = "203.0.113.5"
ports = [50000, 50999]
ice_servers = [{ url = "stun:stun.example:3478" }, { url = "turn:turn.example", username = "u", credential = "c" }]
"""


def test_it_is_off_unless_it_is_switched_on(tmp_path: Path) -> None:
    assert not load_config({}, {}).web_config.webrtc.is_on
    file = tmp_path / "nacre.toml"
    file.write_text(FILE)
    assert load_config({}, {}, file).web_config.webrtc == RtcConfig(
        is_on=True,
        addresses=("10.0.0.7",),
        public_address="203.0.113.5",
        ports=(50_000, 50_999),
        ice_servers=(
            IceServer(url="stun:stun.example:3478"),
            IceServer(url="turn:turn.example", username="u", credential="c"),
        ),
    )


@pytest.mark.parametrize(
    "table",
    [
        [],
        {"enabled": "yes"},
        {"enable": True},
        {"addresses": "10.0.0.7"},
        {"addresses": ["here"]},
        {"public_address": "game.example"},
        {"ports": [50_000]},
        {"ports": [50_010, 50_000]},
        {"ports": [80, 90]},
        {"ports": [50_000, "50999"]},
        {"ice_servers": ["stun:stun.example"]},
        {"ice_servers": [{"url": "https://stun.example"}]},
        {"ice_servers": [{"url": "stun:stun.example>; x"}]},
        {"ice_servers": [{"name": "stun:stun.example"}]},
        {"max_peers": 0},
        {"connect_timeout_s": 0},
    ],
)
def test_what_cannot_be_is_an_error(table: Any) -> None:
    with pytest.raises(ValueError, match=r"web\.webrtc"):
        read_rtc(table)


def test_secrets_of_relays_are_not_shown() -> None:
    assert "hidden" not in repr(IceServer(url="turn:turn.example", username="u", credential="hidden"))


def test_who_asks_for_it_without_the_extra_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    extra.check_extra(RtcConfig(is_on=True))
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    extra.check_extra(RtcConfig())
    with pytest.raises(ValueError, match=r"pip install 'nacre-server\[webrtc\]'"):
        extra.check_extra(RtcConfig(is_on=True))


def test_a_service_that_lacks_it_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda name: None)
    monkeypatch.setattr(serving.__main__, "run", lambda settings: pytest.fail("it was started"))
    file = tmp_path / "nacre.toml"
    file.write_text(FILE)
    flags = ["--config", str(file), "--port", "0", "--data-folder", str(tmp_path / "data")]
    told = CliRunner().invoke(serving.__main__.app, flags)
    assert told.exit_code == serving.__main__.USAGE_ERROR
    assert "pip install 'nacre-server[webrtc]'" in told.stderr.replace("\n", "")


@pytest.mark.parametrize(
    ("host", "addresses"),
    [("127.0.0.1", ("127.0.0.1",)), ("localhost", ("127.0.0.1",)), ("::1", ("::1",)), ("192.0.2.7", ("192.0.2.7",))],
)
def test_it_listens_where_the_service_does(host: str, addresses: tuple[str, ...]) -> None:
    assert addresses_of(host) == addresses


def test_a_service_on_all_of_the_machines_addresses_is_reached_by_each() -> None:
    found = addresses_of("0.0.0.0")
    assert found
    assert all(not address.startswith(("fe80:", "0.0.0.0")) for address in found)
