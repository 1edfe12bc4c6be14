"""Makes what recordings are counted by, and what their links are signed with, from settings."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from serving.access.config import AccessConfig
from serving.access.signing_key import KEY_BYTES
from serving.admission.quotas import Quotas
from serving.catalogue.plane import CataloguedPlane
from serving.export.accounts import Accounts
from serving.export.tickets import Tickets
from serving.gateway.config import GatewayConfig
from serving.gateway.letting_in import signing_key

logger = logging.getLogger(__name__)


def make_accounts(catalogue: CataloguedPlane, config: GatewayConfig, clock: Callable[[], float]) -> Accounts:
    library = catalogue.library
    return Accounts(library.database, library.recorded, Quotas(library.database, config.admission, clock))


def make_tickets(access: AccessConfig) -> Tickets:
    """Good at every gateway that has the installation's key. Where nobody is asked who they are, one that has none
    makes one up, and its tickets are good there alone. Raises ValueError, or OSError."""
    try:
        return Tickets(signing_key(access))
    except (ValueError, OSError) as error:
        if access.is_on:
            raise
        logger.debug("tickets of recordings are good at this gateway alone: %s", error)
        return Tickets(secrets.token_bytes(KEY_BYTES))
