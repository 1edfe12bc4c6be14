"""Controls between two workers: told once, sent again where nobody has them."""

from __future__ import annotations

from serving.catalogue.waiting import WaitingControls
from serving.sessions.contract import Accepted, Applied, Control, Directive, Outcome, Rejected, Superseded
from serving.sessions.encoded import EncodedControl, EncodedDirective
from serving.sessions.journal import JournalEntry
from tests.fakes import fake_info

INFO = fake_info(frames_per_chunk=2)


def waiting(*control_ids: str) -> WaitingControls:
    controls = WaitingControls()
    for control_id in control_ids:
        controls.add(Control(control_id=control_id, kind=Directive(text="it rains"), received_s=0.0))
    assert [each.control_id for each in controls.take_unsent()] == list(control_ids)
    return controls


def entry(control_id: str, **fate: object) -> JournalEntry:
    kind = EncodedDirective(text="it rains", tensors={})
    return JournalEntry(control=EncodedControl(control_id=control_id, kind=kind, received_s=0.0), **fate)  # type: ignore[arg-type]


def test_an_acceptance_is_told_once_and_a_terminal_outcome_ends_the_waiting() -> None:
    controls = waiting("a")
    events: list[Outcome] = [Accepted(control_id="a"), Accepted(control_id="a", durable=False)]
    assert [controls.is_news(event) for event in events] == [True, False]
    assert controls.is_news(Superseded(control_id="a", by_control_id="b"))
    assert not controls.controls


def test_an_outcome_of_a_control_that_came_by_another_gateway_is_news() -> None:
    assert waiting().is_news(Accepted(control_id="z"))


def test_p01_what_is_on_record_is_told_and_what_is_not_is_sent_again() -> None:
    controls = waiting("applied", "replaced", "refused", "waits", "unknown")
    controls.is_news(Accepted(control_id="waits"))
    on_record = {
        "applied": entry("applied", applied_chunk_idx=3),
        "replaced": entry("replaced", superseded_by="applied"),
        "refused": entry("refused", rejected_for="SESSION_ENDED"),
        "waits": entry("waits"),
    }
    told = controls.take_up(on_record, INFO)
    assert [type(outcome) for outcome in told] == [Accepted, Applied, Superseded, Rejected]
    assert told[1] == Applied(control_id="applied", chunk_idx=3, frame_idx=6, world_time_s=3 * INFO.chunk_duration_s)
    assert [each.control_id for each in controls.take_unsent()] == ["unknown"]
    assert list(controls.controls) == ["waits", "unknown"]


def test_going_back_rejects_all_that_waits_and_forgets_it() -> None:
    controls = waiting("a", "b")
    assert [(each.control_id, each.reason) for each in controls.reject_all()] == [("a", "REWOUND"), ("b", "REWOUND")]
    assert not controls.controls
    assert not controls.take_unsent()
