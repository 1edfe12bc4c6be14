"""An object store: a folder, or a bucket by URL; and what goes wrong with it, said in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from serving.errors import StorageUnavailableError


def open_object_store(place: str, what: str) -> Any:
    """`place`: a folder, made where there is none, or a URL. Raises `StorageUnavailableError`, which begins with
    `what`."""
    with as_our_errors(what):
        if "://" in place:
            return from_url(place)
        Path(place).mkdir(parents=True, exist_ok=True)
        return LocalStore(place)


@contextmanager
def as_our_errors(what: str) -> Iterator[None]:
    """But for FileNotFoundError, which is the caller's to explain."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise StorageUnavailableError(f"{what}: {reason}") from error
