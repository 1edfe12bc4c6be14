"""What is counted against what a small session really takes, and against figures worked out by hand."""

from __future__ import annotations

import pytest
import torch

from model.adapters.codecs.accounting import KINDS, decoder_cost, published_costs
from model.adapters.codecs.features import Features

BY_NAME = {kind.name: kind for kind in KINDS}


def test_a_tiny_decoders_session_keeps_one_frame_for_each_of_nine_blocks() -> None:
    cost = decoder_cost(BY_NAME["taew2_1"], 640, 352, torch.bfloat16)
    rows, columns = 44, 80
    kept = 3 * 256 * rows * columns + 3 * 128 * 4 * rows * columns + 3 * 64 * 16 * rows * columns
    assert cost.session_bytes == 2 * kept
    assert cost.snapshot_bytes == cost.latents_remembered * 16 * rows * columns * 4
    assert cost.latents_remembered == 8


def test_wans_session_keeps_two_frames_for_each_of_its_convolutions() -> None:
    cost = decoder_cost(BY_NAME["wan2.1-vae"], 832, 480, torch.bfloat16)
    cells = 60 * 104
    channels_by_area = {
        1: 16 + 4 * 384 + 6 * 384 + 384,  # into the network, the middle, the first level and its doubling
        4: 192 + 5 * 384 + 384,
        16: 6 * 192,
        64: 6 * 96 + 96,  # the last level, and out of the network
    }
    assert cost.session_bytes == 2 * 2 * cells * sum(area * number for area, number in channels_by_area.items())
    assert cost.latents_remembered == 38
    assert cost.num_parameters == 73_295_603


def test_what_is_counted_is_what_a_session_takes() -> None:
    kind = BY_NAME["taew2_1"]
    network = kind.build()
    features = Features()
    with torch.inference_mode():
        network.decode(torch.zeros(1, 16, 2, 1, 1), features)
    cost = decoder_cost(kind, 8, 8, torch.float32)
    assert features.num_bytes == cost.session_bytes


def test_operations_grow_with_the_picture_and_every_published_size_is_counted() -> None:
    costs = {(cost.name, cost.width_px): cost for cost in published_costs()}
    assert len(costs) == 8
    small, large = costs["taew2_1", 640], costs["taew2_1", 832]
    assert large.operations_per_latent / small.operations_per_latent == pytest.approx(832 * 480 / (640 * 352))
    assert costs["wan2.1-vae", 832].operations_per_latent > 20 * large.operations_per_latent
    assert costs["wan2.2-vae", 1280].session_bytes > costs["wan2.1-vae", 832].session_bytes > 1 << 30


def test_a_picture_that_does_not_come_out_even_is_refused() -> None:
    with pytest.raises(ValueError, match="500x480 is no multiple of 16"):
        decoder_cost(BY_NAME["wan2.2-vae"], 500, 480, torch.float32)
