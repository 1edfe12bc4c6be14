"""`nacre tenants`: whose everything is. Asks the catalogue itself."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from serving.catalogue.storage import prepare_storage
from serving.catalogue.tenants import TenantRow, Tenants
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

app = typer.Typer(help="Make, list, suspend and restore tenants.", no_args_is_help=True)

TenantId = Annotated[str, typer.Argument(metavar="TENANT", help="1 to 63 of a-z, 0-9 and -.")]


@app.command()
def create(
    tenant_id: TenantId,
    name: Annotated[str, typer.Option(help="For people.")] = "",
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Make a tenant. It can do nothing before it has a key."""
    with service_settings(data_folder, catalogue_url, config) as settings:
        prepare_storage(settings.storage)
        with open_catalogue(settings) as database:
            row = Tenants(database).create(tenant_id, name)
            record_command(database, "tenants create", tenant_id)
    _print(row, as_json)


@app.command("list")
def list_tenants(
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """List tenants."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        rows = Tenants(database).all()
    if as_json:
        print_json([tenant_fields(row) for row in rows])
    else:
        console.print(tenant_table(rows))


@app.command()
def suspend(
    tenant_id: TenantId,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Let its keys and tokens open nothing, from within ten seconds on. What is kept of it stays."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        row = Tenants(database).suspend(tenant_id)
        record_command(database, "tenants suspend", tenant_id)
    _print(row, as_json)


@app.command()
def restore(
    tenant_id: TenantId,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Let a suspended tenant's keys open what they did."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        row = Tenants(database).restore(tenant_id)
        record_command(database, "tenants restore", tenant_id)
    _print(row, as_json)


def tenant_fields(row: TenantRow) -> dict[str, Any]:
    suspended = None if row.suspended_s is None else utc(row.suspended_s)
    return {"tenant_id": row.tenant_id, "name": row.name, "created": utc(row.created_s), "suspended": suspended}


def tenant_table(rows: list[TenantRow]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("tenant", "state", "created (UTC)", "name"):
        table.add_column(name, no_wrap=name != "name")
    for row in rows:
        table.add_row(row.tenant_id, _state(row), utc(row.created_s)[:16], Text(row.name))
    return table


def _state(row: TenantRow) -> Text:
    return Text("open", "green") if row.suspended_s is None else Text("suspended", "red")


def _print(row: TenantRow, as_json: bool) -> None:
    if as_json:
        print_json(tenant_fields(row))
    else:
        console.print(row.tenant_id, _state(row))
