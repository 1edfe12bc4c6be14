"""Caches of sessions that are over, for those that begin: gigabytes each, taken once."""

from __future__ import annotations

from collections.abc import Callable

from model.adapters.wan.window import LatentCache


class CachePool:
    """Used by the thread that owns the model."""

    def __init__(self, make: Callable[[], LatentCache]) -> None:
        self._make = make
        self._free: list[LatentCache] = []

    @property
    def num_free(self) -> int:
        return len(self._free)

    def prepare(self, num_caches: int) -> None:
        """Take the memory of so many at once, so that what is too little is found out at the start."""
        self._free += [self._make() for _ in range(num_caches - len(self._free))]

    def allocate(self) -> LatentCache:
        """An empty one."""
        return self._free.pop() if self._free else self._make()

    def free(self, cache: LatentCache) -> None:
        """Of one that is parked, whose memory others have, nothing comes back."""
        if cache.is_parked:
            return
        cache.forget()
        self._free.append(cache)
