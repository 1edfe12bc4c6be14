"""`nacre quotas`: what tenants may use. Asks the catalogue itself; a service that runs hears of it within seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from serving.admission.limits import Limits, check_weight, left_of, reset_s
from serving.admission.quotas import Quotas, QuotaState
from serving.catalogue.storage import prepare_storage
from serving.cli.asking import (
    AsJson,
    CatalogueUrl,
    ConfigFile,
    DataFolder,
    console,
    open_catalogue,
    print_json,
    service_settings,
)
from serving.cli.recording import record_command
from serving.cli.session_table import utc

app = typer.Typer(help="See and say what tenants may use.", no_args_is_help=True)

Tenant = Annotated[str, typer.Argument(metavar="TENANT")]
NO_LIMIT = "-"


@app.command()
def show(
    tenant: Annotated[str | None, typer.Argument(metavar="TENANT", help="All that were heard of if not given.")] = None,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Limits, and what is used of them."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        quotas = Quotas(database, settings.gateway.admission)
        states = quotas.all() if tenant is None else [quotas.state(tenant)]
    _print(states, as_json)


@app.command("set")
def set_quota(
    tenant: Tenant,
    sessions: Annotated[int | None, typer.Option(min=0, help="At once.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="Of sessions, between two midnights UTC.")] = None,
    controls: Annotated[float | None, typer.Option(min=0, help="A second.")] = None,
    storage: Annotated[int | None, typer.Option(min=0, help="Bytes of worlds and snapshots.")] = None,
    weight: Annotated[float | None, typer.Option(help="Of its turns in the queue, 0.01 to 100.")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="First forget what was said of it before.")] = False,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Say what one tenant may use. What is not given stays as it was; what was never given is as the settings say."""
    with service_settings(data_folder, catalogue_url, config) as settings:
        said = {
            "concurrent_sessions": sessions,
            "session_seconds_per_day": seconds,
            "controls_per_second": controls,
            "storage_bytes": storage,
        }
        if weight is not None:
            check_weight(weight, "weight")
        prepare_storage(settings.storage)
        with open_catalogue(settings) as database:
            quotas = Quotas(database, settings.gateway.admission)
            limits, known_weight = (Limits(), None) if reset else quotas.said_of(tenant)
            limits = replace(limits, **{name: value for name, value in said.items() if value is not None})
            state = quotas.set(tenant, limits, known_weight if weight is None else weight)
            record_command(database, "quotas set", tenant)
    _print([state], as_json)


def quota_fields(state: QuotaState, now_s: float) -> dict[str, Any]:
    return {
        "tenant_id": state.quota.tenant_id,
        "limits": asdict(state.quota.limits),
        "use": asdict(state.use),
        "left": asdict(left_of(state.quota.limits, state.use)),
        "weight": state.quota.weight,
        "resets": utc(reset_s(now_s)),
    }


def quota_table(states: Iterable[QuotaState]) -> Table:
    """Each as what is used, of what there may be."""
    table = Table(box=None, pad_edge=False)
    for name in ("tenant", "sessions", "seconds today", "storage (bytes)", "controls/s", "waiting", "weight"):
        table.add_column(name, no_wrap=True)
    for state in states:
        limits, use = state.quota.limits, state.use
        table.add_row(
            Text(state.quota.tenant_id),
            _of(use.concurrent_sessions, limits.concurrent_sessions),
            _of(use.session_seconds_today, limits.session_seconds_per_day),
            _of(use.storage_bytes, limits.storage_bytes),
            NO_LIMIT if limits.controls_per_second is None else f"{limits.controls_per_second:g}",
            str(use.num_waiting),
            f"{state.quota.weight:g}",
        )
    return table


def _of(used: float, limit: float | None) -> str:
    return f"{used:,.0f} of {NO_LIMIT if limit is None else format(limit, ',.0f')}"


def _print(states: list[QuotaState], as_json: bool) -> None:
    if as_json:
        print_json([quota_fields(state, time.time()) for state in states])
    else:
        console.print(quota_table(states))
