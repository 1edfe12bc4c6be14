"""The HTTP face of a gateway with fake workers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.integration.web.harness import Site, site


@pytest.fixture
async def open_site() -> AsyncIterator[Site]:
    """Where nobody is asked who they are."""
    async with site() as running:
        yield running
