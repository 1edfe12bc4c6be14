"""What a process that serves for long settles once it has loaded: what the garbage collector looks at, and how soon a
thread that has something to say gets the interpreter.

What was loaded stays: the collector need not look at it again and again. A collection of everything looks at some
270,000 objects once torch is loaded. On two busy cores that takes a quarter of a second and more, in which no thread of
the process runs Python: no chunk is paced, no control accepted.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# How long a thread that runs Python keeps the others of its process waiting. A control passes through four threads on
# its way to the record and back, while another steps the model: with Python's 5 ms three such passings took 8 ms (p95;
# two busy cores, a thread of small matrix products), with 0.3 ms they took 0.3 ms, and the products were made as fast.
SWITCH_INTERVAL_S = 0.0005


def settle() -> None:
    """When all is loaded, and before anybody is served. One collection now in place of many later: what is no garbage
    by then is not looked at again."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_INTERVAL_S)


@contextmanager
def loaded() -> Iterator[None]:
    """As long as the block; for a process that goes on to do something else."""
    interval_s = sys.getswitchinterval()
    settle()
    try:
        yield
    finally:
        sys.setswitchinterval(interval_s)
        gc.unfreeze()
