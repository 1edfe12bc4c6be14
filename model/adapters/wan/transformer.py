"""The transformer stage of a causal Wan model: sessions, chunk after chunk.

A step: directives and pictures change what the network is told; the denoise pass makes a chunk in a few noise levels,
the cache only read; the cache pass writes the clean chunk to it.

In the exact profile every session is stepped alone. In the fast one those with equally many cached latent frames share
their passes, which is where a GPU gains; a session's chunk then differs in the last bits that the arithmetic has.

Letters: E noise levels, B sessions, F latent frames of a chunk, C channels, H W rows and columns, P context tokens, D
context dims.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from model.adapters.interface import IMAGE, LATENTS, TEXT
from model.adapters.presets import WanPreset
from model.adapters.wan.capabilities import MAX_PITCH_DEG_PER_S, MAX_SPEED_M_PER_S, MAX_YAW_DEG_PER_S
from model.adapters.wan.conditions import Told, conditions_of, stacked, with_given
from model.adapters.wan.hands import hand_numbers, num_hand_numbers
from model.adapters.wan.network import Conditions, WanNetwork
from model.adapters.wan.pool import CachePool
from model.adapters.wan.sampler import FewSteps, clean_from, noised, timesteps_of
from model.adapters.wan.session import CACHE, MadeChunk, WanState, contexts_of, from_numpy, recent_of
from model.adapters.wan.warming import play_strangers
from model.adapters.wan.window import KeysValues, LatentCache, Window
from model.gpu.host_memory import sent
from model.gpu.streams import wait_until_done
from model.interface import CameraPose, ChunkControls, ChunkLatents, Profile, SessionState, Tensors
from model.recaching import recaches
from model.sampler import chunk_noise

# Sizes of a step in the fast profile, each of which is warmed up.
BATCH_SIZES = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class WanTransformerConfig:
    profile: Profile = Profile.EXACT
    # Make the cache again from the latents of the window after every so many chunks, or never (0). What the oldest of
    # them had seen is then forgotten, and a snapshot needs no more than latents to go on bit for bit.
    recache_every_chunks: int = 0

    def __post_init__(self) -> None:
        if self.recache_every_chunks < 0:
            raise ValueError(f"recache_every_chunks must not be negative, got {self.recache_every_chunks}")


class Turn(NamedTuple):
    """One session's part in a step."""

    state: WanState
    controls: ChunkControls
    told: Told
    sampling: FewSteps


class WanTransformer:
    """Implements model.interface.Transformer."""

    def __init__(self, preset: WanPreset, network: WanNetwork, config: WanTransformerConfig | None = None) -> None:
        self._preset, self._network = preset, network
        self._config = config or WanTransformerConfig()
        shapes = network.cache_shapes(preset.latent_rows, preset.latent_columns)
        past, sinks = preset.past_latents, preset.sink_latents
        self._warm: set[int] = set()  # batch sizes
        self._pool = CachePool(lambda: LatentCache(shapes, past, sinks, network.dtype, network.device))

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Implements model.interface.SizedTransformer: in the exact profile nobody gains by waiting for others."""
        return BATCH_SIZES if self._config.profile == Profile.FAST else (1,)

    def prepare(self, num_sessions: int) -> None:
        """Take the memory of so many sessions' caches. Implements model.interface.PreparedTransformer."""
        self._pool.prepare(num_sessions)

    def warm_up(self, num_sessions: int) -> None:
        """Implements model.interface.WarmingTransformer: every batch size, once."""
        sizes = [size for size in self.batch_sizes if size <= num_sessions and size not in self._warm]
        play_strangers(self, self._preset, sizes)
        self._warm.update(sizes)
        self._network.pointwise.settle()

    @torch.inference_mode()
    def park(self, state: SessionState) -> None:
        """Implements model.interface.ParkingTransformer. What it is told in words stays where it is."""
        cache = _own(state).cache
        if not cache.is_parked:
            self._pool.free(cache.park())

    @torch.inference_mode()
    def wake(self, state: SessionState) -> None:
        cache = _own(state).cache
        if cache.is_parked:
            cache.wake(self._pool.allocate())

    @torch.inference_mode()
    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> WanState:
        """Raises ValueError where a network that begins with a picture gets none, or one that cannot gets one."""
        if image is None and self._network.config.image_dim:
            raise ValueError(f"{self._preset.name} begins with a picture: give one")
        with self._begun(seed) as state:
            if prompt is not None:
                self._tell(state, prompt)
            if image is not None:
                self._show(state, image)
        return state

    @torch.inference_mode()
    def restore(self, snapshot: Tensors) -> WanState:
        """From a snapshot of either kind. Raises ValueError for what is none of this model's."""
        try:
            return self._restored(snapshot)
        except (KeyError, IndexError, TypeError, AttributeError, RuntimeError, OverflowError) as error:
            raise ValueError(f"not a snapshot of this model: {error!r}") from error

    @torch.inference_mode()
    def step(self, states: Sequence[SessionState], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        turns = [self._turn(state, each) for state, each in zip(states, controls, strict=True)]  # pyright: ignore[reportArgumentType]
        chunks: dict[int, ChunkLatents] = {}
        for rows in self._groups(turns):
            chunks.update(zip(rows, self._step_together([turns[row] for row in rows]), strict=True))
        return [chunks[row] for row in range(len(turns))]

    def _groups(self, turns: Sequence[Turn]) -> list[list[int]]:
        """Rows that share their passes: as many as were warmed up, no other numbers."""
        if self._config.profile == Profile.EXACT:
            return [[row] for row in range(len(turns))]
        groups: dict[tuple[int, FewSteps], list[int]] = {}
        for row, turn in enumerate(turns):
            groups.setdefault((turn.state.cache.num_latents, turn.sampling), []).append(row)
        return [part for rows in groups.values() for part in in_sizes(rows, self.batch_sizes)]

    def _turn(self, state: WanState, controls: ChunkControls) -> Turn:
        """Apply what the controls change in what the network is told."""
        for words in controls.directives:
            self._tell(state, words)
        if any(recaches(words) for words in controls.directives):
            self._recache(state)
        if controls.image is not None:
            self._show(state, controls.image)
        hands_A, before_A = hand_numbers(controls, self._network.config), state.hands_A
        state.hands_A = hands_A
        told = Told(hands_A, before_A, state.num_latents, state.picture_FCHW)
        return Turn(state, controls, told, self._preset.sampling.share(controls.quality))

    def _tell(self, state: WanState, words: Tensors) -> None:
        config = self._network.config
        if not config.text_dim:
            raise ValueError(f"{self._preset.name} reads no words")
        self._set_context(state, words[TEXT], config.text_dim)

    def _show(self, state: WanState, image: Tensors) -> None:
        config = self._network.config
        if not (config.keys or config.condition_channels):
            raise ValueError(f"{self._preset.name} begins with words, not with a picture")
        picture = torch.from_numpy(np.array(image[LATENTS], np.float32))
        if picture.ndim != 4 or picture.shape[1:] != self._preset.chunk_shape[1:] or not len(picture):
            raise ValueError(f"a picture's latents are [F, {self._preset.chunk_shape[1:]}], not {list(picture.shape)}")
        state.begin_scene(picture)
        if config.image_dim:
            self._set_context(state, image[IMAGE], config.image_dim)

    def _set_context(self, state: WanState, context: object, dims: int) -> None:
        context_PD = torch.from_numpy(np.array(context, np.float32))
        if context_PD.ndim != 2 or context_PD.shape[1] != dims:
            raise ValueError(f"a context is [P, {dims}], not {list(context_PD.shape)}")
        state.context_PD, state.context = context_PD, self._network.context(context_PD[None])

    def _step_together(self, turns: Sequence[Turn]) -> list[ChunkLatents]:
        window = self._window([turn.state.cache for turn in turns])
        context = stacked([turn.state.context for turn in turns])
        conditions = self._conditions([turn.told for turn in turns])
        latents_BFCHW = self._denoise(turns, window, context, conditions)
        self._remember([turn.state for turn in turns], latents_BFCHW, window, context, conditions)
        wait_until_done(self._network.device)  # the latents stay where they are
        return [self._finish(turn, latents) for turn, latents in zip(turns, latents_BFCHW, strict=True)]

    def _window(self, caches: Sequence[LatentCache]) -> Window:
        preset = self._preset
        return self._network.window(caches, preset.latents_per_chunk, preset.latent_rows, preset.latent_columns)

    def _conditions(self, told: Sequence[Told]) -> Conditions:
        network = self._network
        return conditions_of(told, network.config, self._preset.latents_per_chunk, network.device)

    def _denoise(
        self, turns: Sequence[Turn], window: Window, context: list[KeysValues], conditions: Conditions
    ) -> Tensor:
        """The denoise pass: noise to clean latents in a few levels. The caches are only read."""
        given = self._given(turns)
        sigmas = turns[0].sampling.sigmas
        timesteps_EBF = self._timesteps(sigmas, [each is not None for each in given])
        latents = with_given(self._noise(turns, 0), given)
        for pass_idx, sigma in enumerate(sigmas):
            velocity = self._network.denoise(latents, timesteps_EBF[pass_idx], context, window, conditions)
            latents = clean_from(latents, velocity, sigma)
            if pass_idx + 1 < len(sigmas):
                latents = noised(latents, self._noise(turns, pass_idx + 1), sigmas[pass_idx + 1])
            latents = with_given(latents, given)
        return latents

    def _given(self, turns: Sequence[Turn]) -> list[Tensor | None]:
        """Of each session, what its first latent frame is, if it need not be made."""
        found = [turn.told.given(self._network.config) for turn in turns]
        return [None if each is None else sent(each, self._network.device) for each in found]

    def _timesteps(self, sigmas: Sequence[float], is_given: Sequence[bool]) -> Tensor:
        """Of all passes: [E, B, F]."""
        is_clean_BF = torch.zeros(len(is_given), self._preset.latents_per_chunk, dtype=torch.bool)
        is_clean_BF[:, 0] = torch.tensor(is_given)
        return sent(torch.stack([timesteps_of(sigma, is_clean_BF) for sigma in sigmas]), self._network.device)

    def _noise(self, turns: Sequence[Turn], pass_idx: int) -> Tensor:
        """Fresh for every pass, and a function of seed, chunk and pass alone: [B, F, C, H, W]. Drawn by the host just
        before its pass, so that a GPU waits for the first alone: it is busy with one pass while the next's is drawn."""
        drawn = [
            chunk_noise(turn.state.seed, turn.state.chunk_idx, f"latents/{pass_idx}", self._preset.chunk_shape)
            for turn in turns
        ]
        return sent(torch.stack(drawn), self._network.device)

    def _remember(
        self,
        states: Sequence[WanState],
        latents_BFCHW: Tensor,
        window: Window,
        context: list[KeysValues],
        conditions: Conditions,
    ) -> None:
        """The cache pass: the clean chunk goes through once more, and its keys are kept."""
        kept = self._network.remember(latents_BFCHW, context, window, conditions)
        for row, state in enumerate(states):
            state.cache.append({kind: KeysValues(own.k[:, row], own.v[:, row]) for kind, own in kept.items()})

    def _recache(self, state: WanState) -> None:
        """Make the cache again from the latents of the window's chunks, under the present context."""
        state.narrow()
        state.recent = [made._replace(context_PD=state.context_PD) for made in state.recent]
        self._remake(state)

    def _remake(self, state: WanState) -> None:
        """Make the cache again from the latents that are kept, each under the context it was written with."""
        state.cache.forget()
        contexts = {id(state.context_PD): state.context}
        for made in state.recent:
            told = Told(made.hands_A, made.hands_before_A, made.first_latent, state.picture_FCHW)
            if id(made.context_PD) not in contexts:
                contexts[id(made.context_PD)] = self._network.context(made.context_PD[None])
            latents_BFCHW = sent(made.latents_FCHW[None], self._network.device)
            window, context = self._window([state.cache]), contexts[id(made.context_PD)]
            self._remember([state], latents_BFCHW, window, context, self._conditions([told]))
        state.is_complete = True

    def _finish(self, turn: Turn, latents_FCHW: Tensor) -> ChunkLatents:
        state, controls = turn.state, turn.controls
        seconds = self._preset.frames_per_chunk / self._preset.frame_rate
        if turn.told.hands_A.numel():
            state.walk(
                forward_m=controls.forward * MAX_SPEED_M_PER_S * seconds,
                right_m=controls.strafe * MAX_SPEED_M_PER_S * seconds,
                yaw_deg=controls.yaw * MAX_YAW_DEG_PER_S * seconds,
                pitch_deg=controls.pitch * MAX_PITCH_DEG_PER_S * seconds,
            )
        told = turn.told
        state.made(MadeChunk(latents_FCHW, told.hands_A, told.before_A, told.first_latent, state.context_PD))
        every_chunks = self._config.recache_every_chunks
        if every_chunks and state.chunk_idx % every_chunks == 0:
            self._recache(state)
        return ChunkLatents(
            chunk_idx=state.chunk_idx - 1, video={LATENTS: handed_over(latents_FCHW)}, audio={}, pose=state.pose
        )

    @contextmanager
    def _begun(self, seed: int) -> Iterator[WanState]:
        """A state to be filled, whose cache is free again where that fails."""
        state = self._empty(seed)
        try:
            yield state
        except BaseException:
            state.close()
            raise

    def _empty(self, seed: int) -> WanState:
        preset, config = self._preset, self._network.config
        per_chunk, dims = preset.latents_per_chunk, config.text_dim or config.image_dim
        nothing_PD = torch.zeros(0, dims)
        return WanState(
            seed=seed,
            chunk_idx=0,
            cache=self._pool.allocate(),
            give_back=self._pool.free,
            max_recent=-(-preset.past_latents // per_chunk),
            num_sinks=-(-preset.sink_latents // per_chunk),
            keeps_all=self._config.recache_every_chunks > 0,
            context_PD=nothing_PD,
            context=self._network.context(nothing_PD[None]) if config.text_dim else [],
            hands_A=torch.zeros(num_hand_numbers(config)),
        )

    def _restored(self, snapshot: Tensors) -> WanState:
        with self._begun(int(snapshot["seed"])) as state:
            self._fill(state, snapshot)
        return state

    def _fill(self, state: WanState, snapshot: Tensors) -> None:
        config = self._network.config
        state.chunk_idx, state.num_latents = int(snapshot["chunk_idx"]), int(snapshot["num_latents"])
        if min(state.chunk_idx, state.num_latents) < 0:
            raise ValueError("neither chunk_idx nor num_latents can be negative")
        state.pose = CameraPose(
            **dict(zip(("x_m", "y_m", "yaw_deg", "pitch_deg"), map(float, snapshot["pose"]), strict=True))
        )
        contexts = contexts_of(snapshot)
        self._set_context(state, contexts[0].numpy(), config.text_dim or config.image_dim)
        contexts[0] = state.context_PD
        state.hands_A = from_numpy(snapshot["hands"], torch.float32)
        if "picture" in snapshot:
            state.picture_FCHW = from_numpy(snapshot["picture"], torch.float32)
        state.recent = recent_of(snapshot, contexts)
        cached = {
            name.removeprefix(CACHE): from_numpy(array, self._network.dtype)
            for name, array in snapshot.items()
            if name.startswith(CACHE)
        }
        if cached:
            state.cache.load(cached)
            state.is_complete = False
        else:
            self._remake(state)


def _own(state: SessionState) -> WanState:
    assert isinstance(state, WanState), "a state that this transformer gave"
    return state


def in_sizes(rows: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """In parts of the sizes there are, the largest first; `sizes` ascending from 1."""
    rest = list(rows)
    while rest:
        size = max(each for each in sizes if each <= len(rest))
        yield rest[:size]
        rest = rest[size:]


def handed_over(latents_FCHW: Tensor) -> Any:
    """To the decoders: an array where the host has it, and otherwise the tensor where it lies."""
    return latents_FCHW.numpy() if latents_FCHW.device.type == "cpu" else latents_FCHW
