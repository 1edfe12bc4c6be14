"""Text into a `ConditionUpdate`, with the sentence encoder and the trained heads together."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.interface import Tensors
from model.text.event_heads import EventHeads, EventHeadsConfig, event_probabilities, fuller_events
from model.text.heads import SlotHeads, SlotHeadsConfig, SlotReading, fuller, probabilities
from model.text.sentence import SentenceEncoder
from model.text.thesaurus import Thesaurus

_CONFIG_KEY, _EVENTS_KEY = "config", "events"
_EVENTS_PREFIX = "events."
THESAURUS_FILE = "thesaurus.json"


def save_heads(heads: SlotHeads, path: Path, events: EventHeads | None = None) -> None:
    """Both in one file; the event heads in half precision."""
    tensors = {name: tensor.contiguous() for name, tensor in heads.state_dict().items()}
    metadata = {_CONFIG_KEY: json.dumps(asdict(heads.config))}
    if events is not None:
        halves = {name: tensor.half().contiguous() for name, tensor in events.state_dict().items()}
        tensors |= {_EVENTS_PREFIX + name: tensor for name, tensor in halves.items()}
        metadata[_EVENTS_KEY] = json.dumps(asdict(events.config))
    save_file(tensors, path, metadata=metadata)


def load_heads(path: Path) -> SlotHeads:
    heads = SlotHeads(SlotHeadsConfig(**_config(path, _CONFIG_KEY, "slot heads")))
    tensors = load_file(path).items()
    heads.load_state_dict({name: tensor for name, tensor in tensors if not name.startswith(_EVENTS_PREFIX)})
    return heads.eval()


def load_event_heads(path: Path) -> EventHeads:
    """Raises ValueError where the file holds none, or such as answer other questions."""
    events = EventHeads(EventHeadsConfig(**_config(path, _EVENTS_KEY, "event heads")))
    tensors = {
        name.removeprefix(_EVENTS_PREFIX): tensor
        for name, tensor in load_file(path).items()
        if name.startswith(_EVENTS_PREFIX)
    }
    if {name: tensor.shape for name, tensor in tensors.items()} != {
        name: tensor.shape for name, tensor in events.state_dict().items()
    }:
        raise ValueError(f"{path} holds event heads for other questions: train them again (model.training.text_events)")
    events.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return events.eval()


def _config(path: Path, key: str, what: str) -> dict[str, Any]:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    if key not in metadata:
        raise ValueError(f"{path} holds no {what}")
    return json.loads(metadata[key])


class PearlTextEncoder:
    """What a sentence asks of each slot, and which event it asks for. Stateless.

    Rare words are read twice, as they stand and as the thesaurus tells them: whatever is heard in either is asked for.
    """

    def __init__(self, sentences: SentenceEncoder, heads: SlotHeads, events: EventHeads, thesaurus: Thesaurus) -> None:
        self._sentences, self._thesaurus = sentences, thesaurus
        self._heads, self._events = heads, events

    @classmethod
    def load(cls, path: Path) -> PearlTextEncoder:
        """`path`: of the heads; the thesaurus lies beside them."""
        thesaurus = Thesaurus.load(path.with_name(THESAURUS_FILE))
        return cls(SentenceEncoder.load(), load_heads(path), load_event_heads(path), thesaurus)

    @torch.inference_mode()
    def encode_text(self, text: str) -> Tensors:
        """`gates`: float32 [5], 0 (leave the slot) to 1 (set it); `values`: float32 [24],
        probabilities within each slot, as in `ConditionUpdate`. `events`: float32 [NUM_ANSWERS],
        probabilities within each question of `model.text.events`."""
        slots, events_BY = self._read(text)
        if (told := self._thesaurus.told(text)) != text:
            told_slots, told_events_BY = self._read(told)
            slots, events_BY = fuller(slots, told_slots), fuller_events(events_BY, told_events_BY)
        return {
            "gates": slots.gates_BG[0].numpy().copy(),
            "values": slots.values_BV[0].numpy().copy(),
            "events": events_BY[0].numpy().copy(),
        }

    def _read(self, text: str) -> tuple[SlotReading, Tensor]:
        """The events as in `event_probabilities`."""
        encoded = self._sentences.encode([text])
        return probabilities(self._heads(*encoded)), event_probabilities(self._events(*encoded))
