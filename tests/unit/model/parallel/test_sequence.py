"""A sequence over several processes gives what one process gives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from model.parallel.sequence import WholeSequence, shares_of

ROOT = Path(__file__).parents[4]
SIZES = (2, 4)
TOLERANCE = 1e-9  # float64: sums in another order


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[dict[str, float]]]:
    output = tmp_path_factory.mktemp("ranks") / "found.jsonl"
    command = [sys.executable, "-m", "tests.unit.model.parallel.ranks", str(output), *map(str, SIZES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert output.exists(), done.stderr
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    return {line["size"]: line["differences"] for line in lines}


@pytest.mark.parametrize("network", ["block", "wan-tiny", "matrix-game-tiny", "abot-tiny"])
@pytest.mark.parametrize("size", SIZES)
def test_chunks_streamed_by_several_processes_are_those_of_one(
    found: dict[int, list[dict[str, float]]], size: int, network: str
) -> None:
    assert len(found[size]) == size
    assert max(each[network] for each in found[size]) <= TOLERANCE


def test_tokens_are_shared_out_evenly_and_all() -> None:
    assert shares_of(4_680, 4) == [1_170] * 4
    assert shares_of(7, 4) == [2, 2, 2, 1]
    with pytest.raises(ValueError, match="too few"):
        shares_of(3, 4)


def test_one_process_changes_nothing() -> None:
    whole, x = WholeSequence(), torch.ones(2, 5, 4, 8)
    assert whole.num_heads(12) == 12
    for same in (whole.split(x), whole.to_heads(x, 5), whole.to_tokens(x), whole.join(x, 5)):
        assert same is x
