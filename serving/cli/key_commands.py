"""`nacre keys`: who may come in. Asks the catalogue itself: the first key is made before any service runs."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from serving.access.keys import ID_CHARS
from serving.access.principal import DEFAULT_TENANT
from serving.access.roles import Role
from serving.catalogue.api_keys import ApiKeys, KeyRow
from serving.catalogue.storage import prepare_storage
from serving.cli.asking import (
    AsJson,
    CatalogueUrl,
    ConfigFile,
    DataFolder,
    console,
    errors,
    open_catalogue,
    print_json,
    service_settings,
)
from serving.cli.duration import parse_duration_s
from serving.cli.recording import record_command
from serving.cli.session_table import utc

app = typer.Typer(help="Make, list, revoke and rotate API keys.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(metavar="KEY", help="As `nacre keys list` tells it.")]
GOOD, EXPIRED, REVOKED = "good", "expired", "revoked"
STYLES = {GOOD: "green", EXPIRED: "yellow", REVOKED: "red"}


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="What it allows.")] = Role.OWNER,
    tenant: Annotated[str, typer.Option(help="Whose it is.")] = DEFAULT_TENANT,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
    expires_in: Annotated[str | None, typer.Option(help="Such as 90d; never if not given.")] = None,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Make a key. It is shown now and never again."""
    with service_settings(data_folder, catalogue_url, config) as settings:
        lifetime_s = None if expires_in is None else parse_duration_s(expires_in)
        prepare_storage(settings.storage)
        with open_catalogue(settings) as database:
            expires_s = None if lifetime_s is None else time.time() + lifetime_s
            row, text = ApiKeys(database).create(tenant, role, name=name, expires_s=expires_s)
            record_command(database, "keys create", row.tenant_id, key_id=row.key_id)
    _print_new(row, text, as_json)


@app.command("list")
def list_keys(
    tenant: Annotated[str | None, typer.Option(help="Only this one's.")] = None,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """List keys without their secrets, the newest first."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        rows = ApiKeys(database).of(tenant)
    if as_json:
        print_json([key_fields(row) for row in rows])
    else:
        console.print(key_table(rows, time.time()))


@app.command()
def revoke(
    key_id: KeyId,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Let a key open nothing any more. A service that runs notices within ten seconds; then its streams end too."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        row = ApiKeys(database).revoke(key_id)
        record_command(database, "keys revoke", row.tenant_id, key_id=key_id)
    if as_json:
        print_json(key_fields(row))
    else:
        console.print(f"{row.key_id}: revoked", markup=False)


@app.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[str, typer.Option(help="How long the old one goes on, such as 24h; 0s ends it now.")] = "24h",
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Make a key that allows the same, while the old one goes on for a while."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        row, text = ApiKeys(database).rotate(key_id, parse_duration_s(grace))
        record_command(database, "keys rotate", row.tenant_id, key_id=key_id, new_key_id=row.key_id)
    _print_new(row, text, as_json)


def key_fields(row: KeyRow) -> dict[str, Any]:
    return {
        "key_id": row.key_id,
        "tenant_id": row.tenant_id,
        "role": row.role.value,
        "name": row.name,
        "created": utc(row.created_s),
        "expires": _utc(row.expires_s),
        "revoked": _utc(row.revoked_s),
        "last_used": _utc(row.last_used_s),
    }


def key_table(rows: list[KeyRow], now_s: float) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("key", no_wrap=True, min_width=ID_CHARS)  # ids are for copying
    for name in ("tenant", "role", "state", "expires (UTC)", "last used (UTC)"):
        table.add_column(name, no_wrap=True)
    table.add_column("for")
    for row in rows:
        state = REVOKED if row.revoked_s is not None else GOOD if row.is_good(now_s) else EXPIRED
        times = [(_utc(each) or "never")[:16] for each in (row.expires_s, row.last_used_s)]
        table.add_row(row.key_id, row.tenant_id, row.role.value, Text(state, STYLES[state]), *times, Text(row.name))
    return table


def _utc(time_s: float | None) -> str | None:
    return None if time_s is None else utc(time_s)


def _print_new(row: KeyRow, text: str, as_json: bool) -> None:
    if as_json:
        print_json({**key_fields(row), "secret": text})
        return
    errors.print(f"key {row.key_id} of {row.tenant_id}, {row.role}: it is shown once", markup=False)
    console.print(text, markup=False, soft_wrap=True)
