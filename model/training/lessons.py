"""What a few-step pupil is set to learn: single steps, cut from the way its teacher goes in many.

Letters: B scenes, V patches, C latent dims, A audio dims.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from model import camera
from model.control import control_features
from model.layers import KeysValues
from model.sampler import SIGMAS
from model.training.pictures import START_COLUMN
from model.training.samples import CHUNKS, SequenceBatch
from model.training.teacher import STRONG, WHOLE_COVER, Scene, State, Teacher

OPENINGS = 0.4  # share of ways that open a session: nothing known, nothing cached
# How often each row of SIGMAS is practised: a first canvas takes 4 steps and a part of one 3; of a busy engine, half.
OPENING_ROWS: Mapping[int, float] = {4: 0.8, 2: 0.2}
PAINTING_ROWS: Mapping[int, float] = {4: 0.15, 3: 0.75, 1: 0.1}
PAST_CHUNKS = (1, CHUNKS - 1)  # at least and at most
KNOWN_SHARE = 0.125  # added to a batch: scenes that are known in full, for sound alone


class Lesson(NamedTuple):
    """Steps to be learnt, and what there is to be kept."""

    scene: Scene
    start: State
    sigma_B: Tensor
    velocity_BVC: Tensor  # from the teacher's start to where it is at the next level
    weight_BV: Tensor
    kept: list[KeysValues]  # of the scenes known in full, which stand first


def opening(batch: SequenceBatch, unseen_BVC: Tensor, generator: torch.Generator) -> SequenceBatch:
    """The same worlds at the first chunk of a session from words: nothing seen, mostly nobody walking."""
    count = len(batch.true_BVC)
    nothing = torch.zeros(count, 1)
    still = control_features(torch.zeros(count, 1, 4), nothing, nothing, nothing.long()).to(batch.control_BTE.dtype)
    is_still = torch.rand(count, 1, generator=generator) < 0.75
    control = torch.where(is_still, still[:, 0], batch.control_BTE[:, -1])
    return batch._replace(
        known_BVC=unseen_BVC.expand_as(batch.known_BVC),
        coverage_BVQ=torch.zeros_like(batch.coverage_BVQ),
        control_BTE=torch.cat([batch.control_BTE[:, :-1], control[:, None]], 1),
        azimuth_B=torch.full_like(batch.azimuth_B, START_COLUMN // camera.PATCH_PX),
    )


def scene_of(batch: SequenceBatch, past: list[KeysValues]) -> Scene:
    """The last chunk of each sequence."""
    return Scene(
        batch.known_BVC, batch.coverage_BVQ, batch.conditions_BV, batch.control_BTE[:, -1], batch.azimuth_B, past
    )


def known_in_full(scene: Scene, batch: SequenceBatch, count: int) -> Scene:
    """The first scenes as they are once they are painted."""
    rows = slice(0, count)
    return Scene(
        batch.true_BVC[rows], WHOLE_COVER.expand_as(batch.coverage_BVQ[rows]), batch.conditions_BV[rows],
        batch.control_BTE[rows, -1], batch.azimuth_B[rows],
        [KeysValues(block.k_BLNK[rows], block.v_BLNK[rows]) for block in scene.past],
    )  # fmt: skip


class Classroom:
    """Ways of the teacher, and lessons from them."""

    def __init__(self, teacher: Teacher, unseen_BVC: Tensor, generator: torch.Generator) -> None:
        self._teacher, self._unseen_BVC, self._generator = teacher, unseen_BVC, generator

    def lessons(self, batch: SequenceBatch, count: int) -> Iterator[Lesson]:
        """So many of one way that the teacher goes."""
        generator = self._generator
        is_opening = torch.rand((), generator=generator).item() < OPENINGS
        num_past = 0 if is_opening else int(torch.randint(PAST_CHUNKS[0], PAST_CHUNKS[1] + 1, (), generator=generator))
        past = self._teacher.past(batch, num_past)
        if is_opening:
            batch = opening(batch, self._unseen_BVC, generator)
        scene = scene_of(batch, past)
        video = torch.randn(batch.true_BVC.shape, generator=generator)
        audio = torch.randn(batch.audio_BTA[:, -1].shape, generator=generator)
        way = self._teacher.way(scene, video, audio)
        rows = OPENING_ROWS if is_opening else PAINTING_ROWS
        for _ in range(count):
            yield self._lesson(scene, batch, way, rows)

    def _lesson(
        self, scene: Scene, batch: SequenceBatch, way: Mapping[float, State], rows: Mapping[int, float]
    ) -> Lesson:
        count = len(batch.true_BVC)
        steps = [self._step(way, rows, row) for row in range(count)]
        start = State(*(torch.stack(fields) for fields in zip(*(step.start for step in steps), strict=True)))
        sigma_B = torch.tensor([step.sigma for step in steps])
        strong_BV = batch.coverage_BVQ[..., STRONG].mean(-1)
        weight_BV = torch.where(scene.is_known, torch.zeros(()), 0.25 + 0.75 * (1 - strong_BV))
        lesson = Lesson(scene, start, sigma_B, torch.stack([step.velocity for step in steps]), weight_BV, [])
        return self._with_known(lesson, batch, max(2, round(KNOWN_SHARE * count)))

    def _step(self, way: Mapping[float, State], rows: Mapping[int, float], scene_idx: int) -> _Step:
        """A random step of a random row."""
        shares = torch.tensor(list(rows.values()))
        row = SIGMAS[list(rows)[int(torch.multinomial(shares, 1, generator=self._generator))]]
        idx = int(torch.randint(0, len(row) - 1, (), generator=self._generator))
        before = way[1.0] if idx == 0 else way[row[idx]]
        scale = row[0] if idx == 0 else 1.0
        start = State(*(field[scene_idx] for field in before))
        start = start._replace(video_BVC=scale * start.video_BVC, audio_BA=scale * start.audio_BA)
        after = way[row[idx + 1]].video_BVC[scene_idx]
        return _Step(row[idx], start, (after - start.video_BVC) / (row[idx + 1] - row[idx]))

    @torch.no_grad()
    def _with_known(self, lesson: Lesson, batch: SequenceBatch, count: int) -> Lesson:
        """The lesson, begun by scenes known in full: half of them to make sound from noise, half for the cache."""
        scene = known_in_full(lesson.scene, batch, count)
        sigma_B = (torch.arange(count) % 2).float()
        clean_BA = batch.audio_BTA[:count, -1]
        noise_BA = torch.randn(clean_BA.shape, generator=self._generator)
        audio_BA = torch.where(sigma_B[:, None] > 0, noise_BA, clean_BA)
        own, kept = scene.velocity(self._teacher.network, scene.known_BVC, audio_BA, sigma_B)
        known = State(scene.known_BVC, audio_BA, own.audio_BA)
        return Lesson(
            _joined_scenes(scene, lesson.scene),
            State(*(torch.cat(pair) for pair in zip(known, lesson.start, strict=True))),
            torch.cat([sigma_B, lesson.sigma_B]),
            torch.cat([torch.zeros_like(scene.known_BVC), lesson.velocity_BVC]),
            torch.cat([torch.zeros(scene.known_BVC.shape[:2]), lesson.weight_BV]),
            kept,
        )


class _Step(NamedTuple):
    sigma: float
    start: State
    velocity: Tensor


def _joined_scenes(first: Scene, second: Scene) -> Scene:
    return Scene(
        torch.cat([first.known_BVC, second.known_BVC]),
        torch.cat([first.coverage_BVQ, second.coverage_BVQ]),
        torch.cat([first.conditions_BV, second.conditions_BV]),
        torch.cat([first.control_BE, second.control_BE]),
        torch.cat([first.azimuth_B, second.azimuth_B]),
        [
            KeysValues(*(torch.cat(pair) for pair in zip(one, two, strict=True)))
            for one, two in zip(first.past, second.past, strict=True)
        ],
    )
