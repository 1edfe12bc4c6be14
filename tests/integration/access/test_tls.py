"""TLS and mutual TLS, with certificates of a real authority."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import nacre
from serving.access.config import AccessConfig, CertificateHolder, TlsConfig
from serving.access.principal import DEFAULT_TENANT
from serving.access.roles import Role
from serving.access.tls import CertificateFiles, check_tls
from tests.integration.access.certificates import Authority, Pair
from tests.integration.access.harness import Door, door

GAME = "game.example"
SOON_S = 2.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Pair:
    return authority.issue("server", "localhost", "127.0.0.1")


def access(folder: Path, server: Pair, *, client_ca: Path | None = None) -> AccessConfig:
    tls = TlsConfig(
        certificate_file=str(server.certificate),
        key_file=str(server.key),
        client_ca_file=str(client_ca) if client_ca else "",
    )
    return AccessConfig(is_on=True, own_key_file=str(folder / "signing.key"), tls=tls)


def address(gate: Door) -> str:
    return f"localhost:{gate.server.port}"


async def test_b12_over_tls_a_key_is_asked_for_all_the_same(tmp_path: Path, authority: Authority, server: Pair) -> None:
    async with door(tmp_path, access=access(tmp_path, server)) as gate:
        _, key = gate.key(Role.PLAYER)
        tls = nacre.Tls(root_certificates=authority.file)
        async with nacre.connect(address(gate), api_key=key, tls=tls) as client:
            session = await client.create(prompt="a quiet street at dusk")
            async with session.enter(video="rgb") as world:
                assert (await anext(world)).frames
        async with nacre.connect(address(gate), tls=tls) as client:
            with pytest.raises(nacre.Unauthenticated):
                await client.caller()


async def test_a_plain_line_and_an_unknown_authority_reach_nothing(tmp_path: Path, server: Pair) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    stranger = Authority(elsewhere, "stranger")
    async with door(tmp_path, access=access(tmp_path, server)) as gate:
        _, key = gate.key()
        for tls in (False, nacre.Tls(root_certificates=stranger.file)):
            async with nacre.connect(address(gate), api_key=key, tls=tls, timeout_s=SOON_S) as client:
                with pytest.raises((nacre.Unavailable, nacre.Timeout)):
                    await client.caller()


async def test_b12_a_clients_certificate_says_who_it_is(tmp_path: Path, authority: Authority, server: Pair) -> None:
    settings = replace(
        access(tmp_path, server, client_ca=authority.file),
        certificates={
            GAME: CertificateHolder(tenant_id="acme", role=Role.OWNER),
            "kiosk": CertificateHolder(tenant_id=DEFAULT_TENANT, role=Role.VIEWER),
        },
    )
    game = authority.issue("game", GAME)
    kiosk = authority.issue("kiosk", "kiosk.example", common_name="kiosk")
    nobody = authority.issue("nobody", "nobody.example")
    async with door(tmp_path, access=settings) as gate:
        gate.library.tenants.create("acme")

        def connect(pair: Pair, api_key: str = "") -> nacre.Client:
            tls = nacre.Tls(root_certificates=authority.file, certificate=pair.certificate, key=pair.key)
            return nacre.connect(address(gate), tls=tls, api_key=api_key)

        async with connect(game) as client:
            caller = await client.caller()
            assert (caller.tenant_id, caller.role, caller.subject_id) == ("acme", "owner", f"certificate:{GAME}")
        async with connect(kiosk) as client:
            assert (await client.caller()).subject_id == "certificate:kiosk"
        async with connect(nobody) as client:  # it is signed, and nobody's
            with pytest.raises(nacre.Unauthenticated):
                await client.caller()
        async with connect(game, gate.key(Role.PLAYER)[1]) as client:  # the key is what counts
            assert (await client.caller()).role == "player"


async def test_b12_with_mutual_tls_nobody_comes_without_a_certificate(
    tmp_path: Path, authority: Authority, server: Pair
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    forged = Authority(elsewhere, "stranger").issue("game", GAME)
    async with door(tmp_path, access=access(tmp_path, server, client_ca=authority.file)) as gate:
        _, key = gate.key()
        for tls in (
            nacre.Tls(root_certificates=authority.file),
            nacre.Tls(root_certificates=authority.file, certificate=forged.certificate, key=forged.key),
        ):
            async with nacre.connect(address(gate), api_key=key, tls=tls, timeout_s=SOON_S) as client:
                with pytest.raises((nacre.Unavailable, nacre.Timeout, nacre.ServiceError)) as caught:
                    await client.caller()
                assert not caught.value.reason  # the transport's word, not ours


async def test_a_certificate_that_was_renewed_is_shown_to_who_comes_next(
    tmp_path: Path, authority: Authority, server: Pair
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    new = Authority(elsewhere, "new")
    renewed = new.issue("server", "localhost")
    async with door(tmp_path, access=access(tmp_path, server)) as gate:
        _, key = gate.key()
        async with nacre.connect(address(gate), api_key=key, tls=nacre.Tls(root_certificates=authority.file)) as before:
            await before.caller()
            shutil.copy(renewed.certificate, server.certificate)
            shutil.copy(renewed.key, server.key)
            async with nacre.connect(address(gate), api_key=key, tls=nacre.Tls(root_certificates=new.file)) as after:
                await after.caller()
            await before.caller()  # its connection stands


def test_half_of_a_new_pair_is_not_taken(authority: Authority, server: Pair) -> None:
    files = CertificateFiles(TlsConfig(certificate_file=str(server.certificate), key_file=str(server.key)))
    assert files.changed() is None
    other = authority.issue("other", "localhost")
    shutil.copy(other.certificate, server.certificate)
    assert files.changed() is None
    shutil.copy(other.key, server.key)
    assert files.changed() is not None
    assert files.changed() is None


def test_files_that_are_at_fault_are_named_at_start(tmp_path: Path, authority: Authority, server: Pair) -> None:
    other = authority.issue("other", "localhost")
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate")
    good = TlsConfig(certificate_file=str(server.certificate), key_file=str(server.key))
    check_tls(good)
    missing = tmp_path / "missing.pem"
    for config, named in (
        (replace(good, certificate_file=str(missing)), "missing.pem"),
        (replace(good, key_file=str(other.key)), "other.key"),
        (replace(good, certificate_file=str(rubbish)), "rubbish.pem"),
        (replace(good, client_ca_file=str(rubbish)), "rubbish.pem"),
    ):
        with pytest.raises(ValueError, match=named):
            check_tls(config)
