"""Pearl's transformer stage: one chunk after another, from memory, controls and conditions.

A step: the controls move the camera; memory shows what it knows of the new canvas; the denoise
pass (the cache only read) paints what is unknown and makes the sound; the cache pass writes the
finished chunk's sound and registers to the cache; the canvas is remembered. Whoever moves by
itself is laid over the view last and never remembered.

Letters: M maps, H rows, W columns, V patches, C latent dims.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from model import camera
from model.actors.networks import ActorNetworks
from model.actors.stage import Stage
from model.cache import RollingCache
from model.codec import MapCodec
from model.control import control_features
from model.interface import ChunkControls, ChunkLatents, SessionState, Tensors
from model.layers import KeysValues
from model.memory import Recollection, SpatialMemory
from model.mood import FADE_CHUNKS, faded, first_conditions, update_of
from model.sampler import SIGMAS, chunk_noise, euler_step
from model.session import PearlState
from model.silhouettes import with_crisp_outlines
from model.transformer import NUM_PATCHES, PATCH_COLUMNS, ChunkTokens, WorldTransformer
from model.walker import Walker
from model.warp import patch_coverage
from model.world.conditions import apply_update

STEPS_FIRST, STEPS_PAINT, STEPS_KNOWN = 12, 2, 1  # denoise passes: a first canvas, a part of one, sound alone
WHOLE_SHARE = 0.5  # unknown beyond this, a canvas is composed anew
PAINT_SHARE = 0.012  # gaps smaller than this are closed from their rims until the next painting
KNOWN_COVER = 0.999  # a patch known to this share is not painted
GAP_REACH_PX = 6
NEIGHBOURS = ((1, 0), (-1, 0), (0, 1), (0, -1))
GROUND_SNAP, SKY_SNAP = 0.04, 0.11  # nearness errors within these are the painter's, not the world's


class _Canvas(NamedTuple):
    """What the network is told of the canvas."""

    known_BVC: Tensor
    coverage_BVQ: Tensor
    is_known_BV: Tensor
    unknown_share: float
    azimuth_B: Tensor  # which column of the turn's patches it begins with


class PearlTransformer:
    """Implements model.interface.Transformer."""

    def __init__(self, network: WorldTransformer, codec: MapCodec, actors: ActorNetworks, chunk_s: float) -> None:
        self._network, self._codec, self._chunk_s = network.eval(), codec.eval(), chunk_s
        self._stage = Stage(actors, chunk_s)
        self._mean_maps = codec.mean_maps(PATCH_COLUMNS).clamp(0, 1)

    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> PearlState:
        conditions_V = first_conditions(seed, prompt, image)
        state = PearlState(
            seed=seed,
            chunk_idx=0,
            conditions_V=conditions_V,
            goal_V=conditions_V.clone(),
            walker=Walker(),
            memory=SpatialMemory(),
            cache=RollingCache(self._network.config),
        )
        if image is not None:
            self._remember_image(state, image)
        self._stage.set(state, prompt)
        return state

    def restore(self, snapshot: Tensors) -> PearlState:
        return PearlState.restore(self._network.config, snapshot)

    @torch.inference_mode()
    def step(self, states: Sequence[SessionState], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        """One session after another: a session's chunk cannot depend on who shares the call."""
        return [self._step_one(state, each) for state, each in zip(states, controls, strict=True)]  # pyright: ignore[reportArgumentType]

    def _step_one(self, state: PearlState, controls: ChunkControls) -> ChunkLatents:
        before, eye_before = state.walker, state.rig.eye(state.walker)
        moved = self._move(state, controls)
        eye = state.rig.eye(state.walker)
        prompt = self._network.project_prompt(state.conditions_V[None])
        control = self._control(state, before, controls)
        recollection = state.memory.recall(eye.standpoint)
        is_moving = (eye.x_m, eye.y_m) != (eye_before.x_m, eye_before.y_m)
        is_new_place = state.memory.is_new_place(eye.standpoint, is_moving)
        kept = recollection.strong_HW if is_new_place else recollection.strong_HW | recollection.weak_HW
        if not is_new_place and 1.0 - kept.float().mean().item() < PAINT_SHARE:
            recollection, filled = _fill_gaps(recollection, kept), kept
            kept = torch.ones_like(kept)
        else:
            filled = torch.ones_like(kept)
        canvas = self._describe(recollection, kept, eye.standpoint.column)
        finished = self._denoise(state, canvas, control, prompt)
        maps = self._compose(recollection.maps_MHW, kept, finished, canvas)
        self._write_cache(state, canvas, finished, control, prompt)
        state.memory.remember(eye.standpoint, maps, filled, is_new_place)
        view = self._stage.perform(state, controls, moved, maps)
        audio, voices = {"latents": finished.audio_BA[0].numpy().copy()}, self._stage.heard(state)
        if len(voices):
            audio["voices"] = voices
        state.chunk_idx += 1
        return self._latents(state, eye_before, view, audio)

    def _move(self, state: PearlState, controls: ChunkControls) -> tuple[float, float]:
        """Apply the controls to conditions, walker and camera. Returns the walker's step, in metres."""
        asked = [*controls.directives, *([] if controls.image is None else [controls.image])]
        for tensors in asked:
            state.set_goal(torch.from_numpy(apply_update(state.goal_V.numpy(), update_of(tensors))))
        if controls.image is not None:
            state.memory = SpatialMemory()
            self._remember_image(state, controls.image)
        state.goal_chunks = min(state.goal_chunks + 1, FADE_CHUNKS)
        state.conditions_V = faded(state.conditions_V, state.goal_V, state.goal_chunks)
        return self._stage.move(state, controls)

    def _remember_image(self, state: PearlState, image: Tensors) -> None:
        """Lay a picture's maps where the view is, as something seen."""
        eye = state.rig.eye(state.walker)
        row, column = eye.view_offset
        view = (slice(row, row + camera.VIEW_H), slice(column, column + camera.VIEW_W))
        maps, known = self._mean_maps.clone(), torch.zeros(camera.CANVAS_H, camera.CANVAS_W, dtype=torch.bool)
        maps[:, view[0], view[1]] = torch.from_numpy(image["maps"]).float() / 255
        known[view] = True
        maps = torch.where(known, _snap(maps), maps)
        maps[:, view[0], view[1]] = with_crisp_outlines(maps[:, view[0], view[1]], row)
        state.memory.remember(eye.standpoint, maps, known, is_new_place=True)

    def _control(self, state: PearlState, before: Walker, controls: ChunkControls) -> Tensor:
        axes = torch.tensor([[[controls.forward, controls.strafe, controls.yaw, controls.pitch]]])
        walked_m = state.walker.walked_m - before.walked_m
        speed, stride = torch.tensor([[walked_m / self._chunk_s]]), torch.tensor([[before.strides]])
        return control_features(axes, speed, stride, torch.tensor([[state.chunk_idx]]))[:, 0].float()

    def _describe(self, recollection: Recollection, kept_HW: Tensor, column: int) -> _Canvas:
        seen = recollection.strong_HW | recollection.weak_HW
        maps = torch.where(seen, recollection.maps_MHW, self._mean_maps)
        weak = recollection.weak_HW & ~kept_HW
        coverage = torch.cat([patch_coverage(kept_HW[None]), patch_coverage(weak[None])], -1)
        coverage = rearrange(coverage, "b r c q -> b (r c) q")
        known = rearrange(self._codec.encode(maps[None]), "b r c d -> b (r c) d")
        is_known = coverage[..., :4].mean(-1) > KNOWN_COVER
        azimuth = torch.tensor([column // camera.PATCH_PX])
        return _Canvas(known, coverage, is_known, 1.0 - kept_HW.float().mean().item(), azimuth)

    def _denoise(self, state: PearlState, canvas: _Canvas, control: Tensor, prompt: list[KeysValues]) -> ChunkTokens:
        """The denoise pass: noise to a finished chunk in a few steps. The cache is only read."""
        config = self._network.config
        known = canvas.is_known_BV[..., None]
        noise = chunk_noise(state.seed, state.chunk_idx, "video", (1, NUM_PATCHES, config.latent_dims))
        video = torch.where(known, canvas.known_BVC, noise)
        audio = chunk_noise(state.seed, state.chunk_idx, "audio", (1, config.audio_dims))
        sigmas, past = SIGMAS[_num_steps(canvas.unknown_share)], state.cache.past()
        for sigma, next_sigma in pairwise(sigmas):
            tokens = self._tokens(video, audio, canvas, sigma, control)
            velocity, _ = self._network(tokens, prompt, past)
            video = torch.where(known, video, euler_step(video, velocity.video_BVC, sigma, next_sigma))
            audio = euler_step(audio, velocity.audio_BA, sigma, next_sigma)
        return self._tokens(video, audio, canvas, 0.0, control)

    def _write_cache(
        self, state: PearlState, canvas: _Canvas, finished: ChunkTokens, control: Tensor, prompt: list[KeysValues]
    ) -> None:
        """The cache pass: the finished chunk goes through once more, and its keys are kept."""
        _, kept = self._network(finished, prompt, state.cache.past())
        state.cache.append(kept)

    @staticmethod
    def _tokens(video: Tensor, audio: Tensor, canvas: _Canvas, sigma: float, control: Tensor) -> ChunkTokens:
        video_sigma = torch.where(canvas.is_known_BV, 0.0, sigma)
        return ChunkTokens(
            video, canvas.known_BVC, canvas.coverage_BVQ, video_sigma, audio, torch.full((1,), sigma), control,
            canvas.azimuth_B,
        )  # fmt: skip

    def _compose(self, known_MHW: Tensor, kept_HW: Tensor, finished: ChunkTokens, canvas: _Canvas) -> Tensor:
        """Memory where it is to be kept, what was painted elsewhere."""
        if canvas.unknown_share == 0.0:
            return known_MHW
        grid = rearrange(finished.video_BVC, "b (r c) d -> b r c d", c=PATCH_COLUMNS)
        return torch.where(kept_HW, known_MHW, with_crisp_outlines(_snap(self._codec.decode(grid)[0])))

    @staticmethod
    def _latents(state: PearlState, eye_before: Walker, view_MHW: Tensor, audio: Tensors) -> ChunkLatents:
        eye = state.rig.eye(state.walker)
        turn = np.array([eye.yaw_px - eye_before.yaw_px, eye.pitch_px - eye_before.pitch_px], np.int32)
        video = {
            "maps": (view_MHW * 255).round().to(torch.uint8).numpy(),
            "conditions": state.conditions_V.numpy().copy(),
            "first_row": np.array([eye.view_offset[0]], np.int32),
            "turn_px": turn,
        }
        return ChunkLatents(chunk_idx=state.chunk_idx - 1, video=video, audio=audio, pose=eye.pose)


def _fill_gaps(recollection: Recollection, kept_HW: Tensor) -> Recollection:
    """Close small gaps from their rims, pixel by pixel; what no rim reaches stays as it is. The farther
    side wins: a gap is what stood hidden behind something."""
    maps, known = recollection.maps_MHW, kept_HW
    for _ in range(GAP_REACH_PX):
        if bool(known.all()):
            break
        near = torch.where(known, maps[camera.NEARNESS], torch.full((), torch.inf))
        choices = torch.stack([_shifted(near, *step, torch.inf) for step in NEIGHBOURS])
        farthest = choices.argmin(0)
        reached = choices.amin(0).isfinite() & ~known
        beside = torch.stack([_shifted(maps, *step, 0.0) for step in NEIGHBOURS])
        taken = torch.gather(beside, 0, farthest.expand(1, *maps.shape))[0]
        maps, known = torch.where(reached, taken, maps), known | reached
    everything = torch.ones_like(kept_HW)
    return Recollection(maps, everything, torch.zeros_like(everything))


def _shifted(field: Tensor, down: int, right: int, outside: float) -> Tensor:
    """A field whose pixels show their neighbour above (down 1) or to the left (right 1), and so on."""
    height, width = field.shape[-2:]
    padded = torch.nn.functional.pad(field, (1, 1, 1, 1), value=outside)
    return padded[..., 1 - down : 1 - down + height, 1 - right : 1 - right + width]


def _num_steps(unknown_share: float) -> int:
    if unknown_share > WHOLE_SHARE:
        return STEPS_FIRST
    return STEPS_PAINT if unknown_share > 0.0 else STEPS_KNOWN


def _snap(maps_MHW: Tensor) -> Tensor:
    """Ground that is nearly where the ground must be lies on it, and a far-away sky is far away:
    memory reprojects by nearness, so its small errors would tear the picture."""
    near = maps_MHW[camera.NEARNESS]
    ground = camera.nearness(camera.ground_distance_m(camera.row_slope(near.shape[0])))[:, None].expand_as(near)
    near = torch.where((ground > 0) & ((near - ground).abs() < GROUND_SNAP), ground, near)
    near = torch.where((ground == 0) & (near < SKY_SNAP), torch.zeros(()), torch.maximum(near, ground))
    return torch.cat([maps_MHW[: camera.NEARNESS], near[None], maps_MHW[camera.NEARNESS + 1 :]])
