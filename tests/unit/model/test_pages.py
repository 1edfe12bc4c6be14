"""The pool that caches take their pages from."""

from __future__ import annotations

import gc

import pytest
import torch

from model.cache import RollingCache, page_pool
from model.layers import KeysValues
from model.pages import PagePool, PageShape, PoolEmptyError
from tests.unit.model.test_transformer import CONFIG

SHAPE = PageShape(blocks=2, tokens=3, heads=2, head_dim=4)
PAGES = 3  # of one session: a sink and a window of two


def chunk(value: float) -> torch.Tensor:
    return torch.full((2, SHAPE.blocks, SHAPE.tokens, SHAPE.heads, SHAPE.head_dim), value)


def kept(value: float) -> list[KeysValues]:
    shape = (1, CONFIG.cached_tokens, CONFIG.heads, CONFIG.dim // CONFIG.heads)
    return [KeysValues(torch.full(shape, value + block), torch.full(shape, -value - block)) for block in range(2)]


def filled(pool: PagePool, values: list[float]) -> RollingCache:
    cache = RollingCache(CONFIG, pool)
    for value in values:
        cache.append(kept(value))
    return cache


def test_pages_are_read_in_the_order_they_are_asked_for() -> None:
    pool = PagePool(SHAPE, 4)
    first, second = pool.allocate(2)
    pool.write(first, chunk(1.0))
    pool.write(second, chunk(2.0))
    read = pool.read([second, first])
    assert read.shape == (2, 2, 6, 2, 4)
    assert (read[:, :, :3] == 2.0).all()
    assert (read[:, :, 3:] == 1.0).all()


def test_a_pool_of_fixed_size_runs_out_and_takes_nothing_then() -> None:
    pool = PagePool(SHAPE, 4, may_grow=False)
    taken = pool.allocate(3)
    with pytest.raises(PoolEmptyError, match="1 pages more"):
        pool.allocate(2)
    assert pool.num_free == 1
    pool.free(taken)
    assert sorted(pool.allocate(4)) == [0, 1, 2, 3]


def test_a_pool_that_may_grow_keeps_what_is_in_it() -> None:
    pool = PagePool(SHAPE, 1)
    [page] = pool.allocate(1)
    pool.write(page, chunk(1.0))
    with torch.inference_mode():
        [other] = pool.allocate(1)
    pool.write(other, chunk(2.0))  # outside of a step too
    assert (pool.read([page]) == 1.0).all()
    assert pool.num_bytes == 2 * SHAPE.num_bytes


def test_sessions_share_a_pool_and_nothing_else() -> None:
    pool = page_pool(CONFIG, 2, may_grow=False)
    mine, theirs = filled(pool, [1, 2, 3, 4, 5]), filled(pool, [11, 12])
    alone = filled(page_pool(CONFIG, 1), [1, 2, 3, 4, 5])
    for ours, single in zip(mine.past(), alone.past(), strict=True):
        assert torch.equal(ours.k_BLNK, single.k_BLNK)
        assert torch.equal(ours.v_BLNK, single.v_BLNK)
    values = theirs.past()[0].k_BLNK[0, :, 0, 0].tolist()
    assert values == [11.0] * CONFIG.cached_tokens + [12.0] * CONFIG.cached_tokens


def test_the_oldest_chunk_after_the_sinks_gives_its_page_to_the_newest() -> None:
    cache = filled(page_pool(CONFIG, 1, may_grow=False), [1, 2, 3, 4])
    keys = cache.past()[0].k_BLNK[0, :, 0, 0].reshape(PAGES, -1)[:, 0]
    assert keys.tolist() == [1.0, 3.0, 4.0]


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "forgotten"])
def test_whoever_is_done_gives_its_pages_back(is_closed: bool) -> None:
    pool = page_pool(CONFIG, 1, may_grow=False)
    for _ in range(3):
        cache = filled(pool, [1.0])
        assert pool.num_free == 0
        if is_closed:
            cache.close()
            cache.close()
        del cache
        gc.collect()
        assert pool.num_free == PAGES


def test_a_session_that_cannot_be_restored_keeps_no_page() -> None:
    pool = page_pool(CONFIG, 1, may_grow=False)
    snapshot = filled(page_pool(CONFIG, 1), [1.0]).snapshot()
    with pytest.raises(ValueError, match="cache_v"):
        RollingCache.restore(CONFIG, {**snapshot, "cache_v": snapshot["cache_v"][:1]}, pool)
    with pytest.raises(ValueError, match="at most 3 chunks"):
        RollingCache.restore(CONFIG, {"cache_k": torch.zeros(2, 99, 2, 16).numpy()}, pool)
    assert pool.num_free == PAGES


def test_a_parked_cache_holds_no_page_and_comes_back_the_same() -> None:
    pool = page_pool(CONFIG, 1, may_grow=False)
    cache = filled(pool, [1, 2, 3, 4])
    before = cache.snapshot()
    cache.park()
    cache.park()
    assert cache.is_parked
    assert pool.num_free == PAGES
    assert cache.num_bytes == PAGES * pool.shape.num_bytes
    filled(pool, [7, 8, 9]).close()  # somebody else's in between
    cache.wake()
    for name, value in cache.snapshot().items():
        assert (value == before[name]).all()
    cache.append(kept(5.0))
    assert cache.past()[0].k_BLNK[0, -1, 0, 0] == 5.0


def test_a_parked_cache_is_woken_by_whoever_reads_it_and_not_without_room() -> None:
    pool = page_pool(CONFIG, 1, may_grow=False)
    cache = filled(pool, [1.0, 2.0])
    cache.park()
    other = filled(pool, [7.0])
    with pytest.raises(PoolEmptyError):
        cache.past()
    assert cache.is_parked
    other.close()
    assert cache.past()[0].k_BLNK[0, 0, 0, 0] == 1.0
    assert not cache.is_parked


def test_a_snapshot_of_a_parked_cache_leaves_it_parked() -> None:
    pool = page_pool(CONFIG, 1, may_grow=False)
    cache = filled(pool, [1.0, 2.0])
    before = cache.snapshot()
    cache.park()
    for name, value in cache.snapshot().items():
        assert value.tolist() == before[name].tolist()
    assert cache.is_parked
    cache.close()
    assert pool.num_free == PAGES
