"""Where aiortc 1.16 and aioice 0.13 are reached into, for what they offer no other way to. Both are pinned."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import aioice
from aioice import stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, server_reflexive_candidate
from aiortc import RTCPeerConnection, RTCRtpSender
from aiortc.rtp import AnyRtcpPacket, RtcpRrPacket, RtcpSrPacket, RtpPacket

RECEIVE_BUFFER_BYTES = 1 << 20
# Timers of SCTP wait this long at least (RFC 9260 asks for a second, which is for bulk data): a control that was lost
# with nothing behind it is sent again after that.
MIN_RETRANSMISSION_S = 0.25


def connection_of(peer: RTCPeerConnection) -> aioice.Connection:
    """The one line that everything is bundled into, once the offer was taken."""
    assert peer.sctp is not None, "an offer has a data channel"
    return peer.sctp.transport.transport.iceGatherer._connection


def on_keyframe_wish(sender: RTCRtpSender, callback: Callable[[], None]) -> None:
    """Have `callback` called for a PLI or FIR (RFC 4585, 5104), which aiortc takes for its own encoder alone."""
    sender._send_keyframe = callback  # pyright: ignore[reportAttributeAccessIssue]


def on_loss_report(sender: RTCRtpSender, callback: Callable[[float], None]) -> None:
    """Have `callback` told the share of packets that were lost, with every report of the receiver (RFC 3550, 6.4.1)."""
    handle = sender._handle_rtcp_packet

    async def handle_and_tell(packet: AnyRtcpPacket) -> None:
        if isinstance(packet, (RtcpRrPacket, RtcpSrPacket)):
            for report in packet.reports:
                if report.ssrc == sender._ssrc:
                    callback(report.fraction_lost / 256)
        await handle(packet)

    sender._handle_rtcp_packet = handle_and_tell


def numbers_sent_last(sender: RTCRtpSender) -> list[int]:
    """Of the packets of the last frame, in their order."""
    history: dict[int, RtpPacket] = sender._RTCRtpSender__rtp_history  # pyright: ignore[reportAttributeAccessIssue]
    timestamp = last_rtp_timestamp(sender)
    return [packet.sequence_number for packet in history.values() if packet.timestamp == timestamp]


async def send_again(sender: RTCRtpSender, number: int) -> None:
    """As what is asked for by a NACK (RFC 4588, where it was agreed on). Raises ConnectionError."""
    await sender._retransmit(number)


def last_rtp_timestamp(sender: RTCRtpSender) -> int:
    """Of the packets that were sent last. The first one's is random, and told nowhere."""
    return sender._RTCRtpSender__rtp_timestamp  # pyright: ignore[reportAttributeAccessIssue]


def hasten_retransmission(peer: RTCPeerConnection) -> None:
    sctp: Any = peer.sctp
    update = sctp._update_rto

    def updated(measured_s: float) -> None:
        update(measured_s)
        sctp._rto = max(MIN_RETRANSMISSION_S, sctp._srtt + 4 * sctp._rttvar)

    sctp._update_rto = updated


def listen_on(connection: aioice.Connection, places: Sequence[str], ports: tuple[int, int] | None) -> None:
    """Have candidates gathered on these addresses and ports, in the place of all there are but the loopback's."""
    gather = connection.get_component_candidates

    async def gather_there(component: int, addresses: list[str], timeout: int = 5) -> list[aioice.Candidate]:
        lines = [line for place in places if (line := await _open(connection, component, place, ports))]
        if not lines:
            raise OSError(f"no UDP port is free on {', '.join(places)}")
        connection._protocols += lines
        found = [line.local_candidate for line in lines]
        if connection.stun_server is not None:
            found += await _reflected(lines, connection.stun_server, timeout)
        return found + await gather(component, [], timeout)  # through a relay

    connection.get_component_candidates = gather_there  # pyright: ignore[reportAttributeAccessIssue]


async def _open(
    connection: aioice.Connection, component: int, address: str, ports: tuple[int, int] | None
) -> StunProtocol | None:
    """None where no port is free."""
    loop = asyncio.get_running_loop()
    for port in _in_any_order(ports):
        try:
            transport, line = await loop.create_datagram_endpoint(
                lambda: StunProtocol(connection), local_addr=(address, port)
            )
        except OSError:
            continue
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        host, bound_port = transport.get_extra_info("sockname")[:2]
        line.local_candidate = aioice.Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=host,
            port=bound_port,
            type="host",
        )
        return line
    return None


def _in_any_order(ports: tuple[int, int] | None) -> Iterator[int]:
    if ports is None:
        yield 0
        return
    first, last = ports
    begin, count = random.randrange(last - first + 1), last - first + 1
    yield from (first + (begin + step) % count for step in range(count))


async def _reflected(
    lines: Sequence[StunProtocol], stun_server: tuple[str, int], timeout_s: float
) -> list[aioice.Candidate]:
    """As the STUN server sees us. Empty where it does not answer."""
    found: list[aioice.Candidate] = []
    for line in lines:
        try:
            async with asyncio.timeout(timeout_s):
                candidate, _ = await server_reflexive_candidate(line, stun_server)
        except (TimeoutError, OSError, stun.TransactionError):
            continue
        found.append(candidate)
    return found
