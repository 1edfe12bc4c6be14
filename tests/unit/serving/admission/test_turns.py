from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from serving.admission.turns import Line, Queue, Ticket, serve

TENANTS = ("a", "b", "c")


def tickets(tenants: str, first_seq: int = 0) -> list[Ticket]:
    return [
        Ticket(place_id=f"{tenant}{seq}", tenant_id=tenant, seq=seq) for seq, tenant in enumerate(tenants, first_seq)
    ]


def queue(tenants: str, num_free: int | None, clock: float = 0.0, **lines: Line) -> Queue:
    default = {tenant: Line() for tenant in tenants}
    return Queue(waiting=tickets(tenants), lines=default | lines, num_free=num_free, clock=clock)


def test_tenants_take_turns_whoever_came_with_more() -> None:
    served = serve(queue("aaabab", num_free=4))
    assert served.admitted == ("a0", "b3", "a1", "b5")
    assert served.order == ("a2", "a4")


def test_who_weighs_twice_as_much_has_two_turns_of_three() -> None:
    served = serve(queue("aaaaaabbbbbb", num_free=6, a=Line(weight=2.0)))
    assert sorted(place_id[0] for place_id in served.admitted) == ["a"] * 4 + ["b"] * 2


def test_within_a_tenant_the_first_to_come_is_the_first() -> None:
    served = serve(Queue(waiting=list(reversed(tickets("aaaa"))), lines={"a": Line()}, num_free=2))
    assert served.admitted == ("a0", "a1")
    assert served.order == ("a2", "a3")


def test_whoever_was_away_comes_next_and_does_not_collect_the_turns_it_missed() -> None:
    served = serve(queue("bbaaa", num_free=3, clock=10.0, a=Line(turn=2.0), b=Line(turn=10.5)))
    assert served.admitted == ("a2", "b0", "a3")


def test_one_at_its_own_limit_lets_the_others_pass_and_keeps_its_place() -> None:
    served = serve(queue("aab", num_free=2, a=Line(num_held=3, max_held=4)))
    assert served.admitted == ("a0", "b2")
    assert served.order == ("a1",)
    assert served.held_back == {"a1"}


def test_where_nobody_knows_how_much_is_free_only_own_limits_hold_back() -> None:
    served = serve(queue("aab", num_free=None, a=Line(max_held=1)))
    assert served.admitted == ("a0", "b2")


def test_nothing_is_given_where_nothing_is_free() -> None:
    served = serve(queue("ab", num_free=0))
    assert served.admitted == ()
    assert served.order == ("a0", "b1")


lines = st.fixed_dictionaries(
    {
        tenant: st.builds(
            Line,
            turn=st.floats(0, 20),
            num_held=st.integers(0, 3),
            max_held=st.none() | st.integers(0, 5),
            weight=st.sampled_from((0.5, 1.0, 2.0, 4.0)),
        )
        for tenant in TENANTS
    }
)


@given(st.text("abc", max_size=20), lines, st.none() | st.integers(0, 8), st.floats(0, 20))
def test_no_place_is_given_twice_lost_or_made_up(
    waiting: str, lines: Mapping[str, Line], num_free: int | None, clock: float
) -> None:
    served = serve(Queue(waiting=tickets(waiting), lines=lines, num_free=num_free, clock=clock))
    everybody = {ticket.place_id: ticket for ticket in tickets(waiting)}
    assert sorted((*served.admitted, *served.order)) == sorted(everybody)
    assert num_free is None or len(served.admitted) <= num_free
    assert served.clock >= clock
    for tenant, line in lines.items():
        mine = [everybody[place_id].seq for place_id in served.admitted if place_id[0] == tenant]
        rest = [everybody[place_id].seq for place_id in served.order if place_id[0] == tenant]
        assert mine == sorted(mine)
        assert not (mine and rest) or max(mine) < min(rest)
        assert line.max_held is None or not mine or line.num_held + len(mine) <= line.max_held
    if num_free is not None and len(served.admitted) < num_free:
        assert set(served.order) == served.held_back, "a free place is given to whoever may have it"
