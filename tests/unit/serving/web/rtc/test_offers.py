"""What strangers may say in an offer, and what is said in answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacre.v1 import media_pb2
from serving.errors import InvalidFieldError
from serving.web.rtc.offers import MAX_CANDIDATES, announced, checked_offer, has_sound, video_codec_in

HEAD = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"]
BUNDLE = "a=group:BUNDLE 0 1 2"
VIDEO = ["m=video 9 UDP/TLS/RTP/SAVPF 99 97", "a=mid:0", "a=rtpmap:99 H264/90000", "a=rtpmap:97 VP8/90000"]
AUDIO = ["m=audio 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=rtpmap:96 opus/48000/2"]
DATA = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:2"]
HOST = "a=candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host"


def text(*parts: list[str] | str) -> str:
    lines = [line for part in parts for line in ([part] if isinstance(part, str) else part)]
    return "\r\n".join((*lines, ""))


def test_an_offer_goes_on_as_it_is() -> None:
    offer = text(HEAD, BUNDLE, VIDEO, HOST, AUDIO, DATA)
    assert checked_offer(offer) == offer
    assert has_sound(offer)
    assert not has_sound(text(HEAD, "a=group:BUNDLE 0 2", VIDEO, DATA))


def test_candidates_that_cannot_be_used_are_left_out() -> None:
    odd = [
        "a=candidate:1 1 udp 1 2f1c-7a.local 50000 typ host",
        "a=candidate:1 1 udp 1 an.example 50000 typ host",
        "a=candidate:1 1 tcp 1 192.0.2.7 9 typ host tcptype active",
        "a=candidate:1 1",
        "a=end-of-candidates",
    ]
    assert checked_offer(text(HEAD, BUNDLE, VIDEO, odd, HOST, AUDIO, DATA)) == text(
        HEAD, BUNDLE, VIDEO, HOST, AUDIO, DATA
    )


def test_no_offer_has_us_knock_at_many_doors() -> None:
    many = [HOST.replace("50000", str(port)) for port in range(50_000, 50_100)]
    assert checked_offer(text(HEAD, BUNDLE, VIDEO, many, AUDIO, DATA)).count("a=candidate") == MAX_CANDIDATES


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "hello",
        text(HEAD),
        text(HEAD, "a=group:BUNDLE 0", VIDEO),
        text(HEAD, "a=group:BUNDLE 2", DATA),
        text(HEAD, VIDEO, AUDIO, DATA),
        text(HEAD, "a=group:BUNDLE 0 1", VIDEO, AUDIO, DATA),
        text(HEAD, BUNDLE, VIDEO, VIDEO, DATA),
        text(HEAD, BUNDLE, VIDEO, AUDIO, "m=application 9 TCP webrtc-datachannel", "a=mid:2"),
        text(HEAD, BUNDLE, VIDEO, AUDIO, "m=text 9 RTP/AVP 98", "a=mid:3", DATA),
        text(HEAD, BUNDLE, VIDEO, AUDIO, DATA, ["a=x"] * 1_000),
    ],
)
def test_what_is_no_offer_of_ours_is_refused(offer: str) -> None:
    with pytest.raises(InvalidFieldError):
        checked_offer(offer)


@given(st.text(max_size=200))
def test_nothing_else_comes_of_any_text(offer: str) -> None:
    for given_text in (offer, text(HEAD, BUNDLE, VIDEO, AUDIO, DATA) + offer):
        try:
            checked_offer(given_text)
        except InvalidFieldError:
            continue


@pytest.mark.parametrize(
    ("video", "codec"),
    [
        (VIDEO, media_pb2.VIDEO_CODEC_H264),
        (["m=video 9 UDP/TLS/RTP/SAVPF 97 99", *VIDEO[1:]], media_pb2.VIDEO_CODEC_VP8),
    ],
)
def test_the_first_codec_of_an_answer_is_what_pictures_come_in(video: list[str], codec: int) -> None:
    assert video_codec_in(text(HEAD, BUNDLE, AUDIO, video, DATA)) == codec


def test_an_answer_without_pictures_is_told_apart() -> None:
    with pytest.raises(InvalidFieldError):
        video_codec_in(text(HEAD, BUNDLE, AUDIO, DATA))


def test_an_address_is_announced_in_the_place_of_the_machines_own() -> None:
    reflected = "a=candidate:2 1 udp 1 198.51.100.2 50000 typ srflx raddr 192.0.2.7 rport 50000"
    six = "a=candidate:3 1 udp 1 2001:db8::7 50000 typ host"
    told = announced(text(VIDEO, HOST, reflected, six), "203.0.113.5")
    assert told == text(VIDEO, HOST.replace("192.0.2.7", "203.0.113.5"), reflected, six)
