"""gRPC channels to workers' servers: one for each address, shared by all sessions."""

from __future__ import annotations

from typing import cast

import grpc
import grpc.aio

from serving.stages.secret import SecretChannel

# A snapshot of a large model's session is the biggest message; workers trust each other.
MAX_MESSAGE_BYTES = 1 << 30
SIZE_OPTIONS = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
)
CHANNEL_OPTIONS = (
    *SIZE_OPTIONS,
    # A worker whose machine vanished is noticed after the two together.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # A replica that is gone does not come back on its port, so waiting longer gains nothing.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_http_proxy", 0),
)
SERVER_OPTIONS = (
    *SIZE_OPTIONS,
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
)


class Channels:
    """Made on the event loop that uses them. `secret`: what every call shows; empty where none is asked for."""

    def __init__(self, secret: str = "") -> None:
        self._secret = secret
        self._channels: dict[str, grpc.aio.Channel] = {}

    def to(self, address: str) -> grpc.aio.Channel:
        """For the stub of a service."""
        if address not in self._channels:
            self._channels[address] = grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        channel = self._channels[address]
        return cast("grpc.aio.Channel", SecretChannel(channel, self._secret)) if self._secret else channel

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()
