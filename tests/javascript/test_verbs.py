"""Both clients have the same verbs, under the same names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nacre.access import Keys, Tenants
from nacre.admin import Admin
from nacre.books import Books
from nacre.client import Client
from nacre.session import Session
from nacre.world import World

TYPES = Path(__file__).resolve().parents[2] / "sdk" / "js" / "dist" / "types"
FILES = {
    Client: ("client", "play_client"),
    Session: ("session",),
    World: ("world",),
    Books: ("books",),
    Admin: ("admin",),
    Keys: ("access",),
    Tenants: ("access",),
}
# There is nothing to close: every call is one of its own.
NOT_IN_BROWSERS = {Client: {"close"}}


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.__name__)
def test_whatever_python_can_do_javascript_can(kind: type) -> None:
    ours = {name for name in vars(kind) if not name.startswith("_")} - NOT_IN_BROWSERS.get(kind, set())
    declared = "".join((TYPES / f"{name}.d.ts").read_text() for name in FILES[kind])
    theirs = set(re.findall(r"^ +(?:readonly |get )?(\w+)[(:?<]", declared, re.MULTILINE))
    assert len(ours) >= 3
    assert {camel(name) for name in ours} <= theirs


def camel(name: str) -> str:
    return re.sub(r"_(.)", lambda found: found[1].upper(), name)
