"""Bytes that others made, spoilt in any way: refused by name, or read. `guided.py` looks longer, and knows where."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import Parser, parsers
from tests.fuzz.tally import IS_LONG, NUM_EXAMPLES, Tally

PARSERS = parsers()
SPOILS_PER_EXAMPLE = 12


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_sound_is_read(name: str) -> None:
    assert all(PARSERS[name].accepts(seed) for seed in PARSERS[name].seeds)


@pytest.mark.parametrize("name", PARSERS)
def test_what_is_spoilt_is_read_or_refused(name: str, tally: Tally) -> None:
    parser = PARSERS[name]

    @settings(max_examples=SPOILS_PER_EXAMPLE * NUM_EXAMPLES, derandomize=not IS_LONG, database=None, deadline=None)
    @given(data=_spoilt(parser))
    def read(data: bytes) -> None:
        tally.parsed_by_name[name] += 1
        parser.accepts(data)

    read()


def _spoilt(parser: Parser) -> st.SearchStrategy[bytes]:
    """A sound one with a few stretches replaced, taken out, or said twice; or nothing like one."""
    stretch = st.tuples(st.floats(0, 1), st.integers(0, 24), st.one_of(st.binary(max_size=16), st.sampled_from(TOKENS)))
    return st.one_of(
        st.builds(_replaced, st.sampled_from(parser.seeds), st.lists(stretch, min_size=1, max_size=4)),
        st.builds(bytes.__add__, st.sampled_from(parser.seeds), st.binary(max_size=40)),
        st.binary(max_size=200),
    )


TOKENS = (b'"', b"[" * 300, b"{}", b"-1", b"1e999", b"null", b"NaN", b"9" * 30, b"\xff" * 8, b"\x00" * 8, b"../x")


def _replaced(seed: bytes, stretches: list[tuple[float, int, bytes]]) -> bytes:
    for where, length, by in stretches:
        at = round(where * len(seed))
        seed = seed[:at] + by + seed[at + length :]
    return seed
