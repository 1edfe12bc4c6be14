from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import InvalidFieldError, NotInControlError
from serving.gateway.handover import Ask, Baton

AFTER_S = 10.0


def test_the_first_who_comes_has_it_and_others_wait() -> None:
    nobody: Baton[str] = Baton()
    baton = nobody.entered("ann").entered("bob")
    assert baton.holder == "ann"
    with pytest.raises(NotInControlError):
        baton.given("bob", "bob")


def test_whoever_asked_first_is_given_control() -> None:
    baton = Baton("ann").asked("bob", 1.0).asked("cid", 2.0).asked("bob", 3.0)
    assert baton.asks == (Ask("bob", 1.0), Ask("cid", 2.0))
    assert baton.given("ann", None) == Baton("bob", (Ask("cid", 2.0),))
    assert baton.given("ann", "cid") == Baton("cid", (Ask("bob", 1.0),))
    with pytest.raises(InvalidFieldError):
        Baton("ann").given("ann", None)


def test_control_can_be_taken_after_a_time_and_not_before() -> None:
    baton = Baton("ann").asked("bob", 1.0)
    with pytest.raises(NotInControlError) as early:
        baton.taken("bob", 1.0 + AFTER_S / 2, AFTER_S)
    assert early.value.retry_after_s == AFTER_S / 2
    with pytest.raises(NotInControlError, match="ask for control first"):
        baton.taken("cid", 99.0, AFTER_S)
    assert baton.taken("bob", 1.0 + AFTER_S, AFTER_S) == Baton("bob")


def test_control_passes_on_when_its_holder_leaves() -> None:
    baton = Baton("ann").asked("cid", 1.0)
    assert baton.left("ann", ("bob", "cid")).holder == "cid", "who asked comes before who is there longer"
    assert baton.left("cid", ("ann", "bob")) == Baton("ann")
    assert Baton("ann").left("ann", ("bob", "cid")) == Baton("bob")
    assert Baton("ann").left("ann", ()) == Baton()


@given(st.lists(st.tuples(st.sampled_from(["enter", "leave", "ask", "give", "take"]), st.integers(0, 3))))
def test_p_03_one_of_those_present_has_control_whatever_happens(events: list[tuple[str, int]]) -> None:
    present: list[int] = []
    baton: Baton[int] = Baton()
    for now_s, (what, who) in enumerate(events):
        if what == "enter" and who not in present:
            present.append(who)
            baton = baton.entered(who)
        elif what == "leave" and who in present:
            present.remove(who)
            baton = baton.left(who, tuple(present))
        elif who in present:
            try:
                match what:
                    case "ask":
                        baton = baton.asked(who, now_s)
                    case "give":
                        baton = baton.given(who, None)
                    case "take":
                        baton = baton.taken(who, now_s, 3.0)
                    case _:
                        pass
            except (NotInControlError, InvalidFieldError):
                pass
        assert (baton.holder in present) == bool(present)
        assert baton.holder not in [ask.who for ask in baton.asks]
        assert {ask.who for ask in baton.asks} <= set(present)
