"""`nacre`: what is kept of sessions, looked at and checked; and the workers that play them.

Ends with 0 when all is well, 1 when something differs or is not done, 2 when the question cannot be answered.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from serving.access.principal import Principal
from serving.access.roles import Role
from serving.catalogue.database import Database
from serving.catalogue.histories import Comparison, compare
from serving.catalogue.journal import JournalTable
from serving.catalogue.regions import open_store
from serving.catalogue.sessions import Sessions
from serving.catalogue.workers import DRAINED, LOST, UP, Workers
from serving.catalogue.worlds import Worlds
from serving.cli import (
    access_commands,
    audit_commands,
    key_commands,
    owner_commands,
    quota_commands,
    recording_commands,
    session_controls,
    tenant_commands,
    token_commands,
    usage_commands,
)
from serving.cli.asking import (
    FAULT,
    AsJson,
    CatalogueUrl,
    ConfigFile,
    DataFolder,
    Limit,
    console,
    errors,
    open_catalogue,
    print_json,
    service_settings,
)
from serving.cli.draining import DrainEnd, wait_drained
from serving.cli.recording import record_command
from serving.cli.session_table import session_fields, session_table
from serving.cli.session_tree import node_fields, session_tree
from serving.cli.worker_table import worker_fields, worker_table
from serving.cli.world_table import world_fields, world_table
from serving.config import ServiceConfig
from serving.models import load_model

app = typer.Typer(
    help="Look at what is kept of sessions, check it, and let workers go.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(key_commands.app, name="keys")
app.add_typer(quota_commands.app, name="quotas")
app.add_typer(session_controls.app, name="sessions")
app.add_typer(tenant_commands.app, name="tenants")
app.add_typer(token_commands.app, name="tokens")
app.add_typer(audit_commands.app, name="audit")
app.command()(access_commands.access)
app.command()(usage_commands.usage)
app.command()(recording_commands.recording)
app.command("export-all")(owner_commands.export_everything)
app.command()(owner_commands.erase)
app.command()(owner_commands.residency)

WorkerId = Annotated[str, typer.Argument(metavar="WORKER", help="As `nacre workers` tells it.")]
SessionId = Annotated[str, typer.Argument(metavar="SESSION")]


@session_controls.app.callback(invoke_without_command=True)
def sessions(
    context: typer.Context,
    limit: Limit = 50,
    tree: Annotated[str | None, typer.Option(metavar="SESSION", help="Only those that came from each other.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only what this one may see.")] = None,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """List sessions, or with --tree all that have something in common with one of them."""
    if context.invoked_subcommand is not None:
        return
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        nodes = Sessions(database).tree(tree) if tree is not None else []
        rows = Sessions(database).page(limit, asker=_seer(tenant))[0] if tree is None else []
    if as_json:
        print_json([node_fields(node) for node in nodes] or [session_fields(row) for row in rows])
    else:
        console.print(session_table(rows) if tree is None else session_tree(nodes, tree))


@app.command()
def worlds(
    limit: Limit = 50,
    name: Annotated[str | None, typer.Option(help="Only the versions of this one.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only what this one may see.")] = None,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """List saved worlds."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        rows, _ = Worlds(database).page(limit, name=name, asker=_seer(tenant))
    if as_json:
        print_json([world_fields(row) for row in rows])
    else:
        console.print(world_table(rows))


@app.command()
def workers(
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """List the workers that were heard of within a day."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        rows = Workers(database).latest()
    if as_json:
        print_json([worker_fields(row) for row in rows])
    else:
        console.print(worker_table(rows))


@app.command()
def drain(
    worker_id: WorkerId,
    undo: Annotated[bool, typer.Option("--undo", help="Let it take sessions again.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Until it holds no session.")] = True,
    timeout: Annotated[float, typer.Option(min=0.0, help="Seconds to wait at most.")] = 60.0,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Give a worker no session any more, and move those it has to others. Sessions that find no room stay."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        table = Workers(database)
        table.want(worker_id, UP if undo else DRAINED)
        record_command(database, "drain --undo" if undo else "drain", worker_id=worker_id)
        end = None if undo or not wait else _wait_drained(table, worker_id, timeout)
    if end is None:
        console.print(f"{worker_id}: {'takes sessions again' if undo else 'told to drain'}", markup=False)
        return
    _print_drain_end(end)
    raise typer.Exit(0 if end.is_drained else FAULT)


@app.command()
def verify(
    session_id: SessionId,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Find the first record of a session's journal that was altered or is missing."""
    with service_settings(data_folder, catalogue_url, config) as settings, open_catalogue(settings) as database:
        table = JournalTable(database)
        fault = table.verify(session_id)
        length = table.head(session_id).length
    if as_json:
        found = None if fault is None else {"seq": fault.seq, "problem": fault.problem}
        print_json({"session_id": session_id, "num_records": length, "fault": found})
    elif fault is None:
        console.print(f"{session_id}: {length} records, all as they were written", style="green", markup=False)
    else:
        console.print(f"{session_id}: record {fault.seq} {fault.problem}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(0 if fault is None else FAULT)


@app.command()
def replay(
    session_id: SessionId,
    chunks: Annotated[int | None, typer.Option(min=1, help="So many at most; all that were delivered.")] = None,
    model: Annotated[str | None, typer.Option(help="As the service was told, if not its usual one.")] = None,
    as_json: AsJson = False,
    data_folder: DataFolder = None,
    catalogue_url: CatalogueUrl = None,
    config: ConfigFile = None,
) -> None:
    """Make a session again from its journal, and compare every chunk with what was delivered."""
    with service_settings(data_folder, catalogue_url, config, model) as settings, open_catalogue(settings) as database:
        if fault := JournalTable(database).verify(session_id):
            raise ValueError(f"record {fault.seq} of the journal {fault.problem}: there is nothing sound to replay")
        comparison = _compare(database, session_id, settings, chunks)
    if as_json:
        print_json({"session_id": session_id, **_fields(comparison)})
    elif comparison.is_same:
        text = (
            f"{session_id}: {comparison.num_chunks} chunks made again, {comparison.num_compared} compared, all the same"
        )
        console.print(text, style="green", markup=False, soft_wrap=True)
    else:
        text = f"{session_id}: chunk {comparison.first_difference} is the first that came out otherwise"
        console.print(text, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(0 if comparison.is_same else FAULT)


def _seer(tenant_id: str | None) -> Principal | None:
    """Whoever has nothing but the tenant's own view; None for those who see all."""
    return None if tenant_id is None else Principal(tenant_id=tenant_id, subject_id="operator", role=Role.VIEWER)


def _wait_drained(table: Workers, worker_id: str, timeout_s: float) -> DrainEnd:
    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=errors, transient=True) as progress:
        task = progress.add_task(f"draining {worker_id}", total=None)

        def show(num_left: int) -> None:
            progress.update(task, description=f"draining {worker_id}, sessions left: {num_left}")

        return wait_drained(table, worker_id, timeout_s, show)


def _print_drain_end(end: DrainEnd) -> None:
    if end.is_drained:
        console.print(f"{end.worker_id}: {end.state}, it holds no session", style="green", markup=False)
        return
    lost = "the worker is lost; its sessions go on elsewhere by themselves" if end.state == LOST else ""
    left = f"sessions left: {end.num_left} ({', '.join(end.session_ids) or 'about to open or to close'})"
    console.print(f"{end.worker_id}: {lost or left}", style="red", markup=False, soft_wrap=True)


def _compare(database: Database, session_id: str, settings: ServiceConfig, chunks: int | None) -> Comparison:
    # Before torch is imported: as the service steps, so that sums come in the same order.
    os.environ["OMP_NUM_THREADS"] = str(settings.threads)
    with Progress(console=errors, transient=True) as progress:
        task = progress.add_task("replaying", total=None)
        return compare(
            database,
            session_id,
            load_model(settings.model),
            num_threads=settings.threads,
            max_chunks=chunks,
            store=open_store(settings.storage.snapshots, settings.storage.regions),
            on_chunk=lambda done, total: progress.update(task, completed=done, total=total),
        )


def _fields(comparison: Comparison) -> dict[str, Any]:
    return {
        "num_chunks": comparison.num_chunks,
        "num_compared": comparison.num_compared,
        "first_difference": comparison.first_difference,
    }


if __name__ == "__main__":
    app()
