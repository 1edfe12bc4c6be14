"""Which pages may call, by what a request says of itself."""

from __future__ import annotations

import pytest

from serving.errors import OriginRefusedError
from serving.web.origins import OriginPolicy

OPEN = OriginPolicy(allowed_origins=("https://game.example",), knows_callers=False)
ASKING = OriginPolicy(allowed_origins=("https://game.example",), knows_callers=True)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8080", None),
        ("127.0.0.1:8080", None),
        ("[::1]:8080", None),
        ("localhost:8080", "http://localhost:8080"),
        ("LOCALHOST:8080", "http://localhost:8080"),
        ("localhost:8080", "http://127.0.0.1:5173"),
        ("localhost:8080", "https://game.example"),
        ("game.example", "https://game.example"),  # TLS ends before the service
    ],
)
def test_let_in_where_nobody_is_asked(host: str, origin: str | None) -> None:
    OPEN.check(host, origin)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("", None),
        ("evil.example", None),
        ("127.0.0.1.evil.example:8080", None),
        ("evil.example:8080", "http://evil.example:8080"),
        ("localhost:8080", "https://evil.example"),
        ("localhost:8080", "https://game.example.evil.example"),
        ("localhost:8080", "https://game.example:444"),
        ("localhost:8080", "http://game.example"),
        ("localhost:8080", "null"),
        ("localhost:8080", ""),
        ("localhost:8080", "file://localhost:8080"),
        ("localhost:8080", "localhost:8080"),
        ("localhost:8080", "http://user@evil.example"),
        ("localhost:8080", "http://[::1"),
        ("[", None),
    ],
)
def test_refused_where_nobody_is_asked(host: str, origin: str | None) -> None:
    with pytest.raises(OriginRefusedError):
        OPEN.check(host, origin)


def test_where_callers_are_asked_the_service_may_have_any_name() -> None:
    ASKING.check("worlds.example", None)
    ASKING.check("worlds.example", "https://worlds.example")
    for origin in ("https://evil.example", "https://worlds.example.evil.example", "null", ""):
        with pytest.raises(OriginRefusedError):
            ASKING.check("worlds.example", origin)
