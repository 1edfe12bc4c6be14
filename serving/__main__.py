"""`python -m serving`: starts everything, says where it listens, drains on Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from serving.access.config import is_loopback
from serving.access.tls import check_tls
from serving.allocator import bound_memory
from serving.catalogue.storage import prepare_storage
from serving.config import ServiceConfig, load_config
from serving.errors import RegionRefusedError, StorageUnavailableError
from serving.log_lines import write_log_lines
from serving.models import check_model
from serving.web.rtc.extra import check_extra

START_ERROR, USAGE_ERROR = 1, 2
# Beyond the gateway's own drain time, for its answer to come back.
DRAIN_SLACK_S = 15.0

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    host: Annotated[str | None, typer.Option(help="Where the gateway listens.")] = None,
    port: Annotated[int | None, typer.Option(help="Its gRPC port; 0 takes any free one.")] = None,
    auth: Annotated[bool | None, typer.Option("--auth/--no-auth", help="Ask callers for a key or a token.")] = None,
    web_port: Annotated[str | None, typer.Option(help='Its HTTP port, with the page; 0 for any, or "off".')] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Its Prometheus port; workers take the next ones.")] = None,
    model: Annotated[str | None, typer.Option(help="A preset, NAME@FOLDER, or package.module:function.")] = None,
    profile: Annotated[str | None, typer.Option(help="exact or fast: what sessions that step together share.")] = None,
    compiled: Annotated[bool | None, typer.Option("--compiled", help="Open models' layers, if fast.")] = None,
    eight_bit: Annotated[bool | None, typer.Option("--eight-bit", help="Open models' large layers, if fast.")] = None,
    ranks: Annotated[int | None, typer.Option(help="Processes with a GPU each, for one open model.")] = None,
    recache: Annotated[bool | None, typer.Option("--recache", help="Words also change what is remembered.")] = None,
    slots: Annotated[int | None, typer.Option(help="Sessions at once.")] = None,
    resident: Annotated[int | None, typer.Option(help="Of them, with room on the device; 0 for all.")] = None,
    max_load: Annotated[float | None, typer.Option(help="Of a worker's time, for steps; 0 counts slots alone.")] = None,
    degrade: Annotated[bool | None, typer.Option("--degrade/--no-degrade", help="Take less when overloaded.")] = None,
    replicas: Annotated[int | None, typer.Option(help="Workers; one more than needed is a warm spare.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of the transformer.")] = None,
    local: Annotated[bool | None, typer.Option("--local/--cluster", help="One process, without Ray.")] = None,
    temp_folder: Annotated[str | None, typer.Option(help="For Ray's sockets and logs; kept afterwards.")] = None,
    data_folder: Annotated[str | None, typer.Option(help="For what is kept of sessions.")] = None,
    catalogue_url: Annotated[str | None, typer.Option(help="sqlite:///FILE or postgresql://...")] = None,
    snapshots: Annotated[str | None, typer.Option(help="A folder, or s3://bucket/prefix.")] = None,
    record: Annotated[bool | None, typer.Option("--record/--no-record", help="Keep what is shown.")] = None,
    snapshot_every_chunks: Annotated[int | None, typer.Option(help="Between snapshots; 0 for none.")] = None,
    trace_file: Annotated[str | None, typer.Option(help="Spans as JSON lines.")] = None,
    trace_ratio: Annotated[float | None, typer.Option(help="Share of sessions that are traced.")] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
) -> None:
    """Serve worlds. Every flag may stand in the environment (NACRE_PORT) or in a file."""
    flags = {name: value for name, value in locals().items() if name != "config"}
    write_log_lines()
    try:
        settings = load_config(flags, os.environ, config)
        check_model(settings.model, settings.tuning)
        check_port(settings.host, settings.port)
        check_tls(settings.access.tls)
        check_extra(settings.web.webrtc)
        prepare_storage(settings.storage)
    except (ValueError, OSError, StorageUnavailableError, RegionRefusedError) as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(USAGE_ERROR) from error
    warn_of_plain_line(settings)
    run(settings)


def check_port(host: str, port: int) -> None:
    """Raises OSError when somebody listens there, before anything is started for nothing."""
    try:
        socket.create_server((host, port), reuse_port=False).close()
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}. Is another service on that port?") from error


def warn_of_plain_line(settings: ServiceConfig) -> None:
    """Where something before the service ends TLS, that is as it should be."""
    if not is_loopback(settings.host) and not settings.access.tls.certificate_file:
        errors.print("the line is plain: keys and tokens can be read on their way, unless TLS ends before here")


def run(settings: ServiceConfig) -> None:
    bound_memory(os.environ)
    kind = "in this process" if settings.local else "on Ray"
    console.print(f"starting {settings.model} {kind} ...")
    if settings.local:
        asyncio.run(run_local(settings))
    else:
        run_cluster(settings)
    console.print("stopped")


def announce(address: str, web_address: str, metrics_addresses: tuple[str, ...], settings: ServiceConfig) -> None:
    metrics = ", ".join(f"http://{each}/metrics" for each in metrics_addresses)
    if web_address:
        console.print(f"PAGE {web_address}", soft_wrap=True)
    console.print(f"[green]READY[/] {settings.model} on {address} (metrics: {metrics})", soft_wrap=True)


async def run_local(settings: ServiceConfig) -> None:
    from serving.local_service import serve_local

    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with serve_local(settings) as service:
        announce(service.address, service.web_address, (service.metrics_address,), settings)
        await stopping.wait()
        console.print("draining ...")


def run_cluster(settings: ServiceConfig) -> None:
    from serving.cluster.ray_node import ray_node

    stopping = Stopping()
    try:
        with ray_node(settings.temp_folder):
            from serving.cluster.service import start_service

            stopping.listen()
            service = start_service(settings)
            announce(service.address, service.web_address, service.metrics_addresses, settings)
            stopping.wait()
            console.print("draining ...")
            service.drain(settings.gateway.drain_s + DRAIN_SLACK_S)
    except StopRequested:
        console.print("stopped before it was ready")
    except RuntimeError as error:
        errors.print(f"the service could not start: {error}", markup=False)
        raise typer.Exit(START_ERROR) from error


class StopRequested(BaseException):
    """A signal came before the service was ready."""


class Stopping:
    """Turns SIGINT and SIGTERM into an end in order: an exception while starting, a wake-up while serving."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._is_waiting = False
        self._has_come = False

    def listen(self) -> None:
        """Ray puts handlers of its own when it starts: call this after."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def wait(self) -> None:
        self._is_waiting = True
        if not self._has_come:
            os.read(self._reader, 1)

    def _on_signal(self, number: int, frame: Any) -> None:
        if self._has_come:
            return  # it is on its way out; a second signal does not make it quicker
        self._has_come = True
        if not self._is_waiting:
            raise StopRequested
        os.write(self._writer, b".")


if __name__ == "__main__":
    app()
