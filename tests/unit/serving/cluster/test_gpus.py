from __future__ import annotations

from typing import Any

import pytest

from serving.cluster.gpus import actor_options, gpus_of
from serving.config import LAPTOP_PROCESSES, ServiceConfig
from serving.stages.stage import DECODERS, Stage

APART = (frozenset({Stage.ENCODER, Stage.TRANSFORMER}), DECODERS)
ALL_APART = tuple(frozenset({stage}) for stage in Stage)


def asked(num_gpus: float, **settings: Any) -> tuple[float, ...]:
    return gpus_of(ServiceConfig(**{"model": "wan-1.3b@/weights", "profile": "fast", **settings}), num_gpus)


@pytest.mark.parametrize("processes", [LAPTOP_PROCESSES, APART, ALL_APART])
def test_nothing_is_asked_for_where_there_is_no_gpu(processes: tuple[frozenset[Stage], ...]) -> None:
    assert not any(asked(0, processes=processes))
    assert not any(asked(0, processes=processes, replicas=3, ranks=2))
    assert actor_options(0.0) == {}


@pytest.mark.parametrize("model", ["pearl-xs", "tests.fakes_model:load"])
def test_models_that_run_on_a_processor_are_given_none(model: str) -> None:
    assert asked(8, processes=APART, model=model) == (0, 0)


def test_stages_that_share_a_process_share_its_gpu() -> None:
    assert asked(1) == (1.0,)
    assert asked(8, replicas=4) == (1.0,)
    assert actor_options(1.0) == {"num_gpus": 1.0}


def test_decoders_in_a_process_of_their_own_get_one_of_their_own() -> None:
    assert asked(2, processes=APART) == (1.0, 1.0)


def test_silence_needs_no_gpu() -> None:
    by_process = dict(zip(ALL_APART, asked(3, processes=ALL_APART), strict=True))
    assert by_process[frozenset({Stage.AUDIO_DECODER})] == 0
    assert sum(by_process.values()) == 3


def test_each_rank_has_a_gpu() -> None:
    assert asked(4, ranks=4) == (4.0,)
    assert asked(3, processes=APART, ranks=2) == (2.0, 1.0)


def test_where_there_are_too_few_it_is_for_the_operator_to_say_who_shares() -> None:
    with pytest.raises(RuntimeError, match=r"want 2 GPUs and there are 1: say in `gpus`"):
        asked(1, processes=APART)
    assert asked(1, processes=APART, gpus=(0.7, 0.3)) == (0.7, 0.3)
    with pytest.raises(RuntimeError, match="want 2 GPUs and there are 1"):
        asked(1, processes=APART, gpus=(0.7, 0.3), replicas=2)
    assert asked(0.3, gpus=(0.1,), replicas=3) == (0.1,)  # 0.30000000000000004


def test_what_is_named_is_asked_for_whatever_the_model_is() -> None:
    assert asked(2, gpus=(2.0,), model="tests.fakes_model:load") == (2.0,)
    assert asked(2, gpus=(0.0, 0.0), processes=APART) == (0.0, 0.0)
    with pytest.raises(RuntimeError, match="there are 0"):
        asked(0, gpus=(1.0,))
