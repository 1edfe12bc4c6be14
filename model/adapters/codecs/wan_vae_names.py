"""Under which names the tensors of Wan's video autoencoder are published.

`original`: Wan2.1_VAE.pth and Wan2.2_VAE.pth. `diffusers`: diffusion_pytorch_model.safetensors of an AutoencoderKLWan.
Both differ between Wan 2.1, which numbers its layers through, and Wan 2.2, which numbers them level by level. Source:
the module trees of Wan-Video/Wan2.1, Wan-Video/Wan2.2 and diffusers, and its scripts/convert_wan_to_diffusers.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from model.adapters.codecs.wan_vae_config import WanVaeConfig

Layout = Literal["original", "diffusers"]
Side = Literal["encoder", "decoder"]

_LEVEL = re.compile(r"levels\.(\d+)\.(?:blocks\.(\d+)|resample)\.(.+)")
_ORIGINAL = {
    "norm1": "residual.0", "conv1": "residual.2", "norm2": "residual.3", "conv2": "residual.6",
    "middle.first": "middle.0", "middle.attention": "middle.1", "middle.second": "middle.2",
    "conv_in": "conv1", "norm_out": "head.0", "conv_out": "head.2",
}  # fmt: skip
_DIFFUSERS = {
    "shortcut": "conv_shortcut",
    "middle.first": "mid_block.resnets.0",
    "middle.attention": "mid_block.attentions.0",
    "middle.second": "mid_block.resnets.1",
}
_QUANT = {
    "original": {"encoder": "conv1", "decoder": "conv2"},
    "diffusers": {"encoder": "quant_conv", "decoder": "post_quant_conv"},
}


def public_names(names: Iterable[str], side: Side, config: WanVaeConfig, layout: Layout) -> dict[str, str]:
    """Of the encoder's or the decoder's tensors: our names to those of `layout`."""
    return {name: _public_name(name, side, config, layout) for name in names}


def _public_name(name: str, side: Side, config: WanVaeConfig, layout: Layout) -> str:
    if name.startswith(("quant.", "post_quant.")):
        return f"{_QUANT[layout][side]}.{name.rpartition('.')[2]}"
    if matched := _LEVEL.fullmatch(name):
        level, block, rest = int(matched[1]), matched[2], matched[3]
        if block is None:
            rest = rest.replace("conv.", "resample.1.") if rest.startswith("conv.") else rest
            return f"{side}.{_step(level, side, config, layout)}.{rest}"
        return f"{side}.{_block(level, int(block), side, config, layout)}.{_renamed(rest, layout)}"
    return f"{side}.{_renamed(name, layout)}"


def _renamed(name: str, layout: Layout) -> str:
    for ours, theirs in (_ORIGINAL if layout == "original" else _DIFFUSERS).items():
        name = re.sub(rf"(^|\.){re.escape(ours)}(?=\.)", rf"\g<1>{theirs}", name, count=1)
    return name


def _num_blocks(side: Side, config: WanVaeConfig) -> int:
    return config.blocks_per_level + (1 if side == "decoder" else 0)


def _block(level: int, block: int, side: Side, config: WanVaeConfig, layout: Layout) -> str:
    through = level * (_num_blocks(side, config) + 1) + block
    if layout == "original":
        stage = "downsamples" if side == "encoder" else "upsamples"
        return f"{stage}.{level}.{stage}.{block}" if config.has_shortcuts else f"{stage}.{through}"
    if side == "encoder" and not config.has_shortcuts:
        return f"down_blocks.{through}"
    return f"{'down' if side == 'encoder' else 'up'}_blocks.{level}.resnets.{block}"


def _step(level: int, side: Side, config: WanVaeConfig, layout: Layout) -> str:
    if layout == "original" or (side == "encoder" and not config.has_shortcuts):
        return _block(level, _num_blocks(side, config), side, config, layout)
    if side == "encoder":
        return f"down_blocks.{level}.downsampler"
    return f"up_blocks.{level}.{'upsampler' if config.has_shortcuts else 'upsamplers.0'}"
