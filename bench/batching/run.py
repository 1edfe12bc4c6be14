"""All measures of sessions that step together, run and told. Needs no service."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from rich.progress import Progress

from bench.batching.bookkeeping import BookkeepingFigures, measure_bookkeeping
from bench.batching.flatness import FlatnessFigures, measure_flatness
from bench.batching.recaching import RecacheFigures, measure_recaching
from bench.batching.steps import StepFigures, measure_steps
from bench.results import Result
from model.interface import Profile
from serving.models import load_model

MS = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchingConfig:
    model: str = "pearl-xs"
    sessions: int = 4
    rounds: int = 60  # chunks of every session, of each measure
    chunks: int = 100_000  # of the flat run; 0 leaves it out


def bench_batching(config: BatchingConfig) -> Result:
    torch.set_num_threads(1)
    profiles = {profile: load_model(config.model, profile) for profile in (Profile.EXACT, Profile.FAST)}
    steps = {profile: measure_steps(model, config.sessions, config.rounds) for profile, model in profiles.items()}
    books = {profile: measure_bookkeeping(model, config.sessions, config.rounds) for profile, model in profiles.items()}
    recaching = measure_recaching(profiles[Profile.EXACT], config.rounds)
    flat = _flatness(config.chunks) if config.chunks else None
    exact_s = steps[Profile.EXACT].alone_cpu_s
    return Result(
        benchmark="batching",
        model=config.model,
        settings={"sessions": config.sessions, "rounds": config.rounds, "chunks": config.chunks, "threads": 1},
        figures={
            "steps": {str(profile): _fields(each) for profile, each in steps.items()},
            "fast_together_share_of_exact_alone": steps[Profile.FAST].together_cpu_s / exact_s,
            "bookkeeping": {str(profile): _fields(each) for profile, each in books.items()},
            "recaching": dataclasses.asdict(recaching) | {"cost_s": recaching.cost_s},
            "flatness": None if flat is None else dataclasses.asdict(flat),
        },
        summary=(
            *(_step_sentence(each) for each in steps.values()),
            f"fast together against exact alone: {steps[Profile.FAST].together_cpu_s / exact_s:.0%} (aim: <= 80 %)",
            *(_book_sentence(str(profile), each) for profile, each in books.items()),
            _recache_sentence(recaching),
            *(() if flat is None else (_flat_sentence(flat),)),
        ),
        faults=() if steps[Profile.EXACT].is_same else ("exact sessions came out otherwise together than alone",),
    )


def _flatness(num_chunks: int) -> FlatnessFigures:
    with Progress(transient=True) as progress:
        task = progress.add_task("the flat run", total=num_chunks)
        return measure_flatness(num_chunks, lambda done: progress.update(task, completed=done))


def _fields(figures: StepFigures | BookkeepingFigures) -> dict[str, Any]:
    return dataclasses.asdict(figures) | {"share": figures.share}


def _step_sentence(step: StepFigures) -> str:
    apart = "the same to the bit" if step.is_same else f"up to {step.maps_mean_difference:.2f} of 255 apart on average"
    return (
        f"{step.profile}: a step of {step.num_sessions} takes {step.together_cpu_s * MS:.1f} ms, {step.num_sessions} "
        f"steps of one {step.alone_cpu_s * MS:.1f} ms: {step.share:.0%}; {step.num_chunks} chunks each, {apart}"
    )


def _book_sentence(profile: str, books: BookkeepingFigures) -> str:
    return (
        f"{profile}: the engine beside its steps takes {books.share:.1%} of their time (aim: <= 3 %), "
        f"{books.num_sessions} sessions, a move and a look each for every chunk"
    )


def _recache_sentence(recaching: RecacheFigures) -> str:
    return (
        f"a directive that makes the window again costs {recaching.cost_s * MS:.1f} ms, once: its chunk takes "
        f"{recaching.recached_cpu_s * MS:.1f} ms, and {recaching.plain_cpu_s * MS:.1f} ms where it does not "
        f"({recaching.num_chunks} chunks each)"
    )


def _flat_sentence(flat: FlatnessFigures) -> str:
    return (
        f"{flat.model}, {flat.num_chunks} chunks ({flat.world_hours:.1f} h of world): "
        f"{flat.slope_mb_per_world_hour:+.2f} MB an hour (aim: < 1), {flat.memory_mb_first:.1f} to "
        f"{flat.memory_mb_last:.1f} MB; step {flat.step_cpu_s_first * MS:.2f} to {flat.step_cpu_s_last * MS:.2f} ms"
    )
