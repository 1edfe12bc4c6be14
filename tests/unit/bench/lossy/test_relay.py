"""The relay between two ends that keep packets apart, as tunnels do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bench.lossy.link import LinkConfig, is_lost
from bench.lossy.relay import Relay

PATIENCE_S = 20.0
NUM_PACKETS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Two ends; what is sent into one comes out of the other."""

    near: socket.socket
    far: socket.socket
    relay_ends: tuple[int, int]


@pytest.fixture
def line() -> Iterator[Line]:
    near, near_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    far, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (near_end, far_end):
        end.setblocking(False)
    with near, far:
        near.settimeout(PATIENCE_S)
        far.settimeout(PATIENCE_S)
        yield Line(near=near, far=far, relay_ends=(near_end.detach(), far_end.detach()))


def packet(idx: int) -> bytes:
    return idx.to_bytes(2, "big")


def test_packets_go_both_ways_whole_and_in_order(line: Line) -> None:
    with Relay(*line.relay_ends, LinkConfig(loss_share=0.0, delay_s=0.001, seed=0)) as relay:
        for idx in range(NUM_PACKETS):
            line.near.send(packet(idx))
            assert line.far.recv(100) == packet(idx)
            line.far.send(packet(idx) * 2)
            assert line.near.recv(100) == packet(idx) * 2
    figures = relay.figures()
    assert (figures["num_packets"], figures["num_lost"], figures["num_not_taken"]) == (2 * NUM_PACKETS, 0, 0)
    assert figures["lag_p50_ms"] >= 0
    assert relay.fault == ""


def test_each_direction_loses_by_its_own_dice(line: Line) -> None:
    config = LinkConfig(loss_share=0.3, delay_s=0.0, seed=7)
    with Relay(*line.relay_ends, config) as relay:
        came = {}
        for which, (source, sink) in enumerate([(line.near, line.far), (line.far, line.near)]):
            for idx in range(NUM_PACKETS):
                source.send(packet(idx))
            of_direction = LinkConfig(loss_share=0.3, delay_s=0.0, seed=14 + which)
            expected = [idx for idx in range(NUM_PACKETS) if not is_lost(idx, of_direction)]
            came[which] = [int.from_bytes(sink.recv(100), "big") for _ in expected]
            assert came[which] == expected
    assert came[0] != came[1]
    assert relay.figures()["num_lost"] == 2 * NUM_PACKETS - len(came[0]) - len(came[1])


def test_an_end_that_closes_is_told(line: Line) -> None:
    with Relay(*line.relay_ends, LinkConfig(loss_share=0.0, delay_s=0.0, seed=0)) as relay:
        line.near.close()
        relay._thread.join(PATIENCE_S)
    assert relay.fault == "the line broke: one of its ends was closed"


def test_a_relay_that_nobody_used_ends_at_once(line: Line) -> None:
    with Relay(*line.relay_ends, LinkConfig(loss_share=0.0, delay_s=5.0, seed=0)) as relay:
        pass
    assert relay.figures()["lag_p99_ms"] is None
