"""`nacre tokens`: client tokens that were taken back before their end. Asks the catalogue itself."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from serving.access.principal import DEFAULT_TENANT
from serving.access.revocations import Revocation
from serving.catalogue.revocations import RevocationTable, check_subject
from serving.catalogue.tenants import Tenants, no_tenant
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

app = typer.Typer(help="Take client tokens back before their end.", no_args_is_help=True)


@app.command()
def revoke(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="SUBJECT",
            help="token:ID for one token, as whoever minted it was told. Or who signed in, as oidc:NAME, "
            "certificate:NAME or key:ID, for all that they were given or have minted until now.",
        ),
    ],
    tenant: Annotated[str, typer.Option(help="Whose it is.")] = DEFAULT_TENANT,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Let tokens open nothing any more. Every gateway that runs notices within a second; their streams end too."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        check_subject(subject)
        if Tenants(database).find(tenant) is None:
            raise no_tenant()
        row = RevocationTable(database).add(tenant, subject)
        record_command(database, "tokens revoke", tenant, revoked_subject_id=subject)
    if as_json:
        print_json(revocation_fields(row))
    else:
        console.print(f"{subject}: revoked", markup=False)


@app.command("list")
def list_revoked(
    tenant: Annotated[str | None, typer.Option(help="Only this one's.")] = None,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """List what was taken back, for as long as something of it could live; the newest first."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        rows = RevocationTable(database).of(tenant)
    if as_json:
        print_json([revocation_fields(row) for row in rows])
    else:
        console.print(revocation_table(rows))


def revocation_fields(row: Revocation) -> dict[str, Any]:
    return {
        "tenant_id": row.tenant_id,
        "subject_id": row.subject_id,
        "revoked": utc(row.revoked_s),
        "kept_until": utc(row.until_s),
    }


def revocation_table(rows: list[Revocation]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("tenant", "subject", "revoked (UTC)", "kept until (UTC)"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(row.tenant_id, Text(row.subject_id), utc(row.revoked_s)[:16], utc(row.until_s)[:16])
    return table
