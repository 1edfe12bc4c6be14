"""Parts that are run one after the other, in as many calls as it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.gpu.plan import RESULTS, Part, plan
from bench.gpu.suite import FILE, TIMED_OUT, SuiteConfig, read_state, run_part, run_suite
from bench.gpu.wheels import FOLDERS, pinned
from bench.hardware import ROOT


def part(name: str, code: str, limit_s: float = 60.0) -> Part:
    return Part(name=name, command=("-c", code, RESULTS), limit_s=limit_s)


WELL = part("well", "import sys; open(sys.argv[1] + '/a.json', 'w').write('{\"figure\": 3}'); print('said')")
WRONG = part("wrong", "raise SystemExit('it went wrong')")


def test_what_a_part_wrote_and_said_is_kept() -> None:
    found = run_part(WELL, 60.0)
    assert (found["status"], found["results"], found["tail"]) == (0, [{"figure": 3}], "said\n")


def test_a_part_that_takes_too_long_is_ended_and_what_it_said_is_kept() -> None:
    found = run_part(part("slow", "import time; print('so far'); time.sleep(60)"), 4.0)
    assert (found["status"], found["tail"]) == (TIMED_OUT, "so far\n")


def test_the_next_call_runs_what_did_not_go_well(tmp_path: Path) -> None:
    first = run_suite([WELL, WRONG], SuiteConfig(folder=tmp_path / "1", seconds=300.0), lambda _: None)
    assert {name: each["status"] for name, each in first.items()} == {"well": 0, "wrong": 1}
    assert "it went wrong" in first["wrong"]["tail"]
    said: list[str] = []
    after = tmp_path / "1" / FILE
    second = run_suite([WELL, WRONG], SuiteConfig(folder=tmp_path / "2", seconds=300.0, after=after), said.append)
    assert not any(line.startswith("well") for line in said)
    assert read_state(tmp_path / "2" / FILE) == second
    assert second["well"] == first["well"]


def test_nothing_is_begun_without_time_for_it(tmp_path: Path) -> None:
    said: list[str] = []
    assert run_suite([WELL], SuiteConfig(folder=tmp_path, seconds=1.0), said.append) == {}
    assert said == [f"well: no time left; go on with --after {tmp_path / FILE}"]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(json.dumps({"benchmark": "soak"}))
    with pytest.raises(ValueError, match="holds no parts"):
        read_state(file)


@pytest.mark.parametrize("is_rehearsal", [True, False])
def test_every_part_has_its_name_and_ends_within_a_call(is_rehearsal: bool) -> None:
    parts = plan(is_rehearsal=is_rehearsal)
    assert len({each.name for each in parts}) == len(parts)
    assert max(each.limit_s for each in parts) < 10 * 60
    assert all((ROOT / path).exists() for each in parts for path in each.command if path.startswith("tests/"))
    devices = {each.command[each.command.index("--device") + 1] for each in parts if "--device" in each.command}
    assert devices == {"cpu" if is_rehearsal else "cuda"}


def test_a_rehearsal_takes_every_way() -> None:
    ways = [{each for each in part.command if each.startswith("-")} for part in plan(is_rehearsal=False)]
    rehearsed = [{each for each in part.command if each.startswith("-")} for part in plan(is_rehearsal=True)]
    assert all(any(way <= other for other in rehearsed) for way in ways)


def test_what_is_brought_along_is_pinned() -> None:
    for packages in FOLDERS.values():
        found = pinned((ROOT / "constraints.txt").read_text(), packages)
        assert [each.split("==")[0].lower() for each in found] == list(packages)
    with pytest.raises(ValueError, match="pins no cffi"):
        pinned("torch==2.13.0\n", ["cffi", "torch"])
