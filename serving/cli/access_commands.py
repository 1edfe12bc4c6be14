"""`nacre access`: who may do what with a world, beside its own tenant's members. A service goes by it at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from serving.access.policy import GRANTABLE, Grant
from serving.access.roles import Role
from serving.catalogue.access import Access
from serving.catalogue.tenants import TENANT_ID
from serving.catalogue.worlds import Worlds
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

EVERYBODY = "everybody"


def access(
    world: Annotated[str, typer.Argument(metavar="WORLD", help="As `nacre worlds` tells it.")],
    allow: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=TENANT[/SUBJECT]", help="Let somebody in; may be repeated.")
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="First take back what was said before.")] = False,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """See, and with --allow or --clear say, who else may do what with a world."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        added = [read_grant(text) for text in allow or ()]
        lines = Access(database=database)
        if Worlds(database).find(world) is None:
            raise ValueError(f"there is no world {world}")
        if clear or added:
            known = [] if clear else lines.grants(world)
            lines.set_grants(world, [*known, *added])
        grants = lines.grants(world)
    if as_json:
        print_json([grant_fields(grant) for grant in grants])
    else:
        console.print(grant_table(grants))


def read_grant(text: str) -> Grant:
    """Raises ValueError."""
    role, separator, holder = text.partition("=")
    tenant_id, slash, subject_id = holder.partition("/")
    roles = [each.value for each in GRANTABLE]
    if not separator or role not in roles:
        raise ValueError(f"{text!r}: a line is ROLE=TENANT or ROLE=TENANT/SUBJECT, with one of {', '.join(roles)}")
    if not TENANT_ID.fullmatch(tenant_id) or (slash and not subject_id):
        raise ValueError(f"{text!r} names no tenant, or nobody in it")
    return Grant(tenant_id=tenant_id, subject_id=subject_id, role=Role(role))


def grant_fields(grant: Grant) -> dict[str, Any]:
    return {"role": grant.role.value, "tenant_id": grant.tenant_id, "subject_id": grant.subject_id}


def grant_table(grants: Iterable[Grant]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("role", "tenant", "who"):
        table.add_column(name, no_wrap=True)
    for grant in grants:
        table.add_row(*(Text(each) for each in (grant.role.value, grant.tenant_id, grant.subject_id or EVERYBODY)))
    return table
