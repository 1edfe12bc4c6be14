"""A picture, wherever the caller has it."""

from __future__ import annotations

import os
from pathlib import Path

from nacre.v1 import world_pb2

ImageSource = bytes | str | os.PathLike[str]  # the file's bytes, or its path


def to_image(source: ImageSource) -> world_pb2.Image:
    """Raises OSError if the file cannot be read. What the bytes are, the service judges."""
    return world_pb2.Image(data=source if isinstance(source, bytes) else Path(source).read_bytes())
