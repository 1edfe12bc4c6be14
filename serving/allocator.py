"""How the C library keeps memory for this service's processes: one pool, and what is large given back at once.

glibc makes a pool for every few threads, keeps in each what was freed there, and takes ever larger buffers from the
pools instead of from the system once such a buffer was freed. A worker whose snapshots grow with what it remembers
thereby grows in steps, by more than it uses: 45 to 65 MiB of free memory in its pools, that came and went by 18 MiB.
With these limits it is bounded and nearly constant (`python -m bench memory`). Names and numbers: mallopt(3),
<malloc.h>.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Mapping

# A second pool is made of pieces that are given back as soon as they are empty, whatever the limits below say: the
# decoder's thread then had 540 page faults with every chunk of the embedded model, and has none in the first pool. Its
# lock is held for nanoseconds.
MAX_POOLS = 1
# Larger than what a chunk is made of, whose buffers come and go all the time; smaller than what a snapshot is. The
# embedded model's largest are of 2.2 million bytes. With a limit of 2 MiB a chunk had 540 page faults for one of them
# while the pool had no room, as in the first seconds of most sessions.
LARGE_BYTES = 3 * 1024 * 1024
# Of what is free at the end of a pool. With 8 MiB every chunk of the embedded model asks the system anew, with 380 page
# faults; with 16 and more it has one. With 64 a worker's memory over an hour (`make soak`) is spread as with 32.
KEPT_FREE_BYTES = 32 * 1024 * 1024
# For processes that are started later: glibc reads them once. An operator's own words stand.
ENVIRONMENT: Mapping[str, str] = {
    "MALLOC_ARENA_MAX": str(MAX_POOLS),
    "MALLOC_MMAP_THRESHOLD_": str(LARGE_BYTES),
    "MALLOC_TRIM_THRESHOLD_": str(KEPT_FREE_BYTES),
}
# What is free between what is in use stays, whatever the limits say: 22 to 40 MiB of a worker's, up and down. Giving it
# back takes 4 to 9 ms, in which no thread gets memory; most is wanted again within seconds, the rest is not.
# Seldom enough that not one step in a hundred meets it.
GIVE_BACK_EVERY_S = 60.0
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def bound_memory(environment: Mapping[str, str]) -> None:
    """For this process, as early as can be; of no effect where there is no glibc."""
    if sys.platform != "linux" or any(name in environment for name in ENVIRONMENT):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in (
            (_M_ARENA_MAX, MAX_POOLS),
            (_M_MMAP_THRESHOLD, LARGE_BYTES),
            (_M_TRIM_THRESHOLD, KEPT_FREE_BYTES),
        ):
            mallopt(option, value)


def give_back_regularly(every_s: float = GIVE_BACK_EVERY_S) -> None:
    """What is free, from now on, for as long as the process lives; of no effect where there is no glibc."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if malloc_trim is None:
        return

    def run() -> None:
        while True:
            time.sleep(every_s)
            malloc_trim(0)

    threading.Thread(target=run, name="give-back", daemon=True).start()
