"""The page in real Chromium, against the service as an operator starts it.

Each test is a scenario in scenarios.mjs or edge_scenarios.mjs; all share one service, one browser and, in their order,
one page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.browser.runner import MODEL, NEEDS_CHROMIUM, Outcome, names_in, page_url, run_scenarios
from tests.cluster.conftest import started

NAMES = names_in("scenarios.mjs", "edge_scenarios.mjs")

pytestmark = NEEDS_CHROMIUM


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    url: str
    pid: int  # of the service, which the last scenario stops


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("browser")
    arguments = ("--local", "--model", MODEL, "--port", "0", "--web-port", "0", "--slots", "2")
    with started(folder / "log", *arguments, "--data-folder", str(folder / "data")) as service:
        yield Page(url=page_url(service.text), pid=service.process.pid)


@pytest.fixture(scope="module")
def outcomes(page: Page, request: pytest.FixtureRequest) -> Mapping[str, Outcome]:
    """Of the scenarios that were asked for, all run in one go."""
    asked = {item.name for item in request.session.items}
    wanted = [name for name in NAMES if f"test_page[{name}]" in asked]
    return run_scenarios(page.url, wanted, NACRE_SERVICE_PID=str(page.pid))


@pytest.mark.parametrize("name", NAMES)
def test_page(name: str, outcomes: Mapping[str, Outcome]) -> None:
    outcomes[name].check()
