"""Settings of access."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.access.config import AccessConfig, CertificateHolder, check_listening, is_loopback, read_access
from serving.access.roles import Role
from serving.config import ConfigError, load_config

TLS = {"certificate_file": "a.crt", "key_file": "a.key", "client_ca_file": "ca.crt"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_b12_on_the_loopback_nobody_need_be_asked(host: str) -> None:
    check_listening(host, AccessConfig())


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "", "::", "[::]", "192.168.1.7", "10.0.0.1", "worlds.example", "1270.0.0.1"]
)
def test_b12_elsewhere_it_listens_only_where_callers_are_asked(host: str) -> None:
    with pytest.raises(ValueError, match=r"loopback only.*nacre keys create.*--auth"):
        check_listening(host, AccessConfig())
    check_listening(host, AccessConfig(is_on=True))
    assert not is_loopback(host)


def test_b12_a_service_that_strangers_could_reach_does_not_start() -> None:
    for flags, environment in (
        ({"host": "0.0.0.0"}, {}),
        ({}, {"NACRE_HOST": "0.0.0.0"}),
        ({"auth": False}, {"NACRE_HOST": "0.0.0.0", "NACRE_AUTH": "true"}),
    ):
        with pytest.raises(ConfigError, match="loopback only"):
            load_config(flags, environment)
    config = load_config({}, {"NACRE_HOST": "0.0.0.0", "NACRE_AUTH": "true"})
    assert config.gateway_config.access.is_on


def test_b12_without_settings_nobody_is_asked_and_the_loopback_is_listened_on() -> None:
    config = load_config({}, {}).gateway_config
    assert not config.access.is_on
    assert is_loopback(config.host)


def test_b12_all_of_it_stands_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "nacre.toml"
    file.write_text(
        """
        host = "0.0.0.0"
        auth = true
        [access]
        token_issuer = "https://worlds.example"
        signing_key_file = "/run/secrets/key"
        [access.oidc]
        issuer = "https://login.example"
        audience = "nacre"
        [access.tls]
        certificate_file = "a.crt"
        key_file = "a.key"
        client_ca_file = "ca.crt"
        [access.certificates]
        "spiffe://example/game" = "acme:owner"
        """
    )
    access = load_config({"data_folder": str(tmp_path)}, {}, file).access_config
    assert (access.is_on, access.token_issuer) == (True, "https://worlds.example")
    assert (access.signing_key_file, access.own_key_file) == ("/run/secrets/key", str(tmp_path / "signing.key"))
    assert (access.oidc.issuer, access.oidc.audience) == ("https://login.example", "nacre")
    assert access.tls.client_ca_file == "ca.crt"
    assert access.certificates["spiffe://example/game"] == CertificateHolder(tenant_id="acme", role=Role.OWNER)


@pytest.mark.parametrize(("table", "words"), [
    ({"is_on": True}, "auth = true"),
    ({"nonsense": 1}, "nonsense"),
    ({"token_issuer": ""}, "token_issuer"),
    ({"token_issuer": 5}, "access.token_issuer must be of type str"),
    ({"oidc": {"issuer": "https://login.example", "audience": ["nacre"]}}, "access.oidc.audience must be of type str"),
    ({"tls": {"certificate_file": True}}, "access.tls.certificate_file must be of type str"),
    ({"oidc": "https://login.example"}, "access.oidc must be a table"),
    ({"oidc": {"issuer": "https://login.example"}}, "audience"),
    ({"oidc": {"issuer": "http://login.example", "audience": "nacre"}}, "https"),
    ({"oidc": {"issuer": "https://login.example", "audience": "nacre", "jwks_url": "ftp://login.example"}}, "https"),
    ({"oidc": {"issuer": "https://login.example", "audience": "nacre", "default_role": "king"}}, "king"),
    ({"token_issuer": "https://a", "oidc": {"issuer": "https://a", "audience": "nacre"}}, "differ"),
    ({"tls": {"certificate_file": "a.crt"}}, "key_file"),
    ({"tls": {"client_ca_file": "ca.crt"}}, "certificate_file"),
    ({"certificates": {"game": "acme:owner"}}, "client_ca_file"),
    ({"tls": TLS, "certificates": {"game": "acme"}}, "tenant:role"),
    ({"tls": TLS, "certificates": {"game": "acme:king"}}, "king"),
])  # fmt: skip
def test_settings_that_make_no_sense_say_which(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_access(table)


def test_a_provider_on_the_loopback_needs_no_tls() -> None:
    assert read_access({"oidc": {"issuer": "http://localhost:8080", "audience": "nacre"}}).oidc.issuer
