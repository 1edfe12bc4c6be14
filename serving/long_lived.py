"""What a process loaded to serve with stays: the garbage collector need not look at it again and again.

A collection of everything looks at some 270,000 objects once torch is loaded. On two busy cores that takes a quarter of
a second and more, in which no thread of the process runs Python: no chunk is paced, no control accepted.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def keep_what_is_loaded() -> None:
    """When all is loaded, and before anybody is served: one collection now in place of many later. What is no garbage
    by then is not looked at again."""
    gc.collect()
    gc.freeze()


@contextmanager
def loaded() -> Iterator[None]:
    """As long as the block; for a process that goes on to do something else."""
    keep_what_is_loaded()
    try:
        yield
    finally:
        gc.unfreeze()
