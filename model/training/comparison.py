"""How what few steps paint compares with what the teacher paints from the same noise, and with the training world.

Letters: B scenes, V patches, C latent dims, M maps, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from einops import rearrange
from torch import Tensor

from model import camera
from model.codec import MapCodec
from model.sampler import SIGMAS, euler_step
from model.training.lessons import opening, scene_of
from model.training.samples import SequenceBatch
from model.training.teacher import Scene, Teacher
from model.transformer import PATCH_COLUMNS, WorldTransformer

SCALES_PX = {"edges": 1, "small": 4, "large": 16}  # columns that are averaged before neighbours are compared


class Likeness(NamedTuple):
    """Of canvases: how far from the teacher's, and their detail as a share of the training world's."""

    distance: float  # root mean square of latents, over what was not known
    detail: dict[str, float]  # by scale


class Held(NamedTuple):
    """Scenes to compare on, noise to begin with, and what came of it the teacher's way."""

    scene: Scene
    video_BVC: Tensor
    audio_BA: Tensor
    taught_BVC: Tensor
    true_BVC: Tensor


def held(teacher: Teacher, batch: SequenceBatch, num_past: int, generator: torch.Generator) -> Held:
    scene = scene_of(batch, teacher.past(batch, num_past))
    video = torch.randn(batch.true_BVC.shape, generator=generator)
    audio = torch.randn(batch.audio_BTA[:, -1].shape, generator=generator)
    return Held(scene, video, audio, teacher.way(scene, video, audio)[0.0].video_BVC, batch.true_BVC)


@torch.no_grad()
def painted(network: WorldTransformer, on: Held, sigmas: tuple[float, ...]) -> Tensor:
    """Latents of the canvases, by a step from each level to the next."""
    video, audio = sigmas[0] * on.video_BVC, sigmas[0] * on.audio_BA
    for sigma, after in pairwise(sigmas):
        velocity, _ = on.scene.velocity(network, video, audio, torch.full((len(audio),), sigma))
        change = torch.tensor(after - sigma)
        video, audio = euler_step(video, velocity.video_BVC, change), euler_step(audio, velocity.audio_BA, change)
    return video


def likeness(video_BVC: Tensor, on: Held, codec: MapCodec) -> Likeness:
    unknown_BV = ~on.scene.is_known
    distance = (video_BVC - on.taught_BVC)[unknown_BV].square().mean().sqrt().item()
    own, true = (_detail(latents, unknown_BV, on.scene, codec) for latents in (video_BVC, on.true_BVC))
    return Likeness(distance, {name: own[name] / true[name] for name in SCALES_PX})


@torch.no_grad()
def _detail(video_BVC: Tensor, unknown_BV: Tensor, scene: Scene, codec: MapCodec) -> dict[str, float]:
    """By scale, how much neighbours beside each other differ where nothing was known."""
    latents = torch.where(unknown_BV[..., None], video_BVC, scene.known_BVC)
    grey_BHW = codec.decode(rearrange(latents, "b (r c) d -> b r c d", c=PATCH_COLUMNS))[:, : camera.NEARNESS].mean(1)
    mask_BRC = rearrange(unknown_BV, "b (r c) -> b r c", c=PATCH_COLUMNS).float()
    mask_BHW = mask_BRC.repeat_interleave(camera.PATCH_PX, 1).repeat_interleave(camera.PATCH_PX, 2)
    made = {}
    for name, scale_px in SCALES_PX.items():
        blocks, known = (
            rearrange(field, "b h (w p) -> b h w p", p=scale_px).mean(-1) for field in (grey_BHW, mask_BHW)
        )
        both = known[..., 1:] * known[..., :-1]
        made[name] = ((blocks.diff(dim=-1).abs() * both).sum() / both.sum().clamp_min(1)).item()
    return made


def report(
    network: WorldTransformer, teacher: Teacher, batch: SequenceBatch, unseen_BVC: Tensor, codec: MapCodec
) -> Iterator[str]:
    """A line for the teacher and one for every row of `SIGMAS`, for first canvases and for parts of one."""
    generator = torch.Generator().manual_seed(0)
    kinds = {
        "first canvases": held(teacher, opening(batch, unseen_BVC, generator), 0, generator),
        "parts of one": held(teacher, batch, 1, generator),
    }
    for kind, on in kinds.items():
        yield f"{kind}, teacher: {_told(likeness(on.taught_BVC, on, codec))}"
        for steps in sorted(SIGMAS, reverse=True):
            yield f"{kind}, {steps} steps: {_told(likeness(painted(network, on, SIGMAS[steps]), on, codec))}"


def _told(found: Likeness) -> str:
    detail = " ".join(f"{name} {share:.2f} x" for name, share in found.detail.items())
    return f"{detail} of the training world's, {found.distance:.3f} off the teacher's"
