"""The README's picture: the moments of a demo run, as WebP: small, and without the bands that few colours give.

python -m bench.demo && python -m bench.readme_picture
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from PIL import Image

from bench.demo_report import MOMENTS_FILE
from bench.hardware import ROOT

QUALITY = 90


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def main(
    demo: Annotated[Path, typer.Option(help="What a demo wrote.")] = ROOT / "out" / "demo",
    output: Annotated[Path, typer.Option(help="The picture to write.")] = ROOT / "docs" / "demo.webp",
) -> None:
    """Take the moments of a demo run as the README's picture."""
    with Image.open(demo / MOMENTS_FILE) as file:
        picture = file.convert("RGB")
    output.parent.mkdir(parents=True, exist_ok=True)
    picture.save(output, quality=QUALITY, method=6)
    print(f"{output}: {picture.width}x{picture.height}, {output.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    app()
