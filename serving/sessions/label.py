"""What a snapshot's file says of whose it is: an entry beside the manifest, for whoever opens the zip.

    provenance.json     owner, licence, model, weights, what it was made from and the words that its world began as

A file that is brought in is believed in what it says of licence, inputs and words, and in nothing else: here it is
whoever brought it in that owns it.
"""

from __future__ import annotations

import json
import re
import struct
import zipfile
from dataclasses import asdict, dataclass
from io import BytesIO

from serving.access.ownership import MAX_INPUTS
from serving.errors import SnapshotDamagedError
from serving.sessions.portable import NO_TIME

LABEL_NAME = "provenance.json"
MAX_LABEL_BYTES = 131_072
MAX_WORDS_CHARS = 2_000  # of the contract
# Lines and tabs are none.
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
MAX_LICENCE_CHARS, MAX_INPUT_CHARS = 200, 200
_UNREADABLE = (zipfile.BadZipFile, struct.error, RuntimeError, OSError, EOFError, ValueError, TypeError, OverflowError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    owner_id: str
    licence: str
    model: str
    weights_sha256: str
    model_licence: str
    inputs: tuple[str, ...]
    # For people: what a world is made of is in its snapshot. Files of before have none.
    prompt: str = ""
    character: str = ""
    scene: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        return (self.prompt, self.character, self.scene)


NO_LABEL = Label(owner_id="", licence="", model="", weights_sha256="", model_licence="", inputs=())


def labelled(data: bytes, label: Label) -> bytes:
    """The file with its label. The same file and label make the same bytes."""
    file = BytesIO(data)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        text = json.dumps(asdict(label), indent=1, sort_keys=True, ensure_ascii=False)
        archive.writestr(zipfile.ZipInfo(LABEL_NAME, NO_TIME), text)
    return file.getvalue()


def read_label(data: bytes) -> Label | None:
    """None for a file without one. Raises `SnapshotDamagedError`."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            if LABEL_NAME not in archive.namelist():
                return None
            entry = archive.getinfo(LABEL_NAME)
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > MAX_LABEL_BYTES:
                raise SnapshotDamagedError(f"{LABEL_NAME} is packed, or has more than {MAX_LABEL_BYTES} bytes")
            values = json.loads(archive.read(entry))
        label = Label(**{**values, "inputs": tuple(values["inputs"])})
    except (*_UNREADABLE, KeyError, RecursionError) as error:
        raise SnapshotDamagedError(f"the file's label cannot be read: {error}") from error
    _check(label)
    return label


def _check(label: Label) -> None:
    texts = (label.owner_id, label.licence, label.model, label.weights_sha256, label.model_licence, *label.inputs)
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise SnapshotDamagedError("the file's label has what is no text")
    if not all(isinstance(text, str) and not CONTROL_CHARACTER.search(text) for text in label.words):
        raise SnapshotDamagedError("the file's label has words that are no text")
    bounds = [(label.licence, MAX_LICENCE_CHARS), *((text, MAX_WORDS_CHARS) for text in label.words)]
    bounds += [(text, MAX_INPUT_CHARS) for text in label.inputs]
    is_long = any(len(text) > max_chars for text, max_chars in bounds)
    if is_long or len(label.inputs) > MAX_INPUTS:
        raise SnapshotDamagedError("the file's label says more than a label may")
