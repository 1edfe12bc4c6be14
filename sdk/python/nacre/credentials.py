"""What the client shows of itself: a key or a token, and how the line is secured."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc

Stub = TypeVar("Stub")
Token = str | Callable[[], str]
Pem = bytes | str | Path  # the text itself as bytes, or a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """`nacre.connect(address, tls=True)` is `tls=Tls()`: the authorities that gRPC brings along."""

    root_certificates: Pem | None = None  # of who signed the service's certificate
    certificate: Pem | None = None  # the client's own, where the service asks for one
    key: Pem | None = None
    server_name: str = ""  # in the service's certificate, where it is not the address

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a client's certificate comes with its key")

    def to_channel_credentials(self) -> grpc.ChannelCredentials:
        """Raises OSError for a file that cannot be read."""
        return grpc.ssl_channel_credentials(_read(self.root_certificates), _read(self.key), _read(self.certificate))

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        return [("grpc.ssl_target_name_override", self.server_name)] if self.server_name else []


def to_bearer(api_key: str, token: Token) -> Token:
    """Raises ValueError for both."""
    if api_key and token:
        raise ValueError("an api_key or a token, not both")
    return api_key or token


def to_tls(tls: Tls | bool) -> Tls | None:
    if isinstance(tls, Tls):
        return tls
    return Tls() if tls else None


def signed(stub: Stub, bearer: Token) -> Stub:
    """The stub, with `bearer` along with each of its calls. A function is asked anew for each: tokens end."""
    if bearer:
        for name, method in vars(stub).items():
            setattr(stub, name, functools.partial(_call, method, bearer))
    return stub


def _call(method: Any, bearer: Token, *arguments: Any, metadata: Sequence[tuple[str, str]] = (), **values: Any) -> Any:
    text = bearer if isinstance(bearer, str) else bearer()
    return method(*arguments, metadata=(*metadata, ("authorization", f"Bearer {text}")), **values)


def _read(pem: Pem | None) -> bytes | None:
    return pem if pem is None or isinstance(pem, bytes) else Path(pem).read_bytes()
