"""What all commands have in common: options, the service's settings, the catalogue, and how answers are printed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from serving.catalogue.database import Database
from serving.config import ServiceConfig, load_config
from serving.errors import NacreError

FAULT, USAGE_ERROR = 1, 2

# Whatever reads our output where no terminal does: nothing is cut for it.
UNBOUNDED_CHARS = 10_000

console = Console(highlight=False, width=None if sys.stdout.isatty() else UNBOUNDED_CHARS)
errors = Console(stderr=True, highlight=False)

DataFolder = Annotated[str | None, typer.Option(help="Where the service keeps sessions, if not in its usual folder.")]
CatalogueUrl = Annotated[str | None, typer.Option(help="sqlite:///FILE or postgresql://...")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="The service's TOML file.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000, help="So many at most, the newest first.")]


@contextmanager
def service_settings(
    data_folder: str | None, catalogue_url: str | None, file: Path | None, model: str | None = None
) -> Iterator[ServiceConfig]:
    """The service's, and what goes wrong with them told in a line."""
    try:
        flags = {"data_folder": data_folder, "catalogue_url": catalogue_url, "model": model}
        yield load_config(flags, os.environ, file)
    except (ValueError, OSError, NacreError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(USAGE_ERROR) from error


@contextmanager
def open_catalogue(settings: ServiceConfig) -> Iterator[Database]:
    """Raises ValueError where there is none yet."""
    with Database(settings.storage.catalogue_url) as database:
        file = database.url.database if database.is_sqlite else None
        if file is not None and not Path(file).exists():
            raise ValueError(f"there is no catalogue at {file}: has a service kept anything there?")
        yield database


def print_json(value: object) -> None:
    console.print_json(json.dumps(value))
