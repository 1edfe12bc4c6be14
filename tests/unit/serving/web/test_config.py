"""The settings of the HTTP face."""

from __future__ import annotations

from typing import Any

import pytest

from serving.config import ConfigError, load_config
from serving.web.config import OFF, WebConfig, read_port, read_web


@pytest.mark.parametrize(("value", "port"), [("off", OFF), ("8080", 8080), (0, 0), (-1, OFF)])
def test_ports(value: Any, port: int) -> None:
    assert read_port(value) == port


@pytest.mark.parametrize("value", ["", "on", "80 80", True, None, 1.5, []])
def test_what_is_no_port(value: Any) -> None:
    with pytest.raises(ValueError, match="web_port"):
        read_port(value)


def test_flags_go_over_the_environment_and_that_over_the_file(tmp_path: Any) -> None:
    file = tmp_path / "nacre.toml"
    file.write_text('web_port = "off"\n[web]\nallowed_origins = ["https://game.example"]\n')
    assert not load_config({}, {}, file).web_config.is_on
    assert load_config({}, {"NACRE_WEB_PORT": "8090"}, file).web_config.port == 8090
    config = load_config({"web_port": "0"}, {"NACRE_WEB_PORT": "off"}, file).web_config
    assert config == WebConfig(port=0, allowed_origins=("https://game.example",))


@pytest.mark.parametrize("value", ["-2", "65536", "eighty"])
def test_a_port_that_cannot_be_is_an_error(value: str) -> None:
    with pytest.raises(ConfigError, match="web_port"):
        load_config({"web_port": value}, {})
    with pytest.raises(ConfigError, match=r"(?i)web_port"):
        load_config({}, {"NACRE_WEB_PORT": value})


@pytest.mark.parametrize(
    "table",
    [
        {"port": 80},
        {"allowed_origins": "https://game.example"},
        {"allowed_origins": ["*"]},
        {"allowed_origins": ["https://game.example/"]},
        {"allowed_origins": ["game.example"]},
        {"allowed_origins": ["ftp://game.example"]},
        {"head_timeout_s": 0},
        {"colour": "blue"},
        "https://game.example",
    ],
)
def test_settings_that_cannot_be_are_refused(table: Any) -> None:
    with pytest.raises(ValueError, match="web"):
        read_web(table)
