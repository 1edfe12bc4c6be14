"""Which way latents take to a decoder worker. With `grpc`, sessions and what is decoded go inside gRPC too.

in process        the decoders are here: always the way then
shared memory     another process of this machine
stream            any machine: bytes over a socket
grpc              any machine: bytes inside the worker's gRPC server, where no other socket can pass
gloo, nccl        any machine: torch.distributed; NCCL from GPU to GPU

`auto` shares memory with a worker at an address of this machine, and sends bytes to any other. What a worker does
not take (another container, no such library) goes as bytes.
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum

from serving.stages import shared_memory
from serving.stages.lanes import MakeLane, SharedMemorySender
from serving.stages.pipe import GRPC_SCHEME
from serving.stages.transport import LatentTransport, StreamTransport


class Route(StrEnum):
    AUTO = "auto"
    SHARED_MEMORY = "shared_memory"
    STREAM = "stream"
    GRPC = "grpc"
    GLOO = "gloo"
    NCCL = "nccl"


def transport_by(route: Route, address: str, own_host: str, secret: str = "") -> LatentTransport:
    """To the decoder worker at `address`, from a worker that others reach at `own_host`; `secret` is what it asks
    for."""
    return StreamTransport(address, _lane_by(route, address, own_host), secret)


def is_this_machine(address: str, own_host: str) -> bool:
    """Of an address host:port, `grpc:` in front or not."""
    host = address.removeprefix(GRPC_SCHEME).rpartition(":")[0].strip("[]")
    return host == own_host or _is_loopback(host)


def _lane_by(route: Route, address: str, own_host: str) -> MakeLane | None:
    match route:
        case Route.GLOO | Route.NCCL:
            from serving.stages.group_lane import GroupSender  # needs torch, which a gateway does without

            return lambda: GroupSender(str(route), own_host)
        case Route.SHARED_MEMORY if shared_memory.is_supported():
            return SharedMemorySender
        case Route.AUTO if shared_memory.is_supported() and is_this_machine(address, own_host):
            return SharedMemorySender
        case _:
            return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
