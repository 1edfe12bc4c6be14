"""The page: its parts that need no browser, and that what is served is what its sources make."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.javascript.test_sdk import pytestmark, run

__all__ = ["pytestmark"]  # the same tools, and skipped without them

PAGE = Path(__file__).resolve().parents[2] / "serving" / "web" / "page"


def test_what_is_served_is_what_the_sources_make() -> None:
    run("node_modules/typescript/bin/tsc", "-p", str(PAGE))
    run(str(PAGE / "build.mjs"), "--check")


def test_the_parts_that_need_no_browser() -> None:
    run("node_modules/vitest/vitest.mjs", "run", "--root", str(PAGE))


@pytest.mark.parametrize("name", ["page.js", "page.css", "index.html"])
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    assert "https://" not in (PAGE / "dist" / name).read_text()
