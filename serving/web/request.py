"""What a request over HTTP says of its call, as the metadata that it would have over gRPC. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.datastructures import Headers

from serving.access.credentials import AUTHORIZATION, MAX_BEARER_CHARS, ORIGIN
from serving.gateway.calls import Metadata
from serving.gateway.request_id import REQUEST_ID_KEY

TRACEPARENT = "traceparent"
# Nothing else is passed on: what else a browser sends is not about the call.
PASSED_ON = (AUTHORIZATION, ORIGIN, REQUEST_ID_KEY, TRACEPARENT, "tracestate", "user-agent")
# What the first text frame of a WebSocket may say in the place of headers.
SAID_FIRST = (AUTHORIZATION, REQUEST_ID_KEY, TRACEPARENT)
MAX_VALUE_CHARS = MAX_BEARER_CHARS + 100


def metadata_of(headers: Headers, said: Mapping[str, str] | None = None) -> Metadata:
    """`said`: by the client in its first text frame; headers that came along count before it."""
    values = [(name, value) for name in PASSED_ON for value in headers.getlist(name)]
    given = {name for name, _ in values}
    return (*values, *((name, value) for name, value in (said or {}).items() if name not in given))


def with_token(metadata: Metadata, token: str) -> Metadata:
    """A token that came in a message, where nothing else says who calls."""
    if not token or any(name == AUTHORIZATION for name, _ in metadata):
        return metadata
    return (*metadata, (AUTHORIZATION, f"Bearer {token}"))


def named(metadata: Metadata, request_id: str) -> Metadata:
    """With that name for the call, in the place of any that it had."""
    return (*((name, value) for name, value in metadata if name != REQUEST_ID_KEY), (REQUEST_ID_KEY, request_id))


def check_said(document: Any) -> Mapping[str, str] | None:
    """The first text frame's JSON; None where it is not what it should be."""
    if not isinstance(document, dict) or not document.keys() <= set(SAID_FIRST):
        return None
    if not all(isinstance(value, str) and len(value) <= MAX_VALUE_CHARS for value in document.values()):
        return None
    return document


def peer_of(scope: Mapping[str, Any]) -> str:
    """In gRPC's form."""
    client: Iterable[Any] | None = scope.get("client")
    if not client:
        return "unknown"
    host, port = client
    return f"ipv6:[{host}]:{port}" if ":" in host else f"ipv4:{host}:{port}"
