"""UMT5's encoder from a checkpoint in one of its public layouts, by transformers' network.

    models_t5_umt5-xxl-enc-bf16.pth, google/umt5-xxl/tokenizer.json   as Wan-AI publishes it
    text_encoder/ (safetensors, whole or in shards), tokenizer/       as diffusers' pipelines have it

Names and sizes: Wan-Video/Wan2.1 wan/modules/t5.py and transformers' UMT5. The file is checked before the library is
imported or memory is taken.

Letters: P prompt tokens, D model dim.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from model.adapters.checkpoint import Checkpoint, CheckpointError, fill, open_checkpoint
from model.adapters.extra import import_extra
from model.adapters.interface import TEXT
from model.adapters.text.tokens import PromptTokenizer
from model.interface import Tensors

Layout = Literal["original", "transformers"]
ORIGINAL_FILE = "models_t5_umt5-xxl-enc-bf16.pth"
ORIGINAL_TOKENIZER = Path("google") / "umt5-xxl"
MAX_CACHED_BYTES = 64 << 20  # of embeddings: a hundred prompts of forty words
_BLOCK = re.compile(r"block\.(\d+)\.layer\.([01])\.(.+)\.weight")
_ORIGINAL = {
    ("0", "layer_norm"): "norm1",
    ("0", "SelfAttention.q"): "attn.q",
    ("0", "SelfAttention.k"): "attn.k",
    ("0", "SelfAttention.v"): "attn.v",
    ("0", "SelfAttention.o"): "attn.o",
    ("0", "SelfAttention.relative_attention_bias"): "pos_embedding.embedding",
    ("1", "layer_norm"): "norm2",
    ("1", "DenseReluDense.wi_0"): "ffn.gate.0",
    ("1", "DenseReluDense.wi_1"): "ffn.fc1",
    ("1", "DenseReluDense.wo"): "ffn.fc2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Umt5Sizes:
    """An architecture: nothing in it has a default."""

    num_words: int
    width: int
    num_heads: int
    head_dim: int
    inner: int
    num_layers: int
    num_buckets: int  # of distances between words, in each layer
    max_distance: int

    def shapes(self) -> dict[str, torch.Size]:
        """Of the encoder's tensors by transformers' names."""
        across, width = self.num_heads * self.head_dim, self.width
        block = {
            **{f"layer.0.SelfAttention.{part}": (across, width) for part in "qkv"},
            "layer.0.SelfAttention.o": (width, across),
            "layer.0.SelfAttention.relative_attention_bias": (self.num_buckets, self.num_heads),
            "layer.0.layer_norm": (width,),
            **{f"layer.1.DenseReluDense.{part}": (self.inner, width) for part in ("wi_0", "wi_1")},
            "layer.1.DenseReluDense.wo": (width, self.inner),
            "layer.1.layer_norm": (width,),
        }
        shapes = {"embed_tokens.weight": (self.num_words, width), "final_layer_norm.weight": (width,)}
        for layer in range(self.num_layers):
            shapes |= {f"block.{layer}.{name}.weight": shape for name, shape in block.items()}
        return {name: torch.Size(shape) for name, shape in shapes.items()}

    def network(self) -> nn.Module:
        """Transformers' encoder. Raises MissingExtraError."""
        transformers = import_extra("transformers")
        config = transformers.UMT5Config(
            vocab_size=self.num_words, d_model=self.width, d_kv=self.head_dim, d_ff=self.inner,
            num_layers=self.num_layers, num_heads=self.num_heads, relative_attention_num_buckets=self.num_buckets,
            relative_attention_max_distance=self.max_distance, dropout_rate=0.0, feed_forward_proj="gated-gelu",
        )  # fmt: skip
        return transformers.UMT5EncoderModel(config).encoder


UMT5_XXL = Umt5Sizes(
    num_words=256384, width=4096, num_heads=64, head_dim=64, inner=10240, num_layers=24, num_buckets=32,
    max_distance=128,
)  # fmt: skip


def public_name(name: str, layout: Layout) -> str:
    """Of a tensor of transformers' encoder, in a file."""
    if layout == "transformers":
        return "shared.weight" if name == "embed_tokens.weight" else f"encoder.{name}"
    if matched := _BLOCK.fullmatch(name):
        return f"blocks.{matched[1]}.{_ORIGINAL[matched[2], matched[3]]}.weight"
    return {"embed_tokens.weight": "token_embedding.weight", "final_layer_norm.weight": "norm.weight"}[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Umt5Checkpoint:
    """Files that have been checked; no memory taken yet."""

    sizes: Umt5Sizes
    layout: Layout
    checkpoint: Checkpoint
    tokenizer: PromptTokenizer

    def load(self, dtype: torch.dtype, device: torch.device) -> Umt5TextEncoder:
        """Raises MissingExtraError without the `adapters` extra."""
        with torch.device("meta"):
            network = self.sizes.network()
        names = {name: public_name(name, self.layout) for name in self.sizes.shapes()}
        fill(network, self.checkpoint, names, dtype, device)
        return Umt5TextEncoder(network, self.tokenizer)


def open_umt5(folder: Path, sizes: Umt5Sizes = UMT5_XXL) -> Umt5Checkpoint:
    """`folder`: a model's, in either layout. Raises CheckpointError, with the names of tensors that are missing, too
    many or of the wrong shape."""
    layout: Layout = "original" if (folder / ORIGINAL_FILE).is_file() else "transformers"
    path = folder / (ORIGINAL_FILE if layout == "original" else "text_encoder")
    if not path.exists():
        raise CheckpointError(f"{folder} has neither {ORIGINAL_FILE} nor text_encoder")
    tokenizer = PromptTokenizer(folder / (ORIGINAL_TOKENIZER if layout == "original" else "tokenizer"))
    if tokenizer.num_words > sizes.num_words:
        raise CheckpointError(
            f"{folder}: the tokenizer knows {tokenizer.num_words} words, the encoder {sizes.num_words}"
        )
    checkpoint = open_checkpoint(path)
    tied = {"encoder.embed_tokens.weight"} if layout == "transformers" else set[str]()
    wanted = {public_name(name, layout): shape for name, shape in sizes.shapes().items()}
    checkpoint.check(wanted, ignored=tied.__contains__)
    return Umt5Checkpoint(sizes=sizes, layout=layout, checkpoint=checkpoint, tokenizer=tokenizer)


class Umt5TextEncoder:
    """Implements `interface.TextEncoder`. May be called from any thread.

    Published code pads a prompt to 512 tokens, masks what it padded and zeroes it again afterwards. A masked token
    changes nothing, so only the words are read, which is the same but for rounding and costs a tenth.
    """

    def __init__(
        self, network: Any, tokenizer: PromptTokenizer, max_cached_bytes: int = MAX_CACHED_BYTES
    ) -> None:  # fmt: skip
        self._network, self._tokenizer, self._max_cached_bytes = network, tokenizer, max_cached_bytes
        self._cached: OrderedDict[str, NDArray[np.float32]] = OrderedDict()  # by prompt, the least used first
        self._lock = threading.Lock()

    @property
    def num_cached_bytes(self) -> int:
        return sum(states.nbytes for states in self._cached.values())

    def encode(self, text: str) -> Tensors:
        """`TEXT`: float32 [P, D] of the tokens of `text`, its end mark included, at most 512."""
        with self._lock:
            states = self._cached.pop(text, None)
            if states is None:
                states = self._states(text)
                states.setflags(write=False)  # everybody gets the same
            self._cached[text] = states
            while self.num_cached_bytes > self._max_cached_bytes:
                self._cached.popitem(last=False)
        return {TEXT: states}

    @torch.inference_mode()
    def _states(self, text: str) -> NDArray[np.float32]:
        ids = torch.tensor([self._tokenizer.ids(text)], device=next(self._network.parameters()).device)
        states_PD = self._network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        return states_PD.float().cpu().numpy().copy()
