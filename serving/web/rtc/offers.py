"""What stands in offers and answers (SDP, RFC 8866 and 8839), as far as strangers are let say it. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from nacre.v1 import media_pb2
from serving.errors import InvalidFieldError

MAX_OFFER_BYTES = 65_536
MAX_LINES = 1_000
# A machine with a few networks and relays has about ten.
MAX_CANDIDATES = 32
DATA_PROTOCOL = "UDP/DTLS/SCTP"
KINDS = ("application", "video", "audio")
CANDIDATE = "a=candidate:"
LAST_CANDIDATE = "a=end-of-candidates"
# Fields of a candidate: foundation, component, transport, priority, address, port, "typ", type.
NUM_CANDIDATE_FIELDS, TRANSPORT, ADDRESS, PORT, TYPE = 8, 2, 4, 5, 7
VIDEO_CODECS = {"h264": media_pb2.VIDEO_CODEC_H264, "vp8": media_pb2.VIDEO_CODEC_VP8}


def checked_offer(text: str) -> str:
    """The offer, without those of its candidates that cannot be used or are too many.

    Names of the client's own network (".local") are left out: whoever has one is known by its first packet, and nobody
    is to have us ask for names. That these were all is left out too: others come to light as they send. Raises
    `InvalidFieldError`.
    """
    lines = text.splitlines()
    if not lines or lines[0] != "v=0" or len(lines) > MAX_LINES:
        raise _bad(f"an offer is a session description (SDP) of at most {MAX_LINES} lines")
    kinds = [line[2:].partition(" ")[0] for line in lines if line.startswith("m=")]
    if len(set(kinds)) != len(kinds) or not {"application", "video"} <= set(kinds) <= set(KINDS):
        raise _bad("an offer has one data channel, pictures and perhaps sound, each once", KINDS)
    if not any(line.startswith("m=application") and DATA_PROTOCOL in line for line in lines):
        raise _bad(f"the data channel is {DATA_PROTOCOL}")
    bundled = next((line for line in lines if line.startswith("a=group:BUNDLE ")), "").split()[1:]
    names = [line.removeprefix("a=mid:") for line in lines if line.startswith("a=mid:")]
    if len(names) != len(kinds) or set(bundled) != set(names):
        raise _bad("all of an offer is bundled into one line (a=group:BUNDLE)")
    return "\r\n".join((*_usable(lines), ""))


def video_codec_in(answer: str) -> media_pb2.VideoCodec:
    """Which one the pictures come in: the first that is agreed on. Raises `InvalidFieldError` where there is none."""
    section = list(_section(answer.splitlines(), "video"))
    first = section[0].split()[3] if section and len(section[0].split()) > 3 else ""
    for line in section:
        name, _, what = line.partition(" ")
        if name == f"a=rtpmap:{first}" and (codec := VIDEO_CODECS.get(what.partition("/")[0].lower())) is not None:
            return codec
    raise _bad("the client takes neither H.264 nor VP8", tuple(VIDEO_CODECS))


def announced(answer: str, public_address: str) -> str:
    """With that address in the place of the machine's own, of its own family."""
    version = ipaddress.ip_address(public_address).version
    lines = []
    for line in answer.splitlines():
        fields = line.split(" ")
        if line.startswith(CANDIDATE) and fields[TYPE] == "host" and _version_of(fields[ADDRESS]) == version:
            fields[ADDRESS] = public_address
        lines.append(" ".join(fields))
    return "\r\n".join((*lines, ""))


def has_sound(offer: str) -> bool:
    return any(line.startswith("m=audio") for line in offer.splitlines())


def _usable(lines: Iterable[str]) -> Iterator[str]:
    num_candidates = 0
    for line in lines:
        if line.startswith(CANDIDATE):
            fields = line.split()
            is_usable = len(fields) >= NUM_CANDIDATE_FIELDS and fields[TRANSPORT].lower() == "udp"
            if not is_usable or _version_of(fields[ADDRESS]) == 0 or num_candidates == MAX_CANDIDATES:
                continue
            num_candidates += 1
        if line != LAST_CANDIDATE:
            yield line


def _version_of(address: str) -> int:
    """0 for what is no address."""
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return 0


def _section(lines: Iterable[str], kind: str) -> Iterator[str]:
    """Its m= line, and what belongs to it."""
    is_inside = False
    for line in lines:
        if line.startswith("m="):
            is_inside = line.startswith(f"m={kind} ")
        if is_inside:
            yield line


def _bad(message: str, allowed: tuple[str, ...] = ()) -> InvalidFieldError:
    return InvalidFieldError(message, field="offer", allowed=allowed)
