"""What the actor networks learned, against the training world they learned it from."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from model.actors.appearance import AppearanceNetwork
from model.actors.looks import KINDS, MAIN
from model.actors.motion import MotionNetwork
from model.actors.networks import PEARL_XS, load_networks, save_networks
from model.training.actors import SpritePool, Trainer, measure
from model.training.actors_motion import measure_motion
from model.training.actors_samples import random_figures
from model.world.actors import draw
from tests.unit.model.actors.scenes import networks


def test_pictures_are_like_the_true_figures_and_an_untrained_network_is_not() -> None:
    torch.manual_seed(0)
    shipped, untrained = measure(networks().appearance, 80), measure(AppearanceNetwork(PEARL_XS.appearance), 80)
    assert shipped["outline_overlap"] > 0.86
    assert shipped["colour_db"] > 22
    assert untrained["outline_overlap"] < 0.4


def test_walks_are_like_the_true_walks_and_an_untrained_network_is_not() -> None:
    torch.manual_seed(0)
    assert measure_motion(networks().motion)["off_after_2_s_m"] < 0.25
    assert measure_motion(MotionNetwork(PEARL_XS.motion))["off_after_2_s_m"] > 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_true_figures_are_bounded_pictures_that_stand_on_their_feet(kind: str) -> None:
    sprites = draw(kind, random_figures(kind, 6, torch.Generator().manual_seed(1)))
    for plane in (sprites.rgb_B3HW, sprites.cover_BHW, sprites.glow_BHW):
        assert plane.min() >= 0
        assert plane.max() <= 1
    assert (sprites.cover_BHW.mean((1, 2)) > 0.02).all()
    assert (sprites.cover_BHW[:, :2] < 0.5).all() or kind in ("lamp", "person")
    if kind != "bird":  # it may be in the air
        assert (sprites.cover_BHW[:, -8:].amax((1, 2)) > 0.5).all()


def test_a_figure_seen_from_the_other_side_faces_the_other_way() -> None:
    figure = random_figures("car", 1, torch.Generator().manual_seed(2))
    right = draw("car", figure._replace(view_B=torch.tensor([math.pi / 2]))).glow_BHW[0]
    left = draw("car", figure._replace(view_B=torch.tensor([-math.pi / 2]))).glow_BHW[0]
    half = right.shape[1] // 2
    assert right[:, half:].sum() > right[:, :half].sum()
    assert left[:, half:].sum() < left[:, :half].sum()


def test_another_colour_changes_the_colour_alone() -> None:
    figure = random_figures("umbrella", 1, torch.Generator().manual_seed(3))
    blue = figure.look_BN.clone()
    blue[:, MAIN] = torch.tensor([0.2, 0.3, 0.9])
    one, two = draw("umbrella", figure), draw("umbrella", figure._replace(look_BN=blue))
    torch.testing.assert_close(one.cover_BHW, two.cover_BHW)
    assert (one.rgb_B3HW - two.rgb_B3HW).abs().max() > 0.3


def test_training_starts_from_a_seed_and_learns() -> None:
    pool = SpritePool(1)
    pool.draw(24)
    batch = pool.take(24)
    losses = [[trainer.learn(batch, 0.0) for _ in range(6)] for trainer in (Trainer(1), Trainer(1))]
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0]


def test_a_pool_is_renewed_and_does_not_grow() -> None:
    pool = SpritePool(1)
    pool.draw(12)
    before, count = pool.take(200).truth.rgb_B3HW.sum(), len(pool)
    pool.renew(8)
    assert len(pool) == count
    assert pool.take(200).truth.rgb_B3HW.sum() != before


def test_stored_networks_are_the_same(tmp_path: Path) -> None:
    save_networks(networks(), tmp_path / "actors.safetensors")
    again = load_networks(tmp_path / "actors.safetensors")
    for ours, theirs in zip(networks(), again, strict=True):
        for one, two in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=0)
