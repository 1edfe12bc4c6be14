"""Makes what keeps recordings, from settings."""

from __future__ import annotations

from collections.abc import Callable

from serving.catalogue.plane import CataloguedPlane
from serving.export.exports import Exports
from serving.export.recorder import Recorder
from serving.export.store import RecordingStore
from serving.gateway.config import GatewayConfig
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.recording_accounts import make_accounts


def make_recorder(
    catalogue: CataloguedPlane | None, config: GatewayConfig, metrics: GatewayMetrics, clock: Callable[[], float]
) -> Recorder | None:
    """None where nothing is kept of sessions, or nothing is to be recorded. Raises `StorageUnavailableError`."""
    if catalogue is None or not config.recording.is_on:
        return None
    store = RecordingStore.open(catalogue.library.storage)
    return Recorder(
        store, config.recording, config.media, clock, metrics.of("").error, make_accounts(catalogue, config, clock)
    )


def make_exports(
    catalogue: CataloguedPlane | None, config: GatewayConfig, recorder: Recorder | None, clock: Callable[[], float]
) -> Exports | None:
    """Also where nothing is recorded any more: of what was."""
    if catalogue is None:
        return None
    accounts = make_accounts(catalogue, config, clock)
    return Exports(catalogue.library.storage, config.recording, recorder, clock, accounts)
