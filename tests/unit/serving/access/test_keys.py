"""API keys as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.access.keys import ID_CHARS, KEY_PREFIX, NewKey, read_key


def test_b12_a_key_is_read_as_it_was_made() -> None:
    new = NewKey.make()
    read = read_key(new.text)
    assert read == new.secret
    assert new.text.startswith(f"{KEY_PREFIX}{new.secret.key_id}_")


def test_every_key_is_another() -> None:
    assert len({NewKey.make().text for _ in range(100)}) == 100


def test_e03_a_secret_fits_its_own_key_alone() -> None:
    one, other = NewKey.make(), NewKey.make()
    assert one.secret.fits(one.secret.sha256)
    assert not one.secret.fits(other.secret.sha256)


@pytest.mark.parametrize("change", [
    lambda text: text.upper(),
    lambda text: text + "a",
    lambda text: text[:-1],
    lambda text: text + "\n",
    lambda text: " " + text,
    lambda text: text.replace("_", "-"),
    lambda text: text.replace(text[6:18], "l" * ID_CHARS),
    lambda text: text[:-1] + "é",
])  # fmt: skip
def test_what_is_no_key_is_none(change) -> None:
    assert read_key(change(NewKey.make().text)) is None


@given(st.text())
def test_no_text_makes_it_fail(text: str) -> None:
    assert read_key(text) is None
    assert read_key(KEY_PREFIX + text) is None
