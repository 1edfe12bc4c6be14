"""The whole recipe, one part after another, each in its own process.

python -m model.training
"""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer
from rich.console import Console

# In order: what later parts need comes first. Minutes are for one CPU core.
RECIPE: tuple[tuple[str, ...], ...] = (
    ("dataset", "--scenes", "4800"),
    ("codec", "--minutes", "26"),
    ("audio_codec",),
    ("audio_codec", "--sharpen", "--steps", "700"),
    ("thesaurus",),
    ("text_encoder",),
    ("text_events",),
    ("look", "--minutes", "80"),
    ("image_encoder", "--minutes", "60"),
    ("transformer", "--minutes", "150"),
    ("distill", "--minutes", "10"),
    ("actors", "--minutes", "25"),
    ("voices", "--minutes", "3"),
    ("judge", "--minutes", "40"),
    ("witness", "--minutes", "70"),
)


def main(
    only: Annotated[list[str] | None, typer.Option(help="Run only this part; may be given more than once.")] = None,
) -> None:
    """Train the embedded model. Parts that already have weights go on from them."""
    names = [part[0] for part in RECIPE]
    unknown = sorted(set(only or []) - set(names))
    if unknown:
        raise typer.BadParameter(f"no part {', '.join(unknown)}; there are {', '.join(names)}")
    for name, *arguments in RECIPE:
        if only and name not in only:
            continue
        Console().rule(name)
        subprocess.run([sys.executable, "-m", f"model.training.{name}", *arguments], check=True)


if __name__ == "__main__":
    typer.run(main)
