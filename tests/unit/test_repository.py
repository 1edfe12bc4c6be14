"""Promises of the repository itself: what installs, from where, and what is checked in."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from nacre.v1 import session_pb2, session_pb2_grpc

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = {"nacre", "nacre-server"}


def pinned_versions() -> dict[str, str]:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def our_requirements() -> list[Requirement]:
    requirements: list[str] = []
    for path in ("pyproject.toml", "sdk/python/pyproject.toml"):
        project = tomllib.loads((REPOSITORY / path).read_text())["project"]
        requirements += project["dependencies"]
        for extra in project["optional-dependencies"].values():
            requirements += extra
    return [Requirement(requirement) for requirement in requirements]


def required_by(requirement: Requirement) -> list[Requirement]:
    """What an installed distribution asks for, with the extras that `requirement` names."""
    asked = importlib.metadata.requires(requirement.name) or []
    environments = [{"extra": extra} for extra in (*requirement.extras, "")]
    return [
        needed
        for needed in map(Requirement, asked)
        if needed.marker is None or any(needed.marker.evaluate(environment) for environment in environments)
    ]


def installed_closure() -> dict[str, str]:
    """Every distribution we need, however indirectly, and its installed version."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = our_requirements()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key not in seen:
            seen.add(key)
            found[key[0]] = importlib.metadata.version(requirement.name)
            waiting += required_by(requirement)
    return found


def test_every_package_is_pinned_to_the_version_that_is_installed() -> None:
    pins = pinned_versions()
    # A local build of torch (2.13.0+cpu) counts as its release, as it does for pip.
    installed = {name: version.partition("+")[0] for name, version in installed_closure().items()}
    assert len(installed) > 50
    assert {name: pins.get(name) for name in installed} == installed


def test_pins_lie_within_the_ranges_that_are_asked_for() -> None:
    pins = pinned_versions()
    outside = [str(asked) for asked in our_requirements() if not asked.specifier.contains(pins[asked.name.lower()])]
    assert outside == []


def test_no_file_names_a_registry() -> None:
    # Put together here, so that this file does not name one either.
    forbidden = re.compile(
        "|".join(["--(extra-)?index" + "-url", "--find" + "-links", "pypi\\." + "org", "pythonhosted"])
    )
    for name in ("pyproject.toml", "constraints.txt", "Makefile", ".ci/run", "sdk/python/pyproject.toml"):
        assert not forbidden.search((REPOSITORY / name).read_text()), name


def test_the_client_needs_little() -> None:
    project = tomllib.loads((REPOSITORY / "sdk/python/pyproject.toml").read_text())["project"]
    assert {Requirement(needed).name for needed in project["dependencies"]} == {"grpcio", "numpy", "protobuf"}


def test_messages_live_in_the_client_and_know_their_protos() -> None:
    assert session_pb2.DESCRIPTOR.package == "nacre.v1"
    assert session_pb2.Attach.__module__ == "nacre.v1.session_pb2"
    assert hasattr(session_pb2_grpc, "SessionServiceStub")


def test_internal_messages_lie_in_the_server_and_keep_their_proto_package() -> None:
    from serving.wire import plane_pb2

    assert plane_pb2.DESCRIPTOR.package == "nacre.internal.v1"
    assert {
        message.full_name.rpartition(".")[0] for message in plane_pb2.DESCRIPTOR.message_types_by_name.values()
    } == {"nacre.internal.v1"}


FAKE_PYTHON = """#!/bin/sh
echo "$@" >> calls.txt
if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the Makefile reads, in a folder with spaces in its name, beside a python that only notes its calls."""
    folder = tmp_path / "a folder with spaces"
    (folder / "sdk/python").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "sdk/python/pyproject.toml"):
        shutil.copy(REPOSITORY / name, folder / name)
    fake = folder / "fake-python"
    fake.write_text(FAKE_PYTHON)
    fake.chmod(0o755)
    return folder


def make(checkout: Path, *arguments: str) -> list[str]:
    """The calls of python that `make` led to."""
    calls = checkout / "calls.txt"
    calls.write_text("")
    subprocess.run(["make", "PYTHON=./fake-python", *arguments], cwd=checkout, check=True, capture_output=True)
    return calls.read_text().splitlines()


def num_pip_calls(calls: list[str]) -> int:
    return sum(call.startswith("-m pip") for call in calls)


def test_a_first_run_makes_the_environment_and_a_second_calls_no_pip(checkout: Path) -> None:
    first = make(checkout, "test")
    assert first[0] == "-m venv .venv"
    assert num_pip_calls(first) == 2
    assert make(checkout, "test") == ["-m pytest -n 2 --no-loadscope-reorder"]
    assert make(checkout, "demo") == ["-m bench.demo"]


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml", "sdk/python/pyproject.toml"])
def test_new_requirements_are_installed(checkout: Path, name: str) -> None:
    make(checkout, "install")
    with (checkout / name).open("a") as file:
        file.write("# more\n")
    assert num_pip_calls(make(checkout, "install")) == 2
    assert make(checkout, "install") == []


def test_an_installation_that_failed_is_tried_again(checkout: Path) -> None:
    make(checkout, "install")
    (checkout / "constraints.txt").write_text("numpy==0\n")
    (checkout / ".venv/bin/python").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(subprocess.CalledProcessError):
        make(checkout, "install")
    shutil.copy(checkout / "fake-python", checkout / ".venv/bin/python")
    assert num_pip_calls(make(checkout, "install")) == 2


def test_bare_make_lists_the_verbs(checkout: Path) -> None:
    listing = subprocess.run(["make"], cwd=checkout, check=True, capture_output=True, text=True).stdout
    for verb in ("demo", "serve", "test", "lint", "proto", "bench"):
        assert f"make {verb} " in listing
