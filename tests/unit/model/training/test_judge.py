"""The judge of directives: right about the video decoder's frames, and able to say no."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

from model.precipitation import FALL_PX, FLAKES, PATTERNS
from model.presets import load
from model.training.judge import judge_loss, sample_moments, two_noises
from model.training.judge_network import JUDGED_SLOTS, Judge
from model.video_decoder import PearlVideoDecoder
from model.world.conditions import NUM_VALUES, SLOT_RANGES, SLOTS, conditions_of
from tests.unit.model.world_views import view_of


@cache
def judge() -> Judge:
    torch.set_num_threads(1)
    return Judge.load()


@cache
def decoder() -> PearlVideoDecoder:
    return load("pearl-xs").load_video_decoder()


@cache
def place_maps(place: str) -> np.ndarray:
    return (view_of(place)[0] * 255).round().to(torch.uint8).numpy()


def frames(place: str, **choices: str) -> np.ndarray:
    """Three frames of one moment."""
    state = decoder().open(5)
    video = {
        "maps": place_maps(place),
        "conditions": conditions_of(place=place, **choices),
        "first_row": np.array([16], np.int32),
        "turn_px": np.array([0, 0], np.int32),
    }
    return np.concatenate([decoder().decode(state, video) for _ in range(3)])


def chosen(frames_FHWC: np.ndarray) -> dict[str, str]:
    """The likeliest value of each judged slot."""
    return {slot: SLOTS[slot][int(shares.argmax())] for slot, shares in judge().read(frames_FHWC).items()}


CHOICES = [(slot, value) for slot in JUDGED_SLOTS for value in SLOTS[slot]]


@pytest.mark.parametrize(("slot", "value"), CHOICES)
def test_a_judge_reads_what_the_decoder_was_told(slot: str, value: str) -> None:
    places = ("street", "meadow", "city")
    assert sum(chosen(frames(place, **{slot: value}))[slot] == value for place in places) >= 2


def test_a_judge_is_not_swayed_by_the_wish() -> None:
    plain = chosen(frames("street"))
    assert plain == {"style": "paper", "lighting": "day", "weather": "clear"}


def test_probabilities_sum_to_one_over_any_number_of_frames() -> None:
    for read in (judge().read(frames("meadow")), judge().read(frames("meadow")[:2])):
        assert {slot: len(shares) for slot, shares in read.items()} == {s: len(SLOTS[s]) for s in JUDGED_SLOTS}
        assert all(abs(shares.sum() - 1) < 1e-4 for shares in read.values())


def test_one_frame_alone_tells_a_judge_too_little() -> None:
    with pytest.raises(ValueError, match="two frames"):
        judge().read(frames("meadow")[:1])


def test_between_two_frames_to_learn_from_flakes_fall_and_patterns_stay() -> None:
    torch.manual_seed(2)
    first, second = two_noises(3)
    assert torch.equal(first[:, PATTERNS], second[:, PATTERNS])
    fallen = first[:, FLAKES, :-FALL_PX, 4:-4]
    overlap = torch.stack(
        [(second[:, FLAKES, FALL_PX:].roll(shift, 2)[..., 4:-4] * fallen).sum() for shift in (-1, 0, 1)]
    )
    assert overlap.max() > 0.3 * fallen.sum()
    assert (second[:, FLAKES] * first[:, FLAKES]).sum() < overlap.max()


def test_moments_to_learn_from_are_each_mostly_one_thing() -> None:
    torch.manual_seed(1)
    moments = sample_moments(64)
    assert moments.shape == (64, NUM_VALUES)
    torch.testing.assert_close(moments.sum(1), torch.full((64,), float(len(SLOTS))))
    assert moments.amax(1).min() >= 0.8


def test_the_loss_falls_when_the_logits_say_what_is_shown() -> None:
    moments = sample_moments(16)
    shown = torch.cat([moments[:, SLOT_RANGES[slot]] for slot in JUDGED_SLOTS], 1)
    assert judge_loss(9 * shown, moments) < 0.2 * judge_loss(torch.zeros_like(shown), moments)
