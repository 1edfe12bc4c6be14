"""What a picture shows, as Wan 2.1's image-to-video and Matrix-Game 2.0 see it: CLIP's ViT-H/14, by transformers.

    models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth   as Wan-AI publishes it: pictures and words in one file
    image_encoder/                                            as diffusers' pipelines have it

Both models take the states before the last layer, of all patches; that layer is checked and not read, no more than the
half that reads words. Names and sizes: Wan-Video/Wan2.1 wan/modules/clip.py and transformers' CLIP.

Letters: P patches and the picture's own token, D model dim.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from model.adapters.checkpoint import Checkpoint, CheckpointError, fill, open_checkpoint
from model.adapters.extra import import_extra
from model.adapters.interface import IMAGE
from model.interface import Tensors

Layout = Literal["original", "transformers"]
ORIGINAL_FILE = "models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth"
FOLDER = "image_encoder"
MEAN = (0.48145466, 0.4578275, 0.40821073)  # of CLIP's pictures, 0 to 1
STD = (0.26862954, 0.26130258, 0.27577711)
_LAYER = re.compile(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_ORIGINAL_LAYER = {
    "layer_norm1": "norm1", "layer_norm2": "norm2", "self_attn.out_proj": "attn.proj", "mlp.fc1": "mlp.0",
    "mlp.fc2": "mlp.2",
}  # fmt: skip
_ORIGINAL = {
    "embeddings.class_embedding": "cls_embedding",
    "embeddings.patch_embedding.weight": "patch_embedding.weight",
    "embeddings.position_embedding.weight": "pos_embedding",
    "pre_layrnorm.weight": "pre_norm.weight",
    "pre_layrnorm.bias": "pre_norm.bias",
    "post_layernorm.weight": "post_norm.weight",
    "post_layernorm.bias": "post_norm.bias",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSizes:
    """An architecture: nothing in it has a default."""

    width: int
    num_heads: int
    inner: int
    num_layers: int
    image_px: int
    patch_px: int
    shared: int  # dims that pictures and words share; not used here

    @property
    def num_tokens(self) -> int:
        return (self.image_px // self.patch_px) ** 2 + 1

    def shapes(self) -> dict[str, torch.Size]:
        """By transformers' names."""
        width = self.width
        block: dict[str, tuple[int, ...]] = {
            **{f"self_attn.{part}_proj": (width, width) for part in ("q", "k", "v", "out")},
            **{f"layer_norm{number}": (width,) for number in (1, 2)},
            "mlp.fc1": (self.inner, width),
            "mlp.fc2": (width, self.inner),
        }
        shapes: dict[str, tuple[int, ...]] = {
            "embeddings.class_embedding": (width,),
            "embeddings.patch_embedding.weight": (width, 3, self.patch_px, self.patch_px),
            "embeddings.position_embedding.weight": (self.num_tokens, width),
            **{f"pre_layrnorm.{part}": (width,) for part in ("weight", "bias")},
            **{f"post_layernorm.{part}": (width,) for part in ("weight", "bias")},
        }
        for layer in range(self.num_layers):
            shapes |= {f"encoder.layers.{layer}.{name}.weight": shape for name, shape in block.items()}
            shapes |= {f"encoder.layers.{layer}.{name}.bias": shape[:1] for name, shape in block.items()}
        return {name: torch.Size(shape) for name, shape in shapes.items()}

    def network(self) -> nn.Module:
        """Transformers' encoder. Raises MissingExtraError."""
        transformers = import_extra("transformers")
        config = transformers.CLIPVisionConfig(
            hidden_size=self.width, intermediate_size=self.inner, num_hidden_layers=self.num_layers,
            num_attention_heads=self.num_heads, image_size=self.image_px, patch_size=self.patch_px, hidden_act="gelu",
            projection_dim=self.shared,
        )  # fmt: skip
        network = transformers.CLIPVisionModel(config)
        return getattr(network, "vision_model", network)  # a shell around it, in older versions


CLIP_VIT_H = ClipSizes(width=1280, num_heads=16, inner=5120, num_layers=32, image_px=224, patch_px=14, shared=1024)


def source(name: str, layout: Layout) -> tuple[str, int | None]:
    """Where a tensor of transformers' encoder is in a file: its name there, and which third of it, if not all."""
    if layout == "transformers":
        return f"vision_model.{name}", None
    matched = _LAYER.fullmatch(name)
    if matched is None:
        return f"visual.{_ORIGINAL[name]}", None
    layer, inner, kind = matched.groups()
    if third := re.fullmatch(r"self_attn\.([qkv])_proj", inner):
        return f"visual.transformer.{layer}.attn.to_qkv.{kind}", "qkv".index(third[1])
    return f"visual.transformer.{layer}.{_ORIGINAL_LAYER[inner]}.{kind}", None


def file_shapes(sizes: ClipSizes, layout: Layout) -> dict[str, torch.Size]:
    """What a file holds of the half that sees."""
    shapes: dict[str, torch.Size] = {}
    for name, shape in sizes.shapes().items():
        public, third = source(name, layout)
        whole = (3 * shape[0], *shape[1:]) if third is not None else shape
        if layout == "original" and name.endswith(("class_embedding", "position_embedding.weight")):
            whole = (1,) * (3 - len(shape)) + tuple(shape)
        shapes[public] = torch.Size(whole)
    if layout == "original":
        shapes["visual.head"] = torch.Size([sizes.width, sizes.shared])
    return shapes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipCheckpoint:
    """A file that has been checked; no memory taken yet."""

    sizes: ClipSizes
    layout: Layout
    checkpoint: Checkpoint

    def load(self, dtype: torch.dtype, device: torch.device) -> ClipImageEncoder:
        """Raises MissingExtraError without the `adapters` extra."""
        used = replace(self.sizes, num_layers=self.sizes.num_layers - 1)
        with torch.device("meta"):
            network = used.network()
        shapes = used.shapes()
        plain = Checkpoint(path=self.checkpoint.path, shapes=shapes, read=lambda name: self._read(name, shapes))
        fill(network, plain, {name: name for name in shapes}, dtype, device)
        # the one tensor that is counted, not learned, and so in no file
        embeddings: Any = network.embeddings
        embeddings.position_ids = torch.arange(used.num_tokens, device=device)[None]
        return ClipImageEncoder(network, used)

    def _read(self, name: str, shapes: Mapping[str, torch.Size]) -> Tensor:
        public, third = source(name, self.layout)
        tensor = self.checkpoint.read(public)
        return (tensor if third is None else tensor.chunk(3)[third]).reshape(shapes[name])


def open_clip(folder: Path, sizes: ClipSizes = CLIP_VIT_H) -> ClipCheckpoint:
    """`folder`: a model's, in either layout. Raises CheckpointError, with the names of tensors that are missing, too
    many or of the wrong shape."""
    layout: Layout = "original" if (folder / ORIGINAL_FILE).is_file() else "transformers"
    path = folder / (ORIGINAL_FILE if layout == "original" else FOLDER)
    if not path.exists():
        raise CheckpointError(f"{folder} has neither {ORIGINAL_FILE} nor {FOLDER}")
    checkpoint = open_checkpoint(path)
    checkpoint.check(file_shapes(sizes, layout), ignored=_is_of_words)
    return ClipCheckpoint(sizes=sizes, layout=layout, checkpoint=checkpoint)


def _is_of_words(name: str) -> bool:
    """And what old files say of positions, which are counted."""
    return name.startswith("textual.") or name in ("log_scale", "vision_model.embeddings.position_ids")


class ClipImageEncoder:
    """Implements `interface.ImageEncoder`. `network` has all layers but the last."""

    def __init__(self, network: Any, sizes: ClipSizes) -> None:
        self._network, self._sizes = network, sizes
        self._parameter = next(network.parameters())

    @torch.inference_mode()
    def encode(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        """`IMAGE`: float32 [P, D]. The picture is 8-bit RGB of any size; its sides are stretched to a square, as the
        published code does. Raises ValueError for anything else."""
        if image_HWC.ndim != 3 or image_HWC.shape[2] != 3 or image_HWC.dtype != np.uint8 or not image_HWC.size:
            raise ValueError(f"a picture is 8-bit RGB, not {image_HWC.dtype} {list(image_HWC.shape)}")
        pixels = torch.from_numpy(np.ascontiguousarray(image_HWC)).to(self._parameter.device)
        picture_BCHW = pixels.permute(2, 0, 1)[None].float() / 255
        side = self._sizes.image_px
        picture_BCHW = functional.interpolate(picture_BCHW, (side, side), mode="bicubic", align_corners=False)
        mean, std = (torch.tensor(numbers, device=pixels.device).view(3, 1, 1) for numbers in (MEAN, STD))
        pixel_values = ((picture_BCHW - mean) / std).to(self._parameter.dtype)
        states_PD = self._network(pixel_values=pixel_values).last_hidden_state[0]
        return {IMAGE: states_PD.float().cpu().numpy().copy()}
