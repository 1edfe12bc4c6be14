"""The causal Wan network with its passes as graphs.

Once a session's window is full, every chunk has the same shapes: its passes run over one static window, of which
fewer sessions have a part, refilled from their caches for each chunk, and over static copies of the context, which are
made anew only when it changes. Before that, and while a cache is made again, chunks run as the network runs them, over
the beginning of the same window: what is filled for every chunk is nobody's in between. On a CPU it is the same code
without graphs.

What runs at which sizes is recorded when it comes for the first time, so that belongs into warming up, the most
sessions first: `model.adapters.wan.transformer` does so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from model.adapters.wan.actions import Actions
from model.adapters.wan.network import Conditions, WanNetwork
from model.adapters.wan.window import KeysValues, LatentCache, Window, past_of
from model.gpu.graphed import GraphedStep, Named

LATENTS, TIMESTEPS, VELOCITY = "latents", "timesteps", "velocity"
BESIDE, KEYBOARD, MOUSE, KEYS = "beside", "keyboard", "mouse", "keys"
K, V = "/k", "/v"


@dataclass(slots=True, kw_only=True)
class _Place:
    """Where the chunks of so many sessions run: nothing in it moves."""

    window: Window
    context: list[KeysValues]
    copied_from: list[KeysValues]  # the context that was copied last
    denoise: GraphedStep | None = None
    remember: GraphedStep | None = None


class GraphedWan:
    """Stands where a `WanNetwork` stood: the same calls with the same results. One chunk at a time: a window is good
    until the next is asked for, and what a pass gives until the next pass."""

    def __init__(self, network: WanNetwork, full_latents: int) -> None:
        """`full_latents`: that a cache holds once it is full."""
        self._network = network
        self._full_latents = full_latents
        self._places: dict[tuple[int, int, int, int], _Place] = {}
        # One for all passes: each is done, and its result used, before the next is replayed.
        self._memory_pool: Any = torch.cuda.graph_pool_handle() if network.device.type == "cuda" else None

    def __getattr__(self, name: str) -> object:
        return getattr(self._network, name)

    def window(self, caches: Sequence[LatentCache], num_own: int, latent_rows: int, latent_columns: int) -> Window:
        num_past = past_of(caches)
        window = self._static((len(caches), num_own, latent_rows, latent_columns))
        if num_past != self._full_latents:
            window = window.part(len(caches), num_past)
        window.fill(caches)
        return window

    def _static(self, key: tuple[int, int, int, int]) -> Window:
        """The window of full caches. It is taken with the first chunk, whatever that one's caches hold: what is
        recorded later reads it where it lies."""
        if key not in self._places:
            size, num_own, latent_rows, latent_columns = key
            wide, full = self._wider(key), self._full_latents
            if wide is None:
                window = self._network.room(size, full, num_own, latent_rows, latent_columns)
            else:
                window = wide.part(size, full)
            self._places[key] = _Place(window=window, context=[], copied_from=[])
        return self._places[key].window

    def denoise(
        self,
        latents_BFCHW: Tensor,
        timesteps_BF: Tensor,
        context: list[KeysValues],
        window: Window,
        conditions: Conditions,
    ) -> Tensor:
        place = self._place_of(window)
        if place is None:
            return self._network.denoise(latents_BFCHW, timesteps_BF, context, window, conditions)
        self._take_context(place, context)
        inputs = {LATENTS: latents_BFCHW, TIMESTEPS: timesteps_BF, **_named(conditions)}
        if place.denoise is None:
            place.denoise = self._step(place, inputs, self._denoise)
        return place.denoise(inputs)[VELOCITY]

    def remember(
        self, latents_BFCHW: Tensor, context: list[KeysValues], window: Window, conditions: Conditions
    ) -> dict[str, KeysValues]:
        place = self._place_of(window)
        if place is None:
            return self._network.remember(latents_BFCHW, context, window, conditions)
        self._take_context(place, context)
        inputs = {LATENTS: latents_BFCHW, **_named(conditions)}
        if place.remember is None:
            place.remember = self._step(place, inputs, self._remember)
        kept = place.remember(inputs)
        kinds = [name.removesuffix(K) for name in kept if name.endswith(K)]
        return {kind: KeysValues(kept[kind + K].transpose(0, 1), kept[kind + V].transpose(0, 1)) for kind in kinds}

    def _place_of(self, window: Window) -> _Place | None:
        return next((place for place in self._places.values() if place.window is window), None)

    def _wider(self, key: tuple[int, int, int, int]) -> Window | None:
        """A window like that of `key`, of more sessions."""
        size, *shape = key
        found = [place.window for (wide, *other), place in self._places.items() if other == shape and wide > size]
        return found[0] if found else None

    def _take_context(self, place: _Place, context: list[KeysValues]) -> None:
        """Compared block by block and by identity: a batch's context is one list of tensors until a directive."""
        if len(place.copied_from) == len(context) and all(map(_is_same, place.copied_from, context)):
            return
        if place.context and place.context[0].k.shape != context[0].k.shape:
            place.context, place.denoise, place.remember = [], None, None  # recorded anew: it is of another length
        if not place.context:
            place.context = [KeysValues(own.k.clone(), own.v.clone()) for own in context]
        for static, given in zip(place.context, context, strict=True):
            static.k.copy_(given.k)
            static.v.copy_(given.v)
        place.copied_from = list(context)

    def _step(self, place: _Place, inputs: Named, run: Callable[[_Place, Named], Named]) -> GraphedStep:
        row = {name: tensor[:1] for name, tensor in inputs.items()}
        size = len(inputs[LATENTS])
        return GraphedStep(lambda static: run(place, static), row, (size,), self._memory_pool)

    def _denoise(self, place: _Place, inputs: Named) -> dict[str, Tensor]:
        velocity = self._network.denoise(
            inputs[LATENTS], inputs[TIMESTEPS], place.context, place.window, _conditions(inputs)
        )
        return {VELOCITY: velocity}

    def _remember(self, place: _Place, inputs: Named) -> dict[str, Tensor]:
        kept = self._network.remember(inputs[LATENTS], place.context, place.window, _conditions(inputs))
        by_name: dict[str, Tensor] = {}
        for kind, own in kept.items():
            by_name[kind + K], by_name[kind + V] = own.k.transpose(0, 1), own.v.transpose(0, 1)
        return by_name


def _is_same(one: KeysValues, other: KeysValues) -> bool:
    return one.k is other.k and one.v is other.v


def _named(conditions: Conditions) -> dict[str, Tensor]:
    actions = conditions.actions
    found = {
        BESIDE: conditions.beside_BFCHW,
        KEYBOARD: None if actions is None else actions.keyboard_BFWA,
        MOUSE: None if actions is None else actions.mouse_BFWA,
        KEYS: conditions.keys_BK,
    }
    return {name: tensor for name, tensor in found.items() if tensor is not None}


def _conditions(inputs: Named) -> Conditions:
    actions = Actions(inputs[KEYBOARD], inputs.get(MOUSE)) if KEYBOARD in inputs else None
    return Conditions(beside_BFCHW=inputs.get(BESIDE), actions=actions, keys_BK=inputs.get(KEYS))
