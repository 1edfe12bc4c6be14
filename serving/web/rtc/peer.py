"""One client's WebRTC connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from nacre.v1 import media_pb2, session_pb2
from serving.errors import InvalidFieldError
from serving.web.rtc.config import RtcConfig
from serving.web.rtc.line import DataLine
from serving.web.rtc.losses import Losses
from serving.web.rtc.media import ChunkMedia
from serving.web.rtc.offers import announced, checked_offer, has_sound, video_codec_in
from serving.web.rtc.seams import connection_of, hasten_retransmission, listen_on, on_keyframe_wish, on_loss_report
from serving.web.rtc.tracks import PacketTrack

LABEL = "nacre.v1"
# What sessions are encoded in anyway, for most clients and for recordings, comes before what they are encoded in once
# more.
PREFERRED = ("audio/opus", "video/H264", "video/VP8", "video/rtx")
# Of connections that are over, or cannot begin.
OVER = ("failed", "closed")
# What aiortc makes of descriptions that contradict themselves, or are none.
NOT_UNDERSTOOD = (
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    AssertionError,
    InternalError,
    InvalidAccessError,
    InvalidStateError,
    OperationError,
)
KEYFRAME_WISH = session_pb2.PlayRequest(keyframe_wish=session_pb2.KeyframeWish()).SerializeToString()


class Peer:
    """`answer`, then `opened`; `close` whatever happened."""

    def __init__(self, config: RtcConfig, addresses: Sequence[str], max_message_bytes: int) -> None:
        """`addresses`: of this machine, to listen on."""
        self.video_codec = media_pb2.VIDEO_CODEC_UNSPECIFIED
        self._config = config
        self._addresses = addresses
        self._max_message_bytes = max_message_bytes
        self._clock: Callable[[], float] = asyncio.get_running_loop().time
        self._line: asyncio.Future[DataLine] = asyncio.get_running_loop().create_future()
        self._is_over = asyncio.Event()
        servers = [_server(each.url, each.username, each.credential) for each in config.ice_servers]
        self._peer = RTCPeerConnection(RTCConfiguration(servers, bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self._peer.on("datachannel", self._on_channel)
        self._peer.on("connectionstatechange", self._on_state)
        self._video = PacketTrack("video", self._clock)
        self._audio: PacketTrack | None = None

    async def answer(self, offer: str) -> str:
        """Raises `InvalidFieldError`, and OSError where no port is free."""
        offer = checked_offer(offer)
        self._add(self._video)
        if has_sound(offer):
            self._audio = PacketTrack("audio", self._clock)
            self._add(self._audio)
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
            answer = await self._peer.createAnswer()
        except NOT_UNDERSTOOD as error:
            raise InvalidFieldError(f"the offer cannot be answered: {error}", field="offer") from error
        listen_on(connection_of(self._peer), self._addresses, self._config.ports)
        hasten_retransmission(self._peer)
        await self._peer.setLocalDescription(answer)
        text = self._peer.localDescription.sdp
        self.video_codec = video_codec_in(text)
        return announced(text, self._config.public_address) if self._config.public_address else text

    async def opened(self) -> DataLine:
        """Raises TimeoutError where the client does not connect in time, or not at all."""
        over = asyncio.ensure_future(self._is_over.wait())
        try:
            async with asyncio.timeout(self._config.connect_timeout_s):
                await asyncio.wait((self._line, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        if not self._line.done():
            raise TimeoutError("the connection failed")
        return self._line.result()

    def media(self) -> ChunkMedia:
        return ChunkMedia(self._video, self._audio, self.video_codec, self._clock)

    async def close(self) -> None:
        self._line.cancel()
        await self._peer.close()

    def _add(self, track: PacketTrack) -> None:
        transceiver = self._peer.addTransceiver(track, direction="sendonly")
        track.sender = transceiver.sender
        codecs = [each for each in RTCRtpSender.getCapabilities(track.kind).codecs if each.mimeType in PREFERRED]
        transceiver.setCodecPreferences(sorted(codecs, key=lambda each: PREFERRED.index(each.mimeType)))
        if track.kind == "video":
            on_keyframe_wish(transceiver.sender, self._wish_keyframe)
            track.losses = Losses()
            on_loss_report(transceiver.sender, track.losses.report)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == LABEL and not self._line.done():
            self._line.set_result(DataLine(channel, self._max_message_bytes))

    def _on_state(self) -> None:
        if self._peer.connectionState in OVER:
            self._is_over.set()
            if self._line.done() and not self._line.cancelled():
                self._line.result().lost()

    def _wish_keyframe(self) -> None:
        if self._line.done() and not self._line.cancelled():
            self._line.result().wish(KEYFRAME_WISH)


def _server(url: str, username: str, credential: str) -> RTCIceServer:
    return RTCIceServer(urls=url, username=username or None, credential=credential or None)
