"""Generate the Python messages from `protos/`, or check that they are up to date.

    protos/nacre/v1/*.proto           -> sdk/python/nacre/v1   (public: the SDK ships it, servers import it)
    protos/nacre/internal/v1/*.proto  -> serving/wire          (between gateway and workers)

The generated code is checked in. `--check` generates into a temporary folder instead
and exits 1 if a file there differs from the tree, is missing, or is left over.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

REPOSITORY = Path(__file__).resolve().parent.parent
PROTOS = REPOSITORY / "protos"
WELL_KNOWN_PROTOS = Path(grpc_tools.__file__).parent / "_proto"
GENERATED_SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A folder of protos and the Python package that its code becomes."""

    protos: str
    folder: str
    package: str
    docstring: str


PUBLIC = Target(
    protos="nacre/v1",
    folder="sdk/python/nacre/v1",
    package="nacre.v1",
    docstring="The public contract as Python messages, generated from protos/nacre/v1.",
)
INTERNAL = Target(
    protos="nacre/internal/v1",
    folder="serving/wire",
    package="serving.wire",
    docstring="What gateway and workers send each other, generated from protos/nacre/internal/v1.",
)


def run_protoc(target: Target, out: Path) -> None:
    """Write the code of `target` under `out`, laid out as the protos are. A folder without protos writes none."""
    sources = sorted(str(path) for path in (PROTOS / target.protos).glob("*.proto"))
    if not sources:
        return
    arguments = [
        "protoc",
        f"-I{PROTOS}",
        f"-I{WELL_KNOWN_PROTOS}",
        f"--plugin=protoc-gen-mypy_grpc={Path(sys.executable).parent / 'protoc-gen-mypy_grpc'}",
        f"--python_out={out}",
        f"--pyi_out={out}",
        f"--grpc_python_out={out}",
        # protoc's own .pyi files leave services out; these type them.
        f"--mypy_grpc_out=quiet:{out}",
        *sources,
    ]
    if protoc.main(arguments) != 0:
        raise SystemExit(f"protoc failed on {target.protos}")


def move_to_package(code: str, target: Target) -> str:
    """Let `code` import its siblings from where it will lie.

    Only import lines and the module name given to the message builder change: the serialised
    descriptor and the RPC paths also spell the proto package, and must keep it.
    """
    origin = target.protos.replace("/", ".")
    code = re.sub(rf"^from {re.escape(origin)} import", f"from {target.package} import", code, flags=re.MULTILINE)
    return code.replace(f"DESCRIPTOR, '{origin}.", f"DESCRIPTOR, '{target.package}.")


def generate(target: Target) -> dict[str, str]:
    """The generated files of `target` by name, or none where it has no protos yet."""
    with tempfile.TemporaryDirectory() as scratch:
        run_protoc(target, Path(scratch))
        files = {
            path.name: move_to_package(path.read_text(), target)
            for path in sorted((Path(scratch) / target.protos).glob("*_pb2*"))
        }
    # A file of messages alone yields a service module without a service.
    for name in [name for name in files if name.endswith("_pb2_grpc.py")]:
        if "Servicer_to_server(" not in files[name]:
            del files[name]
            files.pop(name + "i", None)
    if files:
        files["__init__.py"] = f'"""{target.docstring}"""\n'
    return files


def find_leftovers(folder: Path, files: dict[str, str]) -> list[Path]:
    """Generated files in `folder` that no proto stands behind any more."""
    return [
        path for path in sorted(folder.glob("*")) if path.name.endswith(GENERATED_SUFFIXES) and path.name not in files
    ]


def find_differences(folder: Path, files: dict[str, str]) -> list[Path]:
    changed = [
        folder / name
        for name, code in files.items()
        if not (folder / name).is_file() or (folder / name).read_text() != code
    ]
    return changed + find_leftovers(folder, files)


def write(folder: Path, files: dict[str, str]) -> None:
    if files:
        folder.mkdir(parents=True, exist_ok=True)
    for leftover in find_leftovers(folder, files):
        leftover.unlink()
    for name, code in files.items():
        (folder / name).write_text(code)


def main() -> None:
    parser = argparse.ArgumentParser(description="Generate the Python messages from protos/.")
    parser.add_argument("--check", action="store_true", help="only tell whether the tree is up to date")
    is_check = parser.parse_args().check
    differences: list[Path] = []
    for target in (PUBLIC, INTERNAL):
        files = generate(target)
        folder = REPOSITORY / target.folder
        if is_check:
            differences += find_differences(folder, files)
        else:
            write(folder, files)
    if differences:
        names = ", ".join(str(path.relative_to(REPOSITORY)) for path in differences)
        raise SystemExit(f"generated code is not what protos/ yields (run `make proto`): {names}")


if __name__ == "__main__":
    main()
