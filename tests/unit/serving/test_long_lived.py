from __future__ import annotations

import gc
import sys
import weakref

from serving.long_lived import SWITCH_INTERVAL_S, loaded


class Knot:
    """Refers to itself: only the collector finds it."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_loaded_is_not_looked_at_while_it_serves_and_is_let_go_of_after() -> None:
    garbage, kept = Knot(), Knot()
    is_garbage, is_kept = weakref.ref(garbage), weakref.ref(kept)
    del garbage
    with loaded():
        assert is_garbage() is None, "what was garbage by then is gone"
        assert gc.get_freeze_count() > 0
        del kept
        gc.collect()
        assert is_kept() is not None
    gc.collect()
    assert is_kept() is None


def test_threads_wait_less_for_each_other_while_it_serves() -> None:
    before_s = sys.getswitchinterval()
    with loaded():
        assert abs(sys.getswitchinterval() - SWITCH_INTERVAL_S) < 1e-6
    assert sys.getswitchinterval() == before_s
    assert before_s > SWITCH_INTERVAL_S
