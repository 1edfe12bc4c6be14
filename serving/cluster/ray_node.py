"""One local Ray node for as long as the service runs: small, quiet, on the loopback only."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from serving import allocator

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
# Nothing of ours goes through the object store but a few small answers; this is near the least Ray takes.
OBJECT_STORE_BYTES = 80 * 1024 * 1024
# Logical, for placement only. Replicas ask for a hundredth each.
NUM_CPUS = 1
STOP_TIMEOUT_S = 8.0
STOP_POLL_S = 0.1
START_ATTEMPTS = 3
PR_SET_CHILD_SUBREAPER = 36  # of <linux/prctl.h>
# By what ends each: what scales a cluster, what sends workers' logs to their driver, and what answers for the
# dashboard. Here is one node, logs stay in files and nobody asks; they take 60 to 80 MB each, wake all the time, and
# grow for as long as they run.
UNUSED = ("kill_monitor", "kill_log_monitor", "kill_dashboard")
# A Unix socket's path may have 107 bytes, and Ray adds about 60 to its folder.
MAX_TEMP_FOLDER_BYTES = 45

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray takes a loopback address for a mistake and puts the machine's own in its place. What turns that off bears
    # the name of the systems it was made for. With it, Ray's own servers listen on the loopback only.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Idle cost: the controller's loop wakes ten times a second by default.
    "RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.3",
    "RAY_SERVE_METRICS_EXPORT_INTERVAL_MS": "60000",
    "RAY_SERVE_EVENT_LOOP_MONITORING_INTERVAL_S": "60",
    # Our own metrics do not go through Ray, and nobody reads Ray's.
    "RAY_enable_metrics_collection": "false",
    "RAY_metrics_report_interval_ms": "60000",
    "RAY_enable_open_telemetry": "false",
    "RAY_task_events_report_interval_ms": "0",
    "RAY_event_stats": "false",
    # Ray would kill workers when the machine runs short of memory; which session to lose is ours to say.
    "RAY_memory_monitor_refresh_ms": "0",
    # Ray lets every other program of the machine go first. Whoever plays waits for ours: a browser beside it would
    # make chunks late.
    "RAY_worker_niceness": "0",
    # Workers that wait for tasks which never come cost about 60 MB each.
    "RAY_prestart_worker_first_driver": "false",
    "RAY_enable_worker_prestart": "false",
    # What replicas log lies in files; a replica that cannot start says why in the error.
    "RAY_SERVE_LOG_TO_STDERR": "0",
    # Ray's own programs take their memory from jemalloc, whose pools (one for every few threads) grow for an hour: in
    # raylet by 1.1 MiB/h, and they hold 5 MiB more from the start than one pool that gives back what has been free for
    # a second.
    "MALLOC_CONF": "narenas:1,tcache:false,dirty_decay_ms:1000,muzzy_decay_ms:0",
    # OpenMP threads that spin while they wait take the core from whoever has work.
    "OMP_WAIT_POLICY": "PASSIVE",
    "OMP_NUM_THREADS": "1",
    **allocator.ENVIRONMENT,
}


@contextmanager
def ray_node(temp_folder: str = "") -> Iterator[None]:
    """Start Ray, and stop it with the block. Nothing is left behind: no process, no folder of our making."""
    _prepare(os.environ)
    folder = Path(temp_folder) if temp_folder else Path(tempfile.mkdtemp(prefix="nacre-", dir=_short_folder()))
    _adopt_orphans()
    import ray  # reads the environment when it is imported

    try:
        _start(ray, folder)
        yield
    finally:
        kept = bool(temp_folder)
        # Before and after: this process may be ended together with Ray's (see `_stop`), and they write to the last.
        _remove(folder, kept=kept)
        _stop(ray)
        _remove(folder, kept=kept)


def _remove(folder: Path, *, kept: bool) -> None:
    if not kept:
        shutil.rmtree(folder, ignore_errors=True)


def _start(ray: Any, folder: Path) -> None:
    """Ray gives its own processes 30 s to find each other, which a busy machine may not manage at once."""
    for attempts_left in reversed(range(START_ATTEMPTS)):
        try:
            _init(ray, folder)
            _end_unused(ray)
            return
        except Exception as error:
            if attempts_left == 0:
                raise RuntimeError(f"Ray did not start: {error}") from error
            logger.warning("Ray did not start, trying again: %s", error)
            _stop(ray)


def _init(ray: Any, folder: Path) -> None:
    # What tells us to stop often tells our whole process group. Ray's processes must not go before the sessions did;
    # they inherit what is blocked here, as Ray itself sees to for SIGINT.
    blocked_before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        ray.init(
            address="local",
            num_cpus=NUM_CPUS,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            namespace="nacre",
            _node_ip_address=LOOPBACK,
            _temp_dir=str(folder),
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked_before)


def _end_unused(ray: Any) -> None:
    """Ray 2.60 starts them whatever it is told."""
    node = ray._private.worker._global_node
    for name in UNUSED:
        getattr(node, name)(check_alive=False)


def _stop(ray: Any) -> None:
    """End the node, and with it Serve; gives up on processes that cannot be killed.

    Whoever had something to do in order has done it by now, so nobody is asked: Ray would wait a second for each of
    those that do not listen to SIGTERM, and some that start just then outlive it. Its own first, or they would start
    others.
    """
    this = psutil.Process()
    # All at once: without its raylet, Ray ends this process too, at a moment of its own.
    left = [*this.children(), *this.children(recursive=True)]
    _kill(left)
    ray.shutdown()
    give_up_s = time.monotonic() + STOP_TIMEOUT_S
    while left and time.monotonic() < give_up_s:
        psutil.wait_procs(left, timeout=STOP_POLL_S)
        left = this.children(recursive=True)
        _kill(left)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _adopt_orphans() -> None:
    """Let processes whose parent ends become children of this one, where Linux can, so that none is lost sight of."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _prepare(environment: MutableMapping[str, str]) -> None:
    for name, value in ENVIRONMENT.items():
        environment.setdefault(name, value)
    # An address of somebody's cluster would send us there instead.
    environment.pop("RAY_ADDRESS", None)


def _short_folder() -> str | None:
    """Where temporary folders go; None for the default, unless its path is too long for Ray's sockets."""
    default = tempfile.gettempdir()
    if len(os.fsencode(default)) <= MAX_TEMP_FOLDER_BYTES:
        return None
    return next((folder for folder in ("/tmp", "/var/tmp", "/dev/shm") if os.access(folder, os.W_OK)), None)
