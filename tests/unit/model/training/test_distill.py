"""Few steps in place of many: the teacher's way, the lessons cut from it, and that a pupil learns them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import torch

from model.cache import empty_past
from model.codec import CodecConfig, MapCodec
from model.control import NUM_CONTROL_FEATURES
from model.sampler import SIGMAS, euler_step
from model.training.comparison import held, likeness, painted
from model.training.distill import Losses, advance, distillation_loss, part_way
from model.training.lessons import OPENING_ROWS, PAINTING_ROWS, Classroom, known_in_full, opening, scene_of
from model.training.pictures import START_COLUMN
from model.training.samples import CHUNKS, SequenceBatch
from model.training.teacher import Scene, State, Teacher, levels
from model.training.transformer import Run
from model.transformer import COVERAGE_NUMBERS, NUM_PATCHES, TransformerConfig, WorldTransformer
from model.world.conditions import NUM_VALUES
from tests.networks import stirred_network

CONFIG = TransformerConfig(
    latent_dims=6, audio_dims=5, control_features=NUM_CONTROL_FEATURES, dim=32, layers=2, heads=2, mlp_ratio=2,
    registers=2, sink_chunks=1, window_chunks=2,
)  # fmt: skip
UNSEEN = torch.zeros(1, NUM_PATCHES, 6)


def batch_of(count: int, seed: int = 0) -> SequenceBatch:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(count, *shape, generator=generator)

    coverage = torch.zeros(count, NUM_PATCHES, COVERAGE_NUMBERS)
    coverage[:, :30, :4] = 1.0  # known well, the next ten by half
    coverage[:, 30:40, :2] = 1.0
    true = draw(NUM_PATCHES, 6)
    return SequenceBatch(
        true, torch.where(coverage[..., :1] > 0, true, torch.zeros(())), coverage, draw(NUM_VALUES).sigmoid(),
        draw(CHUNKS, 5), draw(CHUNKS, NUM_CONTROL_FEATURES), torch.full((count,), 7),
    )  # fmt: skip


def alone(batch: SequenceBatch) -> Scene:
    return scene_of(batch, empty_past(CONFIG, batch.true_BVC))


@pytest.fixture(scope="module")
def network() -> WorldTransformer:
    return stirred_network(CONFIG)


@pytest.fixture(autouse=True)
def few_steps_a_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.training.distill.STEPS_A_WAY", 3)


def run_of(network: WorldTransformer, seed: int) -> tuple[Run, Classroom]:
    run = Run(CONFIG, seed, 1e-3, 10.0)
    run.begin_with(network.state_dict())
    return run, Classroom(Teacher(network, 0.5), UNSEEN, run.generator)


def learn(run: Run, classroom: Classroom, batches: range) -> list[Losses]:
    return [losses for seed in batches for losses in advance(run, classroom, batch_of(2, seed), 1e-3)]


def test_no_row_of_levels_takes_more_than_four_steps_or_shares_a_level_with_another() -> None:
    assert set(SIGMAS) == {1, 2, 3, 4}
    stops = [level for row in SIGMAS.values() for level in row[:-1]]
    assert len(stops) == len(set(stops)) == sum(SIGMAS)
    for steps, row in SIGMAS.items():
        assert len(row) == steps + 1
        assert row[-1] == 0.0
        assert all(before > after for before, after in pairwise(row))


def test_a_teacher_stops_wherever_a_row_does_and_takes_many_more_steps() -> None:
    sigmas = levels()
    assert sigmas[0] == 1.0
    assert sigmas[-1] == 0.0
    assert {level for row in SIGMAS.values() for level in row[1:]} <= set(sigmas)
    assert len(sigmas) - 1 >= 3 * max(SIGMAS)


def test_an_unguided_way_is_the_networks_own_and_a_guided_one_goes_beyond_it(network: WorldTransformer) -> None:
    batch = batch_of(2)
    scene, noise = alone(batch), torch.randn(2, NUM_PATCHES, 6)
    plain, guided = Teacher(network, 0.0), Teacher(network, 0.5)
    way = plain.way(scene, noise, batch.audio_BTA[:, -1])
    first, second = levels()[:2]
    with torch.no_grad():
        own, _ = scene.velocity(plain.network, noise, batch.audio_BTA[:, -1], torch.ones(2))
    expected = euler_step(noise, own.video_BVC, torch.tensor(second - first))
    torch.testing.assert_close(way[second].video_BVC, expected)
    other = guided.way(scene, noise, batch.audio_BTA[:, -1])[second]
    assert (other.video_BVC - expected).abs().max() > 1e-3
    torch.testing.assert_close(other.audio_BA, way[second].audio_BA)


def test_a_lessons_step_ends_where_the_teacher_is_at_the_next_level(
    network: WorldTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[Mapping[float, State]] = []

    def recorded(*arguments: Any) -> Mapping[float, State]:
        ways.append(go_way(*arguments))
        return ways[-1]

    go_way = Teacher.way
    monkeypatch.setattr(Teacher, "way", recorded)
    _, classroom = run_of(network, 3)
    [lesson] = classroom.lessons(batch_of(8), 1)
    num_known = len(lesson.kept[0].k_BLNK)
    assert (lesson.weight_BV[:num_known] == 0).all()
    practised = {**OPENING_ROWS, **PAINTING_ROWS}
    ends = {level: after for steps in practised for level, after in pairwise(SIGMAS[steps])}
    for idx in range(8):
        row = num_known + idx
        level = min(ends, key=lambda each: abs(each - lesson.sigma_B[row].item()))
        change = torch.tensor(ends[level] - level)
        end = euler_step(lesson.start.video_BVC[row], lesson.velocity_BVC[row], change)
        torch.testing.assert_close(end, ways[0][ends[level]].video_BVC[idx], atol=1e-5, rtol=1e-4)


def test_a_way_that_opens_a_session_knows_nothing_and_looks_ahead() -> None:
    batch = opening(batch_of(4), UNSEEN + 0.5, torch.Generator().manual_seed(0))
    assert not batch.coverage_BVQ.any()
    assert (batch.known_BVC == 0.5).all()
    assert (batch.azimuth_B == START_COLUMN // 16).all()


def test_what_is_known_carries_no_noise(network: WorldTransformer) -> None:
    batch = batch_of(2)
    tokens = alone(batch).tokens(torch.full((2, NUM_PATCHES, 6), 9.0), batch.audio_BTA[:, -1], torch.ones(2))
    assert (tokens.video_sigma_BV[:, :30] == 0).all()
    assert (tokens.video_sigma_BV[:, 30:] == 1).all()
    torch.testing.assert_close(tokens.video_BVC[:, :30], batch.known_BVC[:, :30])
    assert known_in_full(alone(batch), batch, 1).is_known.all()


def test_a_pupil_that_is_the_teacher_keeps_sound_and_cache_and_has_steps_to_learn(network: WorldTransformer) -> None:
    _, classroom = run_of(network, 0)
    [lesson] = classroom.lessons(batch_of(8), 1)
    with torch.no_grad():
        loss = distillation_loss(Teacher(network, 0.0).network, lesson)
    assert loss.cache < 1e-6
    assert loss.audio < 0.05
    assert loss.video > loss.audio


def test_the_loss_curve_is_the_seeds(network: WorldTransformer) -> None:
    one, two, other = (learn(*run_of(network, seed), range(2)) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_a_distillation_goes_on_where_it_was_interrupted(network: WorldTransformer) -> None:
    run, classroom = run_of(network, 1)
    learn(run, classroom, range(1))
    file = io.BytesIO()
    torch.save(run.state(), file)
    uninterrupted = learn(run, classroom, range(1, 3))
    resumed, its_classroom = run_of(network, 9)
    file.seek(0)
    resumed.resume(torch.load(file, weights_only=True))
    assert learn(resumed, its_classroom, range(1, 3)) == uninterrupted


def test_a_pupil_learns(network: WorldTransformer) -> None:
    run, classroom = run_of(network, 1)
    [lesson] = classroom.lessons(batch_of(4), 1)
    losses = []
    for _ in range(10):
        loss = distillation_loss(run.net, lesson).total
        losses.append(loss.item())
        run.descend(loss, 2e-4)
    assert losses[-1] < 0.9 * losses[0]


def test_the_teachers_own_canvas_is_no_way_off_and_more_steps_are_nearer_to_it_than_one(
    network: WorldTransformer,
) -> None:
    on = held(Teacher(network, 0.0), batch_of(4), 1, torch.Generator().manual_seed(0))
    codec = MapCodec(CodecConfig(latent_dims=6, grid_channels=8, channels=8))
    torch.nn.init.normal_(codec.basis_PD, std=0.02)
    same = likeness(on.taught_BVC, on, codec)
    one, four = (likeness(painted(network, on, SIGMAS[steps]), on, codec).distance for steps in (1, 4))
    assert same.distance == 0.0
    assert 0.0 < four < one
    blank = likeness(torch.zeros_like(on.taught_BVC), on, codec)
    assert blank.detail["edges"] < same.detail["edges"]


def test_what_is_written_lies_between_the_painter_and_its_pupil() -> None:
    painter = {"a": torch.tensor([1.0, 2.0], dtype=torch.float16)}
    pupil = {"a": torch.tensor([3.0, 6.0]), "new": torch.tensor([5.0])}
    written = part_way(painter, pupil, 0.25)
    assert written["a"].tolist() == [1.5, 3.0]
    assert written["new"].tolist() == [5.0], "the painter has none"
    assert part_way(painter, pupil, 1.0)["a"].tolist() == [3.0, 6.0]
