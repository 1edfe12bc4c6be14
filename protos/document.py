"""Write what is made of the protos for people to read, or check that it is up to date.

docs/errors.md    every reason, once
docs/api.md       every method of every service
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from api_page import api_page
from errors_page import errors_page
from generate import REPOSITORY

PAGES: Mapping[Path, Callable[[], str]] = {
    REPOSITORY / "docs/errors.md": errors_page,
    REPOSITORY / "docs/api.md": api_page,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write docs/errors.md and docs/api.md from protos/.")
    parser.add_argument("--check", action="store_true", help="only tell whether they are up to date")
    is_check = parser.parse_args().check
    for path, make in PAGES.items():
        text = make()
        if not is_check:
            path.write_text(text)
        elif not path.is_file() or path.read_text() != text:
            raise SystemExit(f"{path.relative_to(REPOSITORY)} is not what protos/ says (run `make proto`)")


if __name__ == "__main__":
    main()
