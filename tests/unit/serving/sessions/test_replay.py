from __future__ import annotations

from itertools import islice

import numpy as np

from model.interface import ChunkControls
from serving.sessions.contract import Look, Move
from serving.sessions.encoded import EncodedControl, EncodedDirective, EncodedImage, EncodedKind
from serving.sessions.journal import JournalEntry
from serving.sessions.replay import controls_by_chunk


def entry(kind: EncodedKind, chunk_idx: int | None) -> JournalEntry:
    control = EncodedControl(control_id="x", kind=kind, received_s=0.0)
    return JournalEntry(control=control, applied_chunk_idx=chunk_idx)


def controls(entries: list[JournalEntry], num_chunks: int) -> list[ChunkControls]:
    return list(islice(controls_by_chunk(entries), num_chunks))


def test_axes_hold_from_the_chunk_they_took_effect_at() -> None:
    entries = [entry(Move(forward=1.0, strafe=0.5), 1), entry(Look(yaw=-1.0, pitch=0.0), 2)]
    made = controls(entries, 4)
    assert [each.forward for each in made] == [0.0, 1.0, 1.0, 1.0]
    assert [each.yaw for each in made] == [0.0, 0.0, -1.0, -1.0]


def test_instructions_belong_to_their_chunk_alone_and_keep_their_order() -> None:
    one, two = {"text": np.zeros(1)}, {"text": np.ones(1)}
    entries = [
        entry(EncodedDirective(text="one", tensors=one), 1),
        entry(EncodedDirective(text="two", tensors=two), 1),
        entry(EncodedImage(tensors={"image": np.ones(2)}), 2),
    ]
    made = controls(entries, 4)
    assert [each is mine for each, mine in zip(made[1].directives, (one, two), strict=True)] == [True, True]
    assert [len(each.directives) for each in made] == [0, 2, 0, 0]
    assert [each.image is not None for each in made] == [False, False, True, False]


def test_what_never_took_effect_is_left_out() -> None:
    assert controls([entry(Move(forward=1.0, strafe=0.0), None)], 2) == [ChunkControls(), ChunkControls()]
