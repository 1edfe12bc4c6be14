"""Links that open one recording for a while, at whichever gateway."""

from __future__ import annotations

import pytest

from serving.export.tickets import LIFETIME_S, MAX_CHARS, Tickets

KEY = b"k" * 32


def test_a_ticket_opens_one_recording_at_every_gateway_that_has_the_key_until_its_time_is_over() -> None:
    here, there = Tickets(KEY), Tickets(KEY)
    ticket, expires_s = here.give("s-1", 100.0)
    assert expires_s == 100.0 + LIFETIME_S
    assert there.is_good(ticket, "s-1", 101.0)
    assert there.is_good(ticket, "s-1", 159.0), "a browser asks for a long film in ranges"
    assert not there.is_good(ticket, "s-1", 100.0 + LIFETIME_S)
    assert not there.is_good(ticket, "s-2", 101.0)


def test_another_installations_ticket_opens_nothing() -> None:
    ticket, _ = Tickets(b"x" * 32).give("s-1", 100.0)
    assert not Tickets(KEY).is_good(ticket, "s-1", 101.0)


def test_whoever_writes_a_later_end_into_a_ticket_has_none() -> None:
    tickets = Tickets(KEY)
    ticket, _ = tickets.give("s-1", 100.0)
    end, _, signature = ticket.partition(".")
    assert not tickets.is_good(f"{int(end) + 1}.{signature}", "s-1", 101.0)


NONE = ["", ".", "1.", "soon.x", "\u0663.x", "-5.x", f"9{'9' * MAX_CHARS}.x", "99999999999999.\u00e9"]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_ticket_opens_nothing(text: str) -> None:
    assert not Tickets(KEY).is_good(text, "s-1", 101.0)
