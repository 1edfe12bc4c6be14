"""The page: its parts that need no browser, and that what is served is what its sources make."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.javascript.test_sdk import pytestmark, run

__all__ = ["pytestmark"]  # the same tools, and skipped without them

PAGE = Path(__file__).resolve().parents[2] / "serving" / "web" / "page"
MAX_GZIPPED_BYTES = 80_000  # of all that is loaded before one sees something, but for the starters' pictures


def test_what_is_served_is_what_the_sources_make() -> None:
    run("node_modules/typescript/bin/tsc", "-p", str(PAGE))
    run(str(PAGE / "build.mjs"), "--check")


def test_the_parts_that_need_no_browser() -> None:
    run("node_modules/vitest/vitest.mjs", "run", "--root", str(PAGE))


def test_the_page_is_small() -> None:
    files = [file for file in (PAGE / "dist").iterdir() if file.is_file()]
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) <= MAX_GZIPPED_BYTES


@pytest.mark.parametrize("name", ["page.js", "page.css", "index.html"])
def test_nothing_is_fetched_from_elsewhere(name: str) -> None:
    assert "https://" not in (PAGE / "dist" / name).read_text()
