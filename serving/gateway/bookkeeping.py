"""A gateway's books, and what they need of it."""

from __future__ import annotations

from collections.abc import Callable

from serving.books.bookkeeper import Bookkeeper
from serving.books.config import BooksConfig
from serving.catalogue.plane import CataloguedPlane
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.verbs import SessionVerbs

SAVED_NOTE = "saved when its budget was spent"


def make_bookkeeper(
    catalogue: CataloguedPlane | None,
    verbs: SessionVerbs,
    config: BooksConfig,
    metrics: GatewayMetrics,
    *,
    is_authenticated: bool,
    clock: Callable[[], float],
) -> Bookkeeper | None:
    """None where nothing is kept."""
    if catalogue is None:
        return None

    async def keep(session_id: str) -> None:
        await verbs.save(session_id, f"budget {session_id}", SAVED_NOTE)

    library = catalogue.library
    return Bookkeeper(
        library.database,
        library.storage,
        config,
        keep,
        is_authenticated=is_authenticated,
        on_state=metrics.books,
        clock=clock,
    )
