"""`nacre export-all` and `nacre erase`: what an owner may ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from serving.books.archive import check_archive, export_all
from serving.books.erasure import Eraser
from serving.books.owner import Owner
from serving.catalogue.library import Library
from serving.catalogue.regions import Residency, open_store
from serving.cli.asking import (
    FAULT,
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

Tenant = Annotated[str, typer.Argument(metavar="TENANT")]


def export_everything(
    tenant: Tenant,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A zip that is not there yet.")],
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Write all that a tenant has into one file, and read it back to see that it is whole."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        if file.exists():
            raise ValueError(f"{file} is there already")
        store = open_store(settings.storage.snapshots, settings.storage.regions)
        record_command(database, "export-all", tenant)
        num_files = export_all(database, store, tenant, file)
        manifest = check_archive(file)
    if as_json:
        print_json({"file": str(file), "num_files": num_files, "time": manifest["time"]})
    else:
        console.print(f"{file}: {num_files} files of {tenant}, read back and whole", markup=False, soft_wrap=True)


def erase(
    tenant: Tenant,
    subject: Annotated[str | None, typer.Option(help="Only what this one made.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Where to write what went.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Take out all worlds, sessions, snapshots and links of an owner, and its name from the books. For ever."""
    if not yes:
        typer.confirm(f"Erase all of {subject or 'everybody'} of {tenant}, for ever?", abort=True)
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        eraser = Eraser(database, Library(database, settings.storage))
        done = eraser.erase(Owner(tenant_id=tenant, subject_id=subject))
        record_command(database, "erase", tenant, certificate_id=done.certificate_id)
        fields = {**done.fields, "sha256": done.sha256}
        if certificate is not None:
            certificate.write_text(json.dumps(fields, indent=1) + "\n")
    if as_json:
        print_json(fields)
    else:
        went = ", ".join(f"{len(done.fields[name])} {name.replace('_', ' ')}" for name in ("sessions", "worlds"))
        console.print(f"{done.certificate_id}: {went}, and the names in the books", markup=False)
        for each in done.fields["kept_sessions"]:
            console.print(f"kept {each['session_id']}: {each['because']}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(0 if done.is_complete else FAULT)


def residency(
    tenant: Annotated[str | None, typer.Argument(metavar="TENANT")] = None,
    region: Annotated[str | None, typer.Argument(metavar="REGION", help="As the settings name it.")] = None,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Pin a tenant to a region, before its first session; or tell which are pinned where."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        table = Residency(database, settings.storage.catalogue_region)
        if (tenant is None) != (region is None):
            raise ValueError("name a tenant and a region, or neither")
        if tenant is not None and region is not None:
            if region not in {each.name for each in settings.storage.regions}:
                raise ValueError(f"the settings have no region {region}: a tenant there could do nothing")
            table.pin(tenant, region)
            record_command(database, "residency", tenant, region=region)
        pinned = table.all()
    if as_json:
        print_json(pinned)
    else:
        for name, place in sorted(pinned.items()):
            console.print(f"{name}: {place}", markup=False)
