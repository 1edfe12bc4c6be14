"""Columns of a turn: what an index over its end would give and take."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from model.camera import TURN_PX
from model.columns import Columns

TURN = torch.arange(3 * TURN_PX).view(3, TURN_PX)


@given(start=st.integers(-3 * TURN_PX, 3 * TURN_PX), width=st.integers(1, TURN_PX))
def test_columns_go_over_the_end_of_a_turn(start: int, width: int) -> None:
    index = (start + torch.arange(width)) % TURN_PX
    columns = Columns(start, width)
    assert torch.equal(columns.of(TURN), TURN[:, index])
    laid, expected = TURN.clone(), TURN.clone()
    columns.lay(-columns.of(TURN), laid)
    expected[:, index] = -TURN[:, index]
    assert torch.equal(laid, expected)
