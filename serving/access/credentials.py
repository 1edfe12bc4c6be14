"""What a call says of who makes it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from serving.errors import UnauthenticatedError

AUTHORIZATION, ORIGIN = "authorization", "origin"
SCHEME = "bearer "
# Identity providers put groups into tokens, and some have many. The transport takes 8 KiB of metadata in all.
MAX_BEARER_CHARS = 7_000
# As gRPC names them in a call's authentication context.
CERTIFICATE_NAMES = ("x509_subject_alternative_name", "x509_common_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    bearer: str = ""  # a key, a token or a share link's token; empty where none came along
    origin: str | None = None  # of the web page, as its browser says
    certificate_names: tuple[str, ...] = ()  # of a client's certificate that the transport has checked


def read_credentials(
    metadata: Iterable[tuple[str, str | bytes]], transport: Mapping[str, Iterable[bytes]] | None = None
) -> Credentials:
    """`transport`: a call's authentication context. Raises `UnauthenticatedError` for what says two things at once."""
    values: dict[str, str] = {}
    for key, value in metadata:
        if key in (AUTHORIZATION, ORIGIN):
            if key in values or not isinstance(value, str):
                raise unauthenticated()
            values[key] = value
    names = [name for key in CERTIFICATE_NAMES for name in (transport or {}).get(key, ())]
    return Credentials(
        bearer=_bearer(values.get(AUTHORIZATION, "")),
        origin=values.get(ORIGIN),
        certificate_names=tuple(name.decode(errors="replace") for name in names),
    )


def unauthenticated() -> UnauthenticatedError:
    """The same words for whatever was wrong."""
    return UnauthenticatedError("a key or a token is needed, and it must be good: authorization: Bearer ...")


def _bearer(authorization: str) -> str:
    if not authorization:
        return ""
    if not authorization.lower().startswith(SCHEME) or len(authorization) > MAX_BEARER_CHARS:
        raise unauthenticated()
    return authorization[len(SCHEME) :].strip()
