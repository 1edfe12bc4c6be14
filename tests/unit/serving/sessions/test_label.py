"""What a snapshot's file says of whose it is."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from typing import Any

import pytest

from serving.errors import SnapshotDamagedError
from serving.sessions.label import LABEL_NAME, MAX_LABEL_BYTES, Label, labelled, read_label
from serving.sessions.portable import from_bytes, to_bytes
from tests.fakes_model import INFO
from tests.snapshots import assert_same_snapshot, some_snapshot

LABEL = Label(
    owner_id="key:1",
    licence="CC-BY-4.0",
    model="fake",
    weights_sha256="0" * 64,
    model_licence="Apache-2.0",
    inputs=("words", "world:w-1"),
    prompt="a quiet street\nat dusk \N{HOUSE BUILDING}",
)
PLAIN = to_bytes(some_snapshot(num_places=1), INFO)


def with_entry(text: str | bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = BytesIO(PLAIN)
    with zipfile.ZipFile(file, "a", compression) as archive:
        archive.writestr(LABEL_NAME, text)
    return file.getvalue()


def test_x06_a_file_tells_whose_it_is_and_is_the_same_snapshot() -> None:
    data = labelled(PLAIN, LABEL)
    assert read_label(data) == LABEL
    assert_same_snapshot(some_snapshot(num_places=1), from_bytes(data, INFO))
    assert labelled(PLAIN, LABEL) == data
    assert read_label(PLAIN) is None


def test_a_file_of_before_has_no_words() -> None:
    label = read_label(with_entry(changed()))
    assert label is not None
    assert (label.licence, label.words) == ("CC-BY-4.0", ("", "", ""))


def changed(**values: Any) -> str:
    names = ("owner_id", "licence", "model", "weights_sha256", "model_licence", "inputs")
    return json.dumps({name: getattr(LABEL, name) for name in names} | values)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        "[" * 10_000,
        json.dumps({"licence": "CC0-1.0"}),
        changed(licence="x" * 201),
        changed(prompt="x" * 2_001),
        changed(scene=["a street"]),
        changed(character="a girl\0"),
        changed(licence="two\nlines"),
        changed(licence=7),
        changed(inputs=["words"] * 65),
        changed(inputs=["x" * 201]),
        changed(inputs=7),
        changed(more="than there is"),
        changed(owner_id="x" * MAX_LABEL_BYTES),
    ],
)
def test_a_label_that_was_made_to_harm_is_refused(text: str) -> None:
    with pytest.raises(SnapshotDamagedError):
        read_label(with_entry(text))


def test_a_label_is_not_unpacked_and_what_is_no_file_has_none() -> None:
    with pytest.raises(SnapshotDamagedError):
        read_label(with_entry(changed(), zipfile.ZIP_DEFLATED))
    with pytest.raises(SnapshotDamagedError):
        read_label(b"no zip")
