"""The states of a session at its gateway, and the only ways between them."""

from __future__ import annotations

import enum


class State(enum.Enum):
    READY = "READY"  # no client has attached yet
    RUNNING = "RUNNING"
    DETACHED = "DETACHED"  # waits for a client for the grace time
    PARKED = "PARKED"  # kept, and over for this gateway until somebody comes back
    ENDED = "ENDED"


ALLOWED_TRANSITIONS: dict[State, frozenset[State]] = {
    State.READY: frozenset({State.RUNNING, State.PARKED, State.ENDED}),
    State.RUNNING: frozenset({State.DETACHED, State.PARKED, State.ENDED}),
    State.DETACHED: frozenset({State.RUNNING, State.PARKED, State.ENDED}),
    State.PARKED: frozenset(),
    State.ENDED: frozenset(),
}


class StateError(Exception):
    """A transition that the table does not have: a defect of ours."""

    def __init__(self, session_id: str, state: State, wanted: State) -> None:
        allowed = ", ".join(sorted(each.value for each in ALLOWED_TRANSITIONS[state])) or "none"
        super().__init__(f"session {session_id} is {state.value} and cannot become {wanted.value}; allowed: {allowed}")


def entered(session_id: str, state: State, wanted: State) -> State:
    """The state after the transition. Raises StateError."""
    if wanted not in ALLOWED_TRANSITIONS[state]:
        raise StateError(session_id, state, wanted)
    return wanted
