"""Pearl's transformer stage: one chunk after another, from memory, controls and conditions.

A step: the controls move the camera; memory shows what it knows of the new canvas; the denoise
pass (the cache only read) paints what is unknown and makes the sound; the cache pass writes the
finished chunk's sound and registers to the cache (model.denoising has both); the canvas is
remembered. Whoever moves by itself is laid over the view last and never remembered.

In the exact profile sessions pass through the network one after the other: a chunk cannot depend,
to the bit, on who shares the call. In the fast profile they share its passes, and a chunk is
within `FAST_TOLERANCE` of what it would be alone.

Letters: M maps, H rows, W columns, V patches, C latent dims.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from model import camera
from model.actors.networks import ActorNetworks
from model.actors.stage import Stage
from model.cache import RollingCache, page_pool
from model.clean_window import CleanWindow
from model.codec import MapCodec
from model.control import control_features
from model.denoising import Canvas, CleanChunk, Finished, Job, denoise
from model.gaps import fill_gaps
from model.interface import ChunkControls, ChunkLatents, Profile, SessionState, Tensors
from model.layers import KeysValues
from model.memory import Recollection, SpatialMemory
from model.mood import FADE_CHUNKS, faded, first_conditions, update_of
from model.recaching import recaches
from model.sampler import num_steps
from model.session import PearlState, ProjectedPrompt
from model.silhouettes import with_crisp_outlines
from model.transformer import PATCH_COLUMNS, WorldTransformer
from model.walker import Walker
from model.warming import play_strangers
from model.warp import patch_coverage
from model.world.conditions import apply_update

STEPS_FIRST, STEPS_PAINT, STEPS_KNOWN = 4, 3, 1  # denoise passes: a first canvas, a part of one, sound alone
WHOLE_SHARE = 0.5  # unknown beyond this, a canvas is composed anew
PAINT_SHARE = 0.012  # gaps smaller than this are closed from their rims until the next painting
KNOWN_COVER = 0.999  # a patch known to this share is not painted
GROUND_SNAP, SKY_SNAP = 0.04, 0.11  # nearness errors within these are the painter's, not the world's


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far apart two chunks from the same state may be."""

    maps_mean: float  # mean difference of the view's 8-bit maps
    audio: float  # largest difference of sound latents, which have about unit variance


WARM_CHUNKS = 2  # the first paints a whole canvas, the second has a past
FAST_BATCH_SIZES = (1, 2, 3, 4, 6, 8, 12, 16)  # nothing is compiled for a size: all that are of use
# Half precision keeps three digits; what is painted anew goes through several passes of it.
FAST_TOLERANCE = Tolerance(maps_mean=1.0, audio=0.25)


class _Begun(NamedTuple):
    """A step before the network has its turn."""

    state: PearlState
    controls: ChunkControls
    eye_before: Walker
    moved: tuple[float, float]  # by the walker's own steps, in metres
    recollection: Recollection
    kept_HW: Tensor  # of the recollection, what stays as it is
    filled_HW: Tensor  # what may be remembered
    is_new_place: bool
    job: Job


class PearlTransformer:
    """Implements model.interface.Transformer."""

    def __init__(
        self,
        network: WorldTransformer,
        codec: MapCodec,
        actors: ActorNetworks,
        chunk_s: float,
        profile: Profile = Profile.EXACT,
    ) -> None:
        self._network, self._codec, self._chunk_s = network.eval(), codec.eval(), chunk_s
        self._profile = profile
        self._pool = page_pool(network.config, 1)  # grows, until somebody says how many sessions there will be
        self._stage = Stage(actors, chunk_s)
        self._mean_maps = codec.mean_maps(PATCH_COLUMNS).clamp(0, 1)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """In the exact profile sessions gain nothing by waiting for each other."""
        return FAST_BATCH_SIZES if self._profile is Profile.FAST else (1,)

    def prepare(self, num_sessions: int) -> None:
        """Take the pages of so many sessions at once, and never more. Before any is opened."""
        self._pool = page_pool(self._network.config, num_sessions, may_grow=False)

    def warm_up(self, num_sessions: int) -> None:
        """Implements model.interface.WarmingTransformer: steps that sessions share. What each takes alone is warm after
        its first chunk, which is made before anybody waits for the second."""
        sizes = [size for size in self.batch_sizes if 1 < size <= num_sessions]
        play_strangers(self, lambda seed: self.open(seed, None, None), sizes, WARM_CHUNKS)

    def park(self, state: SessionState) -> None:
        """Implements model.interface.ParkingTransformer."""
        _own(state).cache.park()

    def wake(self, state: SessionState) -> None:
        """Raises `PoolEmptyError`."""
        _own(state).cache.wake()

    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> PearlState:
        conditions_V = first_conditions(seed, prompt, image)
        state = PearlState(
            seed=seed,
            chunk_idx=0,
            conditions_V=conditions_V,
            goal_V=conditions_V.clone(),
            walker=Walker(),
            memory=SpatialMemory(),
            cache=RollingCache(self._network.config, self._pool),
        )
        if image is not None:
            self._remember_image(state, image)
        if recaches(prompt) or recaches(image):
            state.clean = CleanWindow()
        self._stage.set(state, prompt)
        return state

    def restore(self, snapshot: Tensors) -> PearlState:
        return PearlState.restore(self._network.config, snapshot, self._pool)

    @torch.inference_mode()
    def step(self, states: Sequence[SessionState], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        pairs: list[tuple[PearlState, ChunkControls]] = list(zip(states, controls, strict=True))  # pyright: ignore[reportAssignmentType]
        if self._profile is Profile.FAST:
            return self._step_together(pairs)
        return [latents for pair in pairs for latents in self._step_together([pair])]

    def _step_together(self, pairs: Sequence[tuple[PearlState, ChunkControls]]) -> list[ChunkLatents]:
        begun = [self._begin(state, controls) for state, controls in pairs]
        finished = denoise(self._network, [each.job for each in begun])
        painted = self._paint(begun, finished)
        return [self._end(*each) for each in zip(begun, finished, painted, strict=True)]

    def _begin(self, state: PearlState, controls: ChunkControls) -> _Begun:
        """Up to what the network is to do."""
        before, eye_before = state.walker, state.rig.eye(state.walker)
        moved = self._move(state, controls)
        eye = state.rig.eye(state.walker)
        recollection = state.memory.recall(eye.standpoint)
        is_moving = (eye.x_m, eye.y_m) != (eye_before.x_m, eye_before.y_m)
        is_new_place = state.memory.is_new_place(eye.standpoint, is_moving)
        kept = recollection.strong_HW if is_new_place else recollection.strong_HW | recollection.weak_HW
        if not is_new_place and 1.0 - kept.float().mean().item() < PAINT_SHARE:
            recollection, filled = _without_gaps(recollection, kept), kept
            kept = torch.ones_like(kept)
        else:
            filled = torch.ones_like(kept)
        canvas = self._describe(recollection, kept, eye.standpoint.column)
        job = Job(
            seed=state.seed,
            chunk_idx=state.chunk_idx,
            num_steps=num_steps(_whole_steps(canvas.unknown_share), controls.quality),
            canvas=canvas,
            control_BE=self._control(state, before, controls),
            prompt=self._prompt(state),
            past=state.cache.past(),
        )
        return _Begun(state, controls, eye_before, moved, recollection, kept, filled, is_new_place, job)

    def _end(self, begun: _Begun, finished: Finished, maps_MHW: Tensor) -> ChunkLatents:
        """From what the network did: remember it, and let everybody perform on it."""
        state = begun.state
        if state.clean is None:
            state.cache.append(finished.kept)
        else:
            state.clean.append(state.cache, CleanChunk.of(begun.job, finished), finished.kept)
        standpoint = state.rig.eye(state.walker).standpoint
        grain_HW = torch.where(begun.kept_HW, begun.recollection.grain_HW, maps_MHW[camera.NEARNESS])
        state.memory.remember(standpoint, maps_MHW, grain_HW, begun.filled_HW, begun.is_new_place)
        view = self._stage.perform(state, begun.controls, begun.moved, maps_MHW)
        audio, voices = {"latents": finished.audio_BA[0].numpy().copy()}, self._stage.heard(state)
        if len(voices):
            audio["voices"] = voices
        state.chunk_idx += 1
        return self._latents(state, begun.eye_before, view, audio)

    def _move(self, state: PearlState, controls: ChunkControls) -> tuple[float, float]:
        """Apply the controls to conditions, walker and camera. Returns the walker's step, in metres."""
        asked = [*controls.directives, *([] if controls.image is None else [controls.image])]
        for tensors in asked:
            state.set_goal(torch.from_numpy(apply_update(state.goal_V.numpy(), update_of(tensors))))
        if controls.image is not None:
            state.memory = SpatialMemory()
            self._remember_image(state, controls.image)
        if any(map(recaches, asked)):
            self._recache(state)
        state.goal_chunks = min(state.goal_chunks + 1, FADE_CHUNKS)
        state.conditions_V = faded(state.conditions_V, state.goal_V, state.goal_chunks)
        return self._stage.move(state, controls)

    def _recache(self, state: PearlState) -> None:
        """Let the window have come about under what was asked for, also while the world still fades toward it."""
        if state.clean is None:
            state.clean = CleanWindow()
        state.clean.recache(self._network, state.cache, self._network.project_prompt(state.goal_V[None]))

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
        state.memory.remember(eye.standpoint, maps, maps[camera.NEARNESS], known, is_new_place=True)

    def _control(self, state: PearlState, before: Walker, controls: ChunkControls) -> Tensor:
        axes = torch.tensor([[[controls.forward, controls.strafe, controls.yaw, controls.pitch]]])
        walked_m = state.walker.walked_m - before.walked_m
        speed, stride = torch.tensor([[walked_m / self._chunk_s]]), torch.tensor([[before.strides]])
        return control_features(axes, speed, stride, torch.tensor([[state.chunk_idx]]))[:, 0].float()

    def _prompt(self, state: PearlState) -> list[KeysValues]:
        """Computed where the conditions changed since the chunk before: a directive fades in over two seconds."""
        conditions_V = state.conditions_V
        if state.prompt is None or not torch.equal(state.prompt.conditions_V, conditions_V):
            state.prompt = ProjectedPrompt(conditions_V, self._network.project_prompt(conditions_V[None]))
        return state.prompt.keys_values

    def _describe(self, recollection: Recollection, kept_HW: Tensor, column: int) -> Canvas:
        seen = recollection.strong_HW | recollection.weak_HW
        maps = torch.where(seen, recollection.maps_MHW, self._mean_maps)
        weak = recollection.weak_HW & ~kept_HW
        coverage = torch.cat([patch_coverage(kept_HW[None]), patch_coverage(weak[None])], -1)
        coverage = rearrange(coverage, "b r c q -> b (r c) q")
        known = rearrange(self._codec.encode(maps[None]), "b r c d -> b (r c) d")
        is_known = coverage[..., :4].mean(-1) > KNOWN_COVER
        azimuth = torch.tensor([column // camera.PATCH_PX])
        return Canvas(known, coverage, is_known, 1.0 - kept_HW.float().mean().item(), azimuth)

    def _paint(self, begun: Sequence[_Begun], finished: Sequence[Finished]) -> list[Tensor]:
        """maps_MHW of each canvas: memory where it is to be kept, what was painted elsewhere."""
        maps = [each.recollection.maps_MHW for each in begun]
        rows = [row for row, each in enumerate(begun) if each.job.canvas.unknown_share != 0.0]
        if not rows:
            return maps
        grid = rearrange(torch.cat([finished[row].video_BVC for row in rows]), "b (r c) d -> b r c d", c=PATCH_COLUMNS)
        for row, painted in zip(rows, self._codec.decode(grid), strict=True):
            maps[row] = torch.where(begun[row].kept_HW, maps[row], with_crisp_outlines(_snap(painted)))
        return maps

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


def _own(state: SessionState) -> PearlState:
    assert isinstance(state, PearlState), "a state that this transformer gave"
    return state


def _without_gaps(recollection: Recollection, kept_HW: Tensor) -> Recollection:
    maps = fill_gaps(torch.cat([recollection.maps_MHW, recollection.grain_HW[None]]), kept_HW)  # the grain fills along
    everything = torch.ones_like(kept_HW)
    return Recollection(maps[:-1], maps[-1], everything, torch.zeros_like(everything))


def _whole_steps(unknown_share: float) -> int:
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
