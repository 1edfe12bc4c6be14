"""Prompts to token ids, as the open models' text encoder wants them."""

from __future__ import annotations

import html
import re
import unicodedata
from pathlib import Path

from tokenizers import Tokenizer

from model.adapters.checkpoint import CheckpointError

MAX_TOKENS = 512  # what Wan was trained with; the last is the end mark
END = 1  # of a prompt, in UMT5's vocabulary
MAX_FILE_BYTES = 128 << 20  # the published tokenizer.json of UMT5 has 17 MB
FILE = "tokenizer.json"
_PLAIN_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


def cleaned(text: str) -> str:
    """As Wan cleans prompts before it reads them: one spelling of each letter, plain quotes, no entities of HTML,
    single spaces. It also repairs what was decoded wrongly, which text that came as UTF-8 does not need."""
    plain = unicodedata.normalize("NFC", text).translate(_PLAIN_QUOTES)
    return re.sub(r"\s+", " ", html.unescape(html.unescape(plain))).strip()


class PromptTokenizer:
    """Reads `tokenizer.json` of a folder, and nothing else of it."""

    def __init__(self, folder: Path) -> None:
        """Raises CheckpointError for a folder without one that can be read."""
        file = folder / FILE
        if not file.is_file() or file.stat().st_size > MAX_FILE_BYTES:
            raise CheckpointError(f"{folder} has no {FILE} of at most {MAX_FILE_BYTES >> 20} MiB")
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises nothing narrower
            raise CheckpointError(f"{file} is no tokenizer: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    @property
    def num_words(self) -> int:
        return self._tokenizer.get_vocab_size()

    def ids(self, text: str) -> list[int]:
        """Of the cleaned text, its end mark included: 1 to `MAX_TOKENS`."""
        ids = self._tokenizer.encode(cleaned(text)).ids
        return ids if ids and ids[-1] == END else [*ids[: MAX_TOKENS - 1], END]
