"""A real PostgreSQL server for the tests that need one, in a folder of its own, gone with them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Where distributions put the server's programs when they are not on the PATH.
DEBIAN_FOLDERS = "/usr/lib/postgresql/*/bin"
# The server refuses to run as root.
UNPRIVILEGED = ("postgres", "nobody")
START_TIMEOUT_S = 60
# Nothing here outlives the tests.
SETTINGS = "-F -c full_page_writes=off -c synchronous_commit=off -c listen_addresses= -c shared_buffers=16MB"


class PostgresMissingError(RuntimeError):
    """The programs are not on this machine."""


@contextmanager
def running_postgres() -> Iterator[str]:
    """A server that listens on a socket in its folder alone; gives the folder. Raises `PostgresMissingError`."""
    initdb, _ = _program("initdb"), _program("pg_ctl")
    user = _user()
    # A socket's path may have 107 bytes: pytest's own folders are too long.
    folder = Path(tempfile.mkdtemp(prefix="pg-nacre-", dir="/tmp"))
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        _run(user, initdb, "-D", data, "-U", "nacre", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        start(str(folder))
        try:
            yield str(folder)
        finally:
            stop(str(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def start(folder: str) -> None:
    """The server of a folder, again after it was stopped."""
    place, options = Path(folder), f"{SETTINGS} -k {folder}"
    log, data = place / "log", place / "data"
    _run(_user(), _program("pg_ctl"), "-D", data, "-l", log, "-o", options, "-w", "-t", START_TIMEOUT_S, "start")


def stop(folder: str, mode: str = "immediate") -> None:
    """Whoever is connected is cut off; what was committed last stays with mode "fast" alone, for nothing is synced."""
    _run(_user(), _program("pg_ctl"), "-D", Path(folder) / "data", "-m", mode, "-w", "stop")


def postgres_url(folder: str, database: str = "postgres") -> str:
    return f"postgresql://nacre@/{database}?host={folder}"


def _program(name: str) -> str:
    debian = sorted(Path("/").glob(f"{DEBIAN_FOLDERS.lstrip('/')}/{name}"))
    found = shutil.which(name) or (str(debian[-1]) if debian else None)
    if found is None:
        raise PostgresMissingError(f"{name} is not installed: the PostgreSQL server is needed for this test")
    return found


def _user() -> pwd.struct_passwd | None:
    """Whom to run the server as; None for ourselves."""
    if os.getuid() != 0:
        return None
    known = {each.pw_name: each for each in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in known:
            return known[name]
    raise PostgresMissingError(f"PostgreSQL does not run as root, and there is none of {UNPRIVILEGED}")


def _run(user: pwd.struct_passwd | None, *command: object) -> None:
    identity = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    arguments = [str(each) for each in command]
    # To a file rather than a pipe: the server keeps what it inherits open, and a pipe would never end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False, **identity
        )
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{arguments[0]} failed: {output.read().decode(errors='replace')}")
