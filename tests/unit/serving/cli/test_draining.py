"""Waiting for a worker to let go, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serving.catalogue.database import Database
from serving.catalogue.storage import prepare_storage, storage_config
from serving.catalogue.workers import DRAINED, DRAINING, LOST, UP, WorkerBeat, Workers
from serving.cli.app import app
from serving.cli.asking import FAULT, USAGE_ERROR
from serving.cli.draining import ENDED, POLL_S, DrainEnd, wait_drained
from tests.catalogues import held_session

BEAT = WorkerBeat(
    worker_id="box-1-a",
    model="fake",
    weights_sha256="0" * 64,
    num_slots=3,
    num_used_slots=2,
    state=UP,
    started_s=90.0,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare_storage(storage_config(str(tmp_path)))
    return tmp_path


@pytest.fixture
def workers(folder: Path) -> Iterator[Workers]:
    with Database(storage_config(str(folder)).catalogue_url) as database:
        yield Workers(database)


@dataclass(slots=True)
class Script:
    """Time that passes while one waits, and what happens then."""

    steps: Sequence[Callable[[], object]] = ()
    now_s: float = 0.0
    progress: list[int] = field(default_factory=list)
    num_sleeps: int = 0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if self.num_sleeps < len(self.steps):
            self.steps[self.num_sleeps]()
        self.num_sleeps += 1

    def wait(self, workers: Workers, timeout_s: float = 60.0) -> DrainEnd:
        return wait_drained(workers, "box-1-a", timeout_s, self.progress.append, lambda: self.now_s, self.sleep)


def run(*arguments: str, folder: Path) -> tuple[int, str]:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*arguments, "--data-folder", str(folder)])
    return result.exit_code, result.output


def test_e01_waiting_ends_when_the_worker_holds_nothing(workers: Workers) -> None:
    def told(state: str, num_used_slots: int) -> Callable[[], object]:
        return lambda: workers.beat(replace(BEAT, state=state, num_used_slots=num_used_slots))

    told(UP, 2)()
    workers.want("box-1-a", DRAINED)
    script = Script([told(DRAINING, 2), told(DRAINING, 1), told(DRAINED, 0)])
    end = script.wait(workers)
    assert (end.is_drained, end.state) == (True, DRAINED)
    assert script.progress == [2, 2, 1, 0]


def test_waiting_ends_with_its_time(workers: Workers) -> None:
    workers.beat(BEAT)
    workers.want("box-1-a", DRAINED)
    script = Script()
    end = script.wait(workers, timeout_s=3 * POLL_S)
    assert (end.is_drained, end.num_left, script.num_sleeps) == (False, 2, 3)


def test_a_worker_that_ends_meanwhile_has_let_go(workers: Workers) -> None:
    workers.beat(BEAT)
    end = Script([lambda: workers.forget("box-1-a")]).wait(workers)
    assert (end.is_drained, end.state) == (True, ENDED)


def test_nobody_waits_for_a_lost_worker(folder: Path) -> None:
    with Database(storage_config(str(folder)).catalogue_url) as database:
        Workers(database, clock=lambda: 100.0).beat(BEAT)
        script = Script()
        end = script.wait(Workers(database, clock=lambda: 111.0))
    assert (end.is_drained, end.state, script.num_sleeps) == (False, LOST, 0)


def test_workers_are_listed(workers: Workers, folder: Path) -> None:
    workers.beat(BEAT)
    status, output = run("workers", folder=folder)
    assert status == 0
    assert all(word in output for word in ("box-1-a", "up", "2 of 3", "fake"))
    status, output = run("workers", "--json", folder=folder)
    [listed] = json.loads(output)
    assert (listed["worker_id"], listed["state"], listed["num_used_slots"]) == ("box-1-a", UP, 2)


def test_e01_a_drain_that_is_not_over_in_time_names_the_sessions_that_stay(workers: Workers, folder: Path) -> None:
    workers.beat(BEAT)
    with Database(storage_config(str(folder)).catalogue_url) as database:
        held_session(database, "s-stays", owner="box-1-a")
        held_session(database, "s-elsewhere", owner="box-2-b")
    status, output = run("drain", "box-1-a", "--timeout", "0", folder=folder)
    assert (status, "s-stays" in output, "s-elsewhere" in output) == (FAULT, True, False)
    assert "sessions left: 2 (s-stays)" in output
    assert workers.find("box-1-a").wanted == DRAINED
    assert run("drain", "box-1-a", "--undo", folder=folder)[0] == 0
    assert workers.find("box-1-a").wanted == UP


def test_e01_a_drained_worker_is_told_with_success(workers: Workers, folder: Path) -> None:
    workers.beat(replace(BEAT, state=DRAINED, num_used_slots=0))
    status, output = run("drain", "box-1-a", folder=folder)
    assert (status, "holds no session" in output) == (0, True)


def test_without_waiting_only_the_wish_is_written(workers: Workers, folder: Path) -> None:
    workers.beat(BEAT)
    assert run("drain", "box-1-a", "--no-wait", folder=folder)[0] == 0
    assert workers.find("box-1-a").state == DRAINING


def test_a_worker_there_is_none_of_is_told_in_a_line(folder: Path) -> None:
    status, output = run("drain", "box-9-z", folder=folder)
    assert (status, output.count("\n")) == (USAGE_ERROR, 1)
    assert "no worker" in output
