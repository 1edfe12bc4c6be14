"""What only the `adapters` extra brings: imported when it is first needed, with a word on how to get it."""

from __future__ import annotations

import importlib
from types import ModuleType


class MissingExtraError(ImportError):
    """A library of the `adapters` extra is not installed."""


def import_extra(name: str) -> ModuleType:
    """The module `name`. Raises MissingExtraError where it cannot be had."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        library = name.partition(".")[0]
        raise MissingExtraError(
            f"open models need {library}, which comes with an extra: pip install 'nacre-server[adapters]'"
        ) from error
