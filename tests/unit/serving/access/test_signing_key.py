"""The installation's own key."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.access.signing_key import load_signing_key


def test_b12_it_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "signing.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_signing_key(file, is_made_here=True), range(8)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["signing.key"]


def test_one_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "signing.key"
    load_signing_key(file, is_made_here=True)
    file.chmod(0o640)
    with pytest.raises(ValueError, match="chmod 600"):
        load_signing_key(file, is_made_here=True)
    assert load_signing_key(file, is_made_here=False)  # as a mounted secret may be


@pytest.mark.parametrize(("text", "words"), [("secret", "hexadecimal"), ("", "32 bytes"), ("ab" * 31, "got 31")])
def test_one_that_was_given_must_be_long_and_readable(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "given.key"
    file.write_text(text)
    with pytest.raises(ValueError, match=words):
        load_signing_key(file, is_made_here=False)
    with pytest.raises(ValueError, match="cannot be read"):
        load_signing_key(tmp_path / "missing.key", is_made_here=False)
