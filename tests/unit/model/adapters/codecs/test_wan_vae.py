"""Wan's autoencoder, streamed: as diffusers computes it whole, and the same bit for bit however it is cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from safetensors.torch import load_file, save_file
from torch.utils.flop_counter import FlopCounterMode

from model.adapters.checkpoint import CheckpointError
from model.adapters.codecs.features import Features
from model.adapters.codecs.latent_encoder import WanLatentEncoder
from model.adapters.codecs.wan_vae import open_wan_vae
from model.adapters.codecs.wan_vae_config import WAN_2_1_VAE, WAN_2_2_VAE, WanVaeConfig
from model.adapters.codecs.wan_vae_names import Side, public_names
from model.adapters.codecs.wan_vae_networks import WanVaeDecoder, WanVaeEncoder
from model.adapters.interface import LATENTS
from tests.unit.model.adapters.codecs.wan_vaes import CPU, SMALL, SmallVae, latents, small_vae

# What half precision may differ by, of a picture from 0 to 1: measured 0.094 at most on these wild weights.
BF16_TOLERANCE, BF16_MEAN_TOLERANCE = 0.15, 0.015


@pytest.fixture(scope="module", params=list(SMALL))
def vae(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SmallVae:
    return small_vae(request.param, tmp_path_factory.mktemp("vae") / "vae")


@pytest.fixture(scope="module")
def decoder(vae: SmallVae) -> WanVaeDecoder:
    return vae.opened.load_decoder(torch.float64, CPU)


def decoded(decoder: WanVaeDecoder, whole: torch.Tensor, cuts: list[int]) -> torch.Tensor:
    features = Features()
    with torch.inference_mode():
        return torch.cat([decoder.decode(chunk, features) for chunk in whole.split(cuts, 2)], 2)


@pytest.mark.parametrize("cuts", [[1, 1, 1, 1, 1, 1], [3, 3], [1, 5], [6]])
def test_chunk_after_chunk_is_what_diffusers_decodes_at_once(
    vae: SmallVae, decoder: WanVaeDecoder, cuts: list[int]
) -> None:
    whole = latents(6)
    theirs = vae.decoded_by_theirs(whole)
    ours = decoded(decoder, whole, cuts)
    assert ours.shape == theirs.shape == (1, 3, 21, 2 * vae.config.pixels_per_latent, 3 * vae.config.pixels_per_latent)
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-9)
    assert theirs.std() > 0.1  # of pictures that are all alike it would say little


def test_single_precision_is_close_and_half_precision_within_its_tolerance(vae: SmallVae) -> None:
    whole = latents(5)
    exact = vae.decoded_by_theirs(whole)
    single = decoded(vae.opened.load_decoder(torch.float32, CPU), whole.float(), [2, 3])
    assert (single.double() - exact).abs().max() < 5e-5
    half = decoded(vae.opened.load_decoder(torch.bfloat16, CPU), whole.float(), [2, 3])
    assert (half.double() - exact).abs().max() < BF16_TOLERANCE
    assert (half.double() - exact).abs().mean() < BF16_MEAN_TOLERANCE


@pytest.mark.parametrize("num_latents", [1, 5])
def test_pictures_are_encoded_as_diffusers_does(vae: SmallVae, num_latents: int) -> None:
    size = vae.config.pixels_per_latent
    generator = torch.Generator().manual_seed(3)
    pictures = torch.rand(2, 3, 4 * num_latents - 3, 2 * size, 3 * size, generator=generator, dtype=torch.float64)
    encoder, features = vae.opened.load_encoder(torch.float64, CPU), Features()
    with torch.inference_mode():
        first = encoder.encode(pictures[:, :, :1], features)
        rest = [encoder.encode(frames, features) for frames in pictures[:, :, 1:].split(8, 2) if frames.shape[2]]
    theirs = vae.encoded_by_theirs(pictures)
    assert torch.allclose(torch.cat([first, *rest], 2), theirs, rtol=0, atol=1e-9)
    assert theirs.std() > 0.1


def test_frames_that_come_out_uneven_are_refused(vae: SmallVae) -> None:
    size = vae.config.pixels_per_latent
    encoder = vae.opened.load_encoder(torch.float64, CPU)
    with pytest.raises(ValueError, match="3 frames are not 1 and a multiple of 4"):
        encoder.encode(torch.zeros(1, 3, 3, size, size, dtype=torch.float64), Features())


def test_a_picture_to_start_from_is_encoded_with_grey_after_it_until_nothing_changes(vae: SmallVae) -> None:
    size = vae.config.pixels_per_latent
    picture = np.random.default_rng(1).integers(0, 256, (2 * size, 2 * size, 3), np.uint8)
    network = vae.opened.load_encoder(torch.float64, CPU)
    steady = network.latents_until_steady
    num_latents = steady + 4
    ours = WanLatentEncoder(network).encode(picture, num_latents)[LATENTS]
    video = torch.zeros(1, 3, 4 * num_latents - 3, 2 * size, 2 * size, dtype=torch.float64)
    video[0, :, 0] = torch.from_numpy(picture).permute(2, 0, 1).double() / 127.5 - 1
    theirs = vae.encoded_by_theirs(video)[0].transpose(0, 1).numpy()
    assert ours.shape == (num_latents, 4, 2, 2)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    assert np.ptp(theirs[steady:], axis=0).max() == 0
    assert np.abs(theirs[steady - 1] - theirs[steady]).max() > 0  # not a latent too many is computed
    np.testing.assert_array_equal(WanLatentEncoder(network).encode(picture)[LATENTS], ours[:1])


@pytest.mark.parametrize(
    "image", [np.zeros((16, 17, 3), np.uint8), np.zeros((16, 16), np.uint8), np.zeros((16, 16, 3), np.float32)]
)
def test_a_picture_that_is_none_of_the_models_is_refused(vae: SmallVae, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="multiple of|8-bit RGB"):
        WanLatentEncoder(vae.opened.load_encoder(torch.float32, CPU)).encode(image)


@pytest.mark.parametrize(
    ("config", "fields", "num_parameters"),
    [
        (WAN_2_1_VAE, {}, 126_892_531),
        (
            WAN_2_2_VAE,
            {
                "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "is_residual": True, "in_channels": 12,
                "out_channels": 12, "patch_size": 2, "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48,
            },
            704_688_668,
        ),
    ],
)  # fmt: skip
def test_the_published_sizes_have_the_published_tensors(
    config: WanVaeConfig, fields: dict[str, Any], num_parameters: int
) -> None:
    with torch.device("meta"):
        theirs = AutoencoderKLWan(**fields).state_dict()
        networks: dict[Side, torch.nn.Module] = {"encoder": WanVaeEncoder(config), "decoder": WanVaeDecoder(config)}
    ours = {
        public_names([name], side, config, "diffusers")[name]: tensor.shape
        for side, network in networks.items()
        for name, tensor in network.state_dict().items()
    }
    assert ours == {name: tensor.shape for name, tensor in theirs.items()}
    assert sum(shape.numel() for shape in ours.values()) == num_parameters


def test_levels_that_work_on_more_frames_remember_fewer_latents() -> None:
    with torch.device("meta"):
        decoder = WanVaeDecoder(WAN_2_1_VAE)
    assert decoder.latents_remembered == 38
    assert decoder.latents_of_levels == (28, 14, 7, 4)  # 6 convolutions of 2 frames each a level, and a doubling


def test_going_on_from_a_snapshot_takes_a_fourth_of_decoding_it_again() -> None:
    with torch.device("meta"):
        decoder = WanVaeDecoder(WAN_2_1_VAE)
    latent, ends = torch.empty(1, 16, 1, 6, 10, device="meta"), (*decoder.latents_of_levels[::-1], 38)
    operations, num_after = 0, 0
    for end in ends:
        with FlopCounterMode(display=False) as counter:
            decoder.replay(latent, Features(num_steps=1), num_after)
        operations += (end - num_after) * counter.get_total_flops()
        num_after = end
    with FlopCounterMode(display=False) as counter:
        decoder.decode(latent, Features(num_steps=1))
    assert operations < 38 * counter.get_total_flops() / 4


# Names of the published files, with what the networks of Wan-AI's repositories make of them.
ORIGINAL_NAMES: dict[str, list[tuple[Side, str, str]]] = {
    "wan 2.1": [
        ("encoder", "levels.0.resample.conv.weight", "encoder.downsamples.2.resample.1.weight"),
        ("encoder", "levels.1.resample.time_conv.bias", "encoder.downsamples.5.time_conv.bias"),
        ("encoder", "levels.3.blocks.1.conv2.weight", "encoder.downsamples.10.residual.6.weight"),
        ("encoder", "middle.attention.to_qkv.weight", "encoder.middle.1.to_qkv.weight"),
        ("encoder", "quant.weight", "conv1.weight"),
        ("decoder", "post_quant.bias", "conv2.bias"),
        ("decoder", "conv_in.weight", "decoder.conv1.weight"),
        ("decoder", "middle.second.norm2.gamma", "decoder.middle.2.residual.3.gamma"),
        ("decoder", "levels.0.resample.time_conv.weight", "decoder.upsamples.3.time_conv.weight"),
        ("decoder", "levels.1.blocks.0.shortcut.weight", "decoder.upsamples.4.shortcut.weight"),
        ("decoder", "levels.2.resample.conv.bias", "decoder.upsamples.11.resample.1.bias"),
        ("decoder", "levels.3.blocks.2.norm1.gamma", "decoder.upsamples.14.residual.0.gamma"),
        ("decoder", "norm_out.gamma", "decoder.head.0.gamma"),
        ("decoder", "conv_out.weight", "decoder.head.2.weight"),
    ],
    "wan 2.2": [
        ("encoder", "levels.1.blocks.0.shortcut.bias", "encoder.downsamples.1.downsamples.0.shortcut.bias"),
        ("encoder", "levels.2.resample.time_conv.weight", "encoder.downsamples.2.downsamples.2.time_conv.weight"),
        ("decoder", "levels.0.resample.conv.weight", "decoder.upsamples.0.upsamples.3.resample.1.weight"),
        ("decoder", "levels.3.blocks.0.conv1.bias", "decoder.upsamples.3.upsamples.0.residual.2.bias"),
    ],
}


@pytest.mark.parametrize(("version", "names"), ORIGINAL_NAMES.items())
def test_the_original_files_names_are_known(version: str, names: list[tuple[Side, str, str]]) -> None:
    config = WAN_2_1_VAE if version == "wan 2.1" else WAN_2_2_VAE
    for side, ours, public in names:
        assert public_names([ours], side, config, "original") == {ours: public}


@pytest.mark.parametrize(
    "fields",
    [
        {"_class_name": "AutoencoderKL"},
        {"attn_scales": [1.0]},
        {"z_dim": None},
        {"latents_std": [0.0] * 16},
        {"base_dim": 1 << 40},
        {"base_dim": float("inf")},
        {"num_res_blocks": -1},
        {"dim_mult": [1] * 30},
        {"temperal_downsample": [True]},
    ],
)
def test_a_config_of_something_else_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="AutoencoderKL|attn_scales|malformed|spread|size|levels|step down"):
        WanVaeConfig.from_diffusers(fields)


def original_file(vae: SmallVae, file: Path) -> None:
    """The same weights under the names that Wan-AI gives them."""
    held: dict[str, torch.Tensor] = {}
    networks: dict[Side, torch.nn.Module] = {
        "decoder": vae.opened.load_decoder(torch.float64, CPU),
        "encoder": vae.opened.load_encoder(torch.float64, CPU),
    }
    for side, network in networks.items():
        state = network.state_dict()
        names = public_names(state, side, vae.config, "original")
        held |= {names[name]: tensor for name, tensor in state.items()}
    torch.save(held, file)


def test_original_files_are_read_too(vae: SmallVae, decoder: WanVaeDecoder, tmp_path: Path) -> None:
    original_file(vae, tmp_path / "Wan2.1_VAE.pth")
    opened = open_wan_vae(tmp_path, vae.config)
    assert opened.layout == "original"
    again = opened.load_decoder(torch.float64, CPU)
    assert torch.equal(decoded(again, latents(2), [2]), decoded(decoder, latents(2), [2]))
    if not vae.config.has_shortcuts:  # theirs is written for the published depth of Wan 2.1
        held = torch.load(tmp_path / "Wan2.1_VAE.pth", weights_only=True)
        converted = convert_wan_vae_to_diffusers(held)
        state = vae.theirs.state_dict()
        assert converted.keys() == state.keys()
        assert all(torch.equal(tensor, state[name]) for name, tensor in converted.items())
    with pytest.raises(CheckpointError, match=r"wrong shape: conv1\.bias|wrong shape: conv1\.weight|does not fit"):
        open_wan_vae(tmp_path)  # of another size than the published one


def test_tensors_that_do_not_fit_are_named_by_their_public_names(vae: SmallVae, tmp_path: Path) -> None:
    held = load_file(vae.folder / "diffusion_pytorch_model.safetensors")
    (tmp_path / "config.json").write_text((vae.folder / "config.json").read_text())
    for change, words in (
        ({"quant_conv.bias": None}, r"missing: quant_conv\.bias"),
        ({"decoder.extra": torch.zeros(1)}, r"not known: decoder\.extra"),
        ({"decoder.conv_in.weight": torch.zeros(1, 2)}, r"decoder\.conv_in\.weight \[1, 2\] instead of \["),
    ):
        faulty = {name: tensor for name, tensor in {**held, **change}.items() if tensor is not None}
        save_file(faulty, tmp_path / "diffusion_pytorch_model.safetensors")
        with pytest.raises(CheckpointError, match=words):
            open_wan_vae(tmp_path)


def test_a_folder_without_one_or_with_a_broken_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"none of Wan2\.1_VAE\.pth"):
        open_wan_vae(tmp_path)
    save_file({"a": torch.zeros(1)}, tmp_path / "diffusion_pytorch_model.safetensors")
    for text in ("[]", "{", '{"z_dim": "many"}'):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(CheckpointError, match=r"config\.json"):
            open_wan_vae(tmp_path)
