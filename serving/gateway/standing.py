"""Whether a client that is attached still may be: roles, access lists and links change while it plays."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from serving.errors import NacreError, UnavailableError

logger = logging.getLogger(__name__)


@asynccontextmanager
async def while_allowed(ask: Callable[[], Awaitable[None]], every_s: float) -> AsyncIterator[None]:
    """Run the block until `ask`, which is asked again and again, raises `NacreError`; then raises that."""
    refusals: list[NacreError] = []
    try:
        async with asyncio.timeout(None) as limit:
            # Owned by this block, which ends it: a group would put the handler's own errors into groups.
            watch = asyncio.create_task(_watch(ask, every_s, refusals, limit), name="standing")
            try:
                yield
            finally:
                watch.cancel()
    except TimeoutError:
        if refusals:
            raise refusals[0] from None
        raise


async def _watch(
    ask: Callable[[], Awaitable[None]], every_s: float, refusals: list[NacreError], limit: asyncio.Timeout
) -> None:
    while not refusals:
        await asyncio.sleep(every_s)
        try:
            await ask()
        except UnavailableError as error:  # what goes on is not cut off for it
            logger.warning("whether a client still may be attached cannot be asked: %s", error.message)
        except NacreError as error:
            refusals.append(error)
    limit.reschedule(asyncio.get_running_loop().time())
