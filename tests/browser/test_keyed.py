"""The page of a service that asks who one is, in real Chromium, with a key as an operator makes it.

Each test is a scenario in keyed_scenarios.mjs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serving.cli.app import app
from tests.browser.runner import MODEL, NEEDS_CHROMIUM, Outcome, names_in, page_url, run_scenarios
from tests.cluster.conftest import started

NAMES = names_in("keyed_scenarios.mjs")

pytestmark = NEEDS_CHROMIUM


def new_key(data_folder: Path) -> str:
    made = CliRunner().invoke(app, ["keys", "create", "--json", "--data-folder", str(data_folder)])
    assert made.exit_code == 0, made.output
    return json.loads(made.stdout)["secret"]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    folder = tmp_path_factory.mktemp("keyed")
    key = new_key(folder / "data")
    arguments = ("--local", "--auth", "--model", MODEL, "--port", "0", "--web-port", "0", "--slots", "2")
    with started(folder / "log", *arguments, "--data-folder", str(folder / "data")) as service:
        return run_scenarios(page_url(service.text), NAMES, NACRE_KEY=key)


@pytest.mark.parametrize("name", NAMES)
def test_page(name: str, outcomes: Mapping[str, Outcome]) -> None:
    outcomes[name].check()
