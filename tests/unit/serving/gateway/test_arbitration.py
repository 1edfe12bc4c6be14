from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.gateway.arbitration import Held, Policy, rule
from serving.sessions.contract import Look, Move

STILL = Move(forward=0.0, strafe=0.0)
axes = st.floats(-1.0, 1.0).map(lambda value: round(value, 3))
moves = st.builds(Move, forward=axes, strafe=axes)


def held(control_id: str, forward: float, strafe: float = 0.0, since_s: float = 0.0) -> Held[Move]:
    return Held(control_id=control_id, value=Move(forward=forward, strafe=strafe), since_s=since_s)


@st.composite
def crowds(draw: st.DrawFn) -> list[Held[Move]]:
    values = draw(st.lists(st.tuples(moves, st.integers(0, 5), st.booleans()), max_size=6))
    return [
        Held(control_id=f"c{idx}", value=value, since_s=float(since), is_director=is_director)
        for idx, (value, since, is_director) in enumerate(values)
    ]


@given(crowds(), st.sampled_from(Policy))
def test_p_03_axes_stay_in_range_and_nobody_holding_is_forgotten(crowd: list[Held[Move]], policy: Policy) -> None:
    ruling = rule(policy, crowd, STILL)
    assert -1.0 <= ruling.value.forward <= 1.0
    assert -1.0 <= ruling.value.strafe <= 1.0
    assert ruling.in_force <= {each.control_id for each in crowd}
    assert {each.control_id for each in crowd if each.is_idle} <= ruling.in_force, "nobody loses by holding nothing"
    if policy is not Policy.SINGLE:  # whose latest may hold nothing
        assert (ruling.leading == "") == all(each.is_idle for each in crowd)


@given(crowds(), st.sampled_from(Policy), st.randoms())
def test_the_ruling_does_not_depend_on_the_order_in_which_it_is_told(
    crowd: list[Held[Move]], policy: Policy, random: Random
) -> None:
    shuffled = random.sample(crowd, len(crowd))
    assert rule(policy, shuffled, STILL) == rule(policy, crowd, STILL)


@given(crowds(), st.sampled_from(Policy))
def test_letting_go_of_everything_leaves_nothing_held(crowd: list[Held[Move]], policy: Policy) -> None:
    idle = [replace(each, value=STILL) for each in crowd]
    assert rule(policy, idle, STILL).value == rule(policy, [], STILL).value == STILL


@given(crowds())
def test_merged_axes_are_the_clamped_sum(crowd: list[Held[Move]]) -> None:
    ruling = rule(Policy.MERGE, crowd, STILL)
    assert ruling.value.forward == pytest.approx(max(-1, min(1, sum(each.value.forward for each in crowd))))
    assert ruling.in_force == {each.control_id for each in crowd}


@given(crowds())
def test_a_director_who_holds_something_outweighs_all_players(crowd: list[Held[Move]]) -> None:
    directors = [each for each in crowd if each.is_director and not each.is_idle]
    ruling = rule(Policy.DIRECTOR, crowd, STILL)
    assert ruling.value == rule(Policy.MERGE, directors or crowd, STILL).value
    players = {each.control_id for each in crowd if not each.is_director and not each.is_idle}
    assert players & ruling.in_force == (set() if directors else players)


@given(crowds())
def test_the_vote_goes_to_one_axis_that_no_other_has_more_voters_for(crowd: list[Held[Move]]) -> None:
    value = rule(Policy.VOTE, crowd, STILL).value
    assert 0.0 in (value.forward, value.strafe)


def test_of_as_many_votes_the_earliest_wins_in_any_order() -> None:
    crowd = [
        held("ahead", 1.0, since_s=2.0),
        held("left", 0.0, -1.0, since_s=1.0),
        held("right", 0.0, 1.0, since_s=3.0),
        held("also left", 0.2, -0.5, since_s=4.0),
        held("also ahead", 0.7, since_s=5.0),
    ]
    for order in permutations(crowd):
        ruling = rule(Policy.VOTE, order, STILL)
        assert (ruling.value, ruling.leading) == (Move(forward=0.0, strafe=-1.0), "left")
        assert ruling.in_force == {"left", "also left"}


def test_looks_are_settled_as_moves_are() -> None:
    idle = Look(yaw=0.0, pitch=0.0)
    looks = [Held(control_id=name, value=Look(yaw=0.75, pitch=0.1), since_s=0.0) for name in "ab"]
    assert rule(Policy.MERGE, looks, idle).value == Look(yaw=1.0, pitch=0.2)
    assert rule(Policy.SINGLE, looks, idle).value == Look(yaw=0.75, pitch=0.1)
