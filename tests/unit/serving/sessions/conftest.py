from __future__ import annotations

from tests.snapshots import s3_endpoint

__all__ = ["s3_endpoint"]
