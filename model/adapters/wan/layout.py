"""The public layouts of causal Wan checkpoints, and their tensors into a network.

    original     the names of github.com/Wan-Video, as Self-Forcing, Matrix-Game 2.0 and ABot-World keep them; a
                 trainer's wrapper puts `model.` before each
    diffusers    the names of `WanTransformer3DModel`

A checkpoint is checked whole before memory is taken: what is missing, not known or wrongly shaped is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch

from model.adapters.checkpoint import TORCH_SUFFIXES, Checkpoint, CheckpointError, fill, open_checkpoint, shapes_of
from model.adapters.presets import empty_network
from model.adapters.wan.config import WanConfig
from model.adapters.wan.network import WanNetwork

WRAPPER = "model."
# Dictionaries of Self-Forcing's training, the averaged weights first: those are the ones to play with.
WITHIN = ("generator_ema", "generator")
DIFFUSERS_MARK = "condition_embedder.time_proj.weight"
_DIFFUSERS = (
    (r"^time_embedding\.0\.", "condition_embedder.time_embedder.linear_1."),
    (r"^time_embedding\.2\.", "condition_embedder.time_embedder.linear_2."),
    (r"^time_projection\.1\.", "condition_embedder.time_proj."),
    (r"^text_embedding\.0\.", "condition_embedder.text_embedder.linear_1."),
    (r"^text_embedding\.2\.", "condition_embedder.text_embedder.linear_2."),
    (r"^img_emb\.proj\.0\.", "condition_embedder.image_embedder.norm1."),
    (r"^img_emb\.proj\.1\.", "condition_embedder.image_embedder.ff.net.0.proj."),
    (r"^img_emb\.proj\.3\.", "condition_embedder.image_embedder.ff.net.2."),
    (r"^img_emb\.proj\.4\.", "condition_embedder.image_embedder.norm2."),
    (r"^head\.modulation$", "scale_shift_table"),
    (r"^head\.head\.", "proj_out."),
    (r"^(blocks\.\d+)\.modulation$", r"\1.scale_shift_table"),
    (r"^(blocks\.\d+)\.norm3\.", r"\1.norm2."),
    (r"^(blocks\.\d+)\.ffn\.0\.", r"\1.ffn.net.0.proj."),
    (r"^(blocks\.\d+)\.ffn\.2\.", r"\1.ffn.net.2."),
    (r"^(blocks\.\d+)\.self_attn\.([qkv])\.", r"\1.attn1.to_\2."),
    (r"^(blocks\.\d+)\.cross_attn\.([qkv])\.", r"\1.attn2.to_\2."),
    (r"^(blocks\.\d+)\.self_attn\.o\.", r"\1.attn1.to_out.0."),
    (r"^(blocks\.\d+)\.cross_attn\.o\.", r"\1.attn2.to_out.0."),
    (r"^(blocks\.\d+)\.self_attn\.norm_", r"\1.attn1.norm_"),
    (r"^(blocks\.\d+)\.cross_attn\.norm_", r"\1.attn2.norm_"),
)


def public_names(network: WanNetwork, shapes: Mapping[str, torch.Size]) -> dict[str, str]:
    """The network's names to those of a checkpoint, in whichever layout that is."""
    own = list(network.state_dict())
    if DIFFUSERS_MARK in shapes:
        return {name: diffusers_name(name) for name in own}
    is_wrapped = bool(shapes) and all(name.startswith(WRAPPER) for name in shapes)
    return {name: WRAPPER + name if is_wrapped else name for name in own}


def diffusers_name(name: str) -> str:
    for pattern, replacement in _DIFFUSERS:
        renamed, count = re.subn(pattern, replacement, name)
        if count:
            return renamed
    return name


def load_network(path: Path, config: WanConfig, device: torch.device | str, dtype: torch.dtype) -> WanNetwork:
    """A network with the weights of a file or folder. Raises CheckpointError, with names, for what does not fit."""
    network, checkpoint = empty_network(config), open_wan_checkpoint(path)
    names = public_names(network, checkpoint.shapes)
    checkpoint.check(shapes_of(network, names))
    fill(network, checkpoint, names, dtype, torch.device(device))
    return network


def open_wan_checkpoint(path: Path) -> Checkpoint:
    """Names and shapes, without taking memory. A training's file holds several dictionaries: one of `WITHIN` counts."""
    if path.suffix not in TORCH_SUFFIXES:
        return open_checkpoint(path)
    try:
        return open_checkpoint(path)
    except CheckpointError as error:
        for within in WITHIN:
            try:
                return open_checkpoint(path, within)
            except CheckpointError:
                continue
        raise error from None
