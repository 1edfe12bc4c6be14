"""A command in a network of its own, and what comes out of it by its tunnel."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.hardware import ROOT
from bench.lossy import namespace
from bench.lossy.link import LinkConfig
from bench.lossy.namespace import CANNOT, Door, in_network, lacking
from bench.lossy.relay import Relay

TIMEOUT_S = 60.0
PACKET_BYTES = 2_000
# Where the kernel has tunnels built in, every network begins with one of each kind, which is down.
KERNELS_OWN = ("tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0")
SEND = f"""
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(bytes({PACKET_BYTES}), ("10.77.0.1", 9))
"""
ASK = """
import socket
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.settimeout(0.3)
for attempt in range(100):
    line.sendto(b"are you there", ("10.77.0.1", 4000))
    try:
        print(line.recvfrom(100)[0].decode())
        break
    except TimeoutError:
        continue
"""
ANSWER = """
import socket
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.bind(("10.77.0.1", 4000))
line.settimeout(40)
said, who = line.recvfrom(100)
line.sendto(b"yes: " + said, who)
"""


def why_not(folder: Path) -> str:
    """Why no network can be made here; nothing where one can."""
    if missing := lacking():
        return ", ".join(missing)
    door = Door(folder / "try")
    command = (*in_network(door.file, "10.77.0.9/24"), "true")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    door.close()
    return done.stderr.strip() if done.returncode else ""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("door")
    if reason := why_not(folder):
        pytest.skip(f"no network of one's own here: {reason}")
    door = Door(folder / "door")
    yield door
    door.close()


def python(door: Door, address: str, code: str) -> subprocess.Popen[str]:
    command = (*in_network(door.file, address), sys.executable, "-c", code)
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_networks_talk_through_the_relay_alone(door: Door) -> None:
    with python(door, "10.77.0.1/24", ANSWER) as answering, python(door, "10.77.0.2/24", ASK) as asking:
        with Relay(door.take(), door.take(), LinkConfig(loss_share=0.0, delay_s=0.01, seed=0)) as relay:
            said, complained = asking.communicate(timeout=TIMEOUT_S)
            answering.communicate(timeout=TIMEOUT_S)
    assert said == "yes: are you there\n", complained
    assert relay.figures()["num_packets"] >= 2
    assert relay.fault == ""


def test_packets_come_bare_and_cut_to_size(door: Door) -> None:
    """As IP datagrams (RFC 791: the version first, the length in bytes 2 and 3), none larger than the tunnel takes."""
    with python(door, "10.77.0.2/24", SEND) as process:
        tunnel = door.take()
        process.communicate(timeout=TIMEOUT_S)
    packets = []
    while select.select([tunnel], [], [], 0.2)[0]:
        packets.append(os.read(tunnel, 1 << 16))
    os.close(tunnel)
    v4 = [packet for packet in packets if packet[0] >> 4 == 4 and packet[9] == 17]
    assert [int.from_bytes(packet[2:4], "big") for packet in v4] == [len(packet) for packet in v4]
    assert len(v4) == 2
    assert max(map(len, v4)) <= namespace.MTU_BYTES


def test_a_command_in_a_network_cannot_see_the_others(door: Door) -> None:
    code = "import json, socket; print(json.dumps([name for _, name in socket.if_nameindex()]))"
    with python(door, "10.77.0.2/24", code) as process:
        tunnel = door.take()
        said, complained = process.communicate(timeout=TIMEOUT_S)
    os.close(tunnel)
    assert process.returncode == 0, complained
    assert {namespace.NAME} <= set(json.loads(said)) <= {"lo", namespace.NAME, *KERNELS_OWN}


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(namespace, "TUNNELS", Path("/no/such/tunnel"))
    monkeypatch.setattr(namespace.shutil, "which", lambda name: None)
    assert lacking() == ("root", "/no/such/tunnel", "ip (of iproute2)")
    monkeypatch.setattr(namespace.sys, "platform", "darwin")
    assert lacking() == ("Linux",)


def test_a_network_that_cannot_be_made_ends_with_a_word(tmp_path: Path) -> None:
    command = (*in_network(tmp_path / "no-door", "10.77.0.1/24"), "true")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == CANNOT
    assert "No such file" in done.stderr


def test_nobody_at_the_door_is_not_waited_for_forever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "DOOR_TIMEOUT_S", 0.01)
    door = Door(tmp_path / "door")
    with pytest.raises(TimeoutError):
        door.take()
    door.close()
