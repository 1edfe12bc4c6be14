"""A client over WebRTC, made with aiortc: what tests, and benchmarks of the transport, play with."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError

from nacre.v1 import session_pb2
from serving.web.rtc.fragments import Joiner, pieces_of
from tests.integration.web.play_call import PlayCall

SDP = {"content-type": "application/sdp"}
MAX_MESSAGE_BYTES = 32 << 20


class RtcClient(PlayCall):
    """A call over WebRTC."""

    def __init__(self, codecs: Sequence[str] = (), *, has_sound: bool = True) -> None:
        """`codecs`: of pictures, such as "video/VP8"; all there are when left out."""
        self.peer = RTCPeerConnection(RTCConfiguration([]))
        self.location = ""
        self.pictures: list[Any] = []  # av.VideoFrame, decoded
        self.sounds: list[Any] = []
        self.video = self._receive("video", codecs)
        if has_sound:
            self._receive("audio", ())
        self.channel = self.peer.createDataChannel("nacre.v1")
        self._arrived: asyncio.Queue[bytes | str] = asyncio.Queue()
        self._is_open = asyncio.Event()
        self._joiner = Joiner(MAX_MESSAGE_BYTES)
        self._pumps: list[asyncio.Task[None]] = []
        self.channel.on("open", self._is_open.set)
        self.channel.on("message", self._arrived.put_nowait)
        self.channel.on("close", lambda: self._arrived.put_nowait(""))
        self.peer.on("track", self._on_track)

    async def offer(self) -> str:
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def connect(self, http: httpx2.AsyncClient, **headers: str) -> httpx2.Response:
        response = await http.post("/v1/rtc", content=await self.offer(), headers={**SDP, **headers})
        if response.status_code == 201:
            self.location = response.headers["location"]
            await self.accept(response.text)
        return response

    async def accept(self, answer: str) -> None:
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        async with asyncio.timeout(20):
            await self._is_open.wait()

    async def send(self, **message: Any) -> None:
        for piece in pieces_of(session_pb2.PlayRequest(**message).SerializeToString()):
            self.channel.send(piece)

    async def receive(self) -> session_pb2.PlayResponse | dict[str, Any]:
        """{}: a line that was cut."""
        while True:
            piece = await self._arrived.get()
            if isinstance(piece, str):
                return json.loads(piece or "{}")
            if (data := self._joiner.add(piece)) is not None:
                return session_pb2.PlayResponse.FromString(data)

    async def ask_for_keyframe(self) -> None:
        """As a browser does that cannot decode what came (RTCP: PLI)."""
        sources = self.video.receiver.getSynchronizationSources()
        await self.video.receiver._send_rtcp_pli(sources[0].source)

    def lose(self, every: int) -> Counter[int]:
        """From now on one of so many packets of the pictures does not come, and none is asked for again. Gives how many
        came or would have, by their source."""
        transport, seen = self.video.receiver.transport, Counter[int]()
        handle = transport._handle_rtp_data

        async def handle_most(data: bytes, arrival_time_ms: int) -> None:
            source = int.from_bytes(data[8:12])
            seen[source] += 1
            if source not in self.sources("video")[:1] or seen[source] % every:
                await handle(data, arrival_time_ms)

        async def ask_for_nothing(media_ssrc: int, lost: list[int]) -> None:
            pass

        transport._handle_rtp_data = handle_most
        self.video.receiver._send_rtcp_nack = ask_for_nothing
        return seen

    def sources(self, kind: str) -> list[int]:
        """Of packets, as the answer has them: of what is sent, and of what is sent again."""
        media = self.peer.remoteDescription.sdp.split("\r\nm=")
        [own] = [each for each in media if each.startswith(kind)]
        return list(dict.fromkeys(int(each) for each in re.findall(r"a=ssrc:(\d+)", own)))

    def vanish(self) -> None:
        """As a machine does that loses its network: nothing more comes of it, not even a farewell."""
        assert self.peer.sctp is not None, "there is a data channel"
        for line in self.peer.sctp.transport.transport.iceGatherer._connection._protocols:
            line.transport.abort()

    async def close(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self.peer.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def _receive(self, kind: str, codecs: Sequence[str]) -> RTCRtpTransceiver:
        transceiver = self.peer.addTransceiver(kind, direction="recvonly")
        if codecs:
            capabilities = RTCRtpReceiver.getCapabilities(kind)
            assert capabilities is not None, "of kinds there are"
            known = capabilities.codecs
            transceiver.setCodecPreferences([each for each in known if each.mimeType in codecs])
        return transceiver

    def _on_track(self, track: MediaStreamTrack) -> None:
        into = self.pictures if track.kind == "video" else self.sounds
        self._pumps.append(asyncio.ensure_future(_pump(track, into)))


async def _pump(track: MediaStreamTrack, into: list[Any]) -> None:
    with contextlib.suppress(MediaStreamError):
        while True:
            into.append(await track.recv())


@asynccontextmanager
async def rtc_client(
    http: httpx2.AsyncClient, codecs: Sequence[str] = (), *, has_sound: bool = True, authorization: str = ""
) -> AsyncIterator[RtcClient]:
    """Connected."""
    client = RtcClient(codecs, has_sound=has_sound)
    try:
        response = await client.connect(http, **({"authorization": authorization} if authorization else {}))
        assert response.status_code == 201, response.text
        yield client
    finally:
        await client.close()
