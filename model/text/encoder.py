"""Text into a `ConditionUpdate`, with the sentence encoder and the trained heads together."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model.interface import Tensors
from model.text.heads import SlotHeads, SlotHeadsConfig, probabilities
from model.text.sentence import SentenceEncoder

_CONFIG_KEY = "config"


def save_heads(heads: SlotHeads, path: Path) -> None:
    tensors = {name: tensor.contiguous() for name, tensor in heads.state_dict().items()}
    save_file(tensors, path, metadata={_CONFIG_KEY: json.dumps(asdict(heads.config))})


def load_heads(path: Path) -> SlotHeads:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    if _CONFIG_KEY not in metadata:
        raise ValueError(f"{path} holds no slot heads")
    heads = SlotHeads(SlotHeadsConfig(**json.loads(metadata[_CONFIG_KEY])))
    heads.load_state_dict(load_file(path))
    return heads.eval()


class PearlTextEncoder:
    """What a sentence asks of each slot. Stateless."""

    def __init__(self, sentences: SentenceEncoder, heads: SlotHeads) -> None:
        self._sentences = sentences
        self._heads = heads

    @classmethod
    def load(cls, path: Path) -> PearlTextEncoder:
        return cls(SentenceEncoder.load(), load_heads(path))

    @torch.inference_mode()
    def encode_text(self, text: str) -> Tensors:
        """`gates`: float32 [5], 0 (leave the slot) to 1 (set it); `values`: float32 [24],
        probabilities within each slot. As in `ConditionUpdate`."""
        gates_BG, values_BV = probabilities(self._heads(*self._sentences.encode([text])))
        return {"gates": gates_BG[0].numpy().copy(), "values": values_BV[0].numpy().copy()}
