"""Keeps Serve's own port of each replica where the node is."""

from __future__ import annotations

from typing import Any

import ray
from ray.serve._private import replica

ANY_ADDRESS = "[::]"


def bind_to_node() -> None:
    """Call in a replica's constructor, after which Serve opens the replica's own gRPC port.

    Serve binds it to every interface, also on a node of the loopback, and unpickles what comes in by it: whoever
    reaches the machine could run code. There is no setting for it.
    """
    module: Any = replica
    add_port = module.add_port_to_grpc_server
    if not isinstance(add_port, _BoundTo):
        module.add_port_to_grpc_server = _BoundTo(ray.util.get_node_ip_address(), add_port)


class _BoundTo:
    def __init__(self, address: str, add_port: Any) -> None:
        self._address = f"[{address}]" if ":" in address else address
        self._add_port = add_port

    def __call__(self, server: Any, address: str) -> int:
        return self._add_port(server, address.replace(ANY_ADDRESS, self._address))
