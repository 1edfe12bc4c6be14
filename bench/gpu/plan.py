"""What is asked of a GPU, in order: first whether it is right, then how quick it is, then beside whom. Pure.

Each part is a process of its own that ends by itself; the dearest answers for the least time come first, and what
compiles, which takes minutes, comes late.
"""

from __future__ import annotations

from dataclasses import dataclass

PRESETS = ("wan-1.3b-window-12", "matrix-game-2", "abot-5b-720p", "wan-1.3b", "abot-5b")
TINY_PRESETS = ("wan-tiny", "matrix-game-tiny", "abot-tiny")
REFERENCES = ("wan-1.3b", "abot-5b")
TESTS = (
    "tests/unit/model/gpu",
    "tests/unit/model/test_pages.py",
    "tests/unit/model/adapters/wan/test_transformer.py",
    "tests/unit/model/parallel/test_sequence.py",
)
PEER_TESTS = ("tests/unit/model/adapters/wan/test_against_diffusers.py",)
FEW_TESTS = ("tests/unit/model/gpu/test_graphed.py",)
# Where the results of a part go, in its command.
RESULTS = "{results}"
LONG_S, SHORT_S = 300.0, 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    name: str
    command: tuple[str, ...]  # of the interpreter that runs this
    limit_s: float


def plan(*, is_rehearsal: bool) -> tuple[Part, ...]:
    """All parts. A rehearsal takes every way there is at hardly any size, on a CPU."""
    device = "cpu" if is_rehearsal else "cuda"
    presets = TINY_PRESETS if is_rehearsal else PRESETS
    first, actions = ("wan-tiny", "matrix-game-tiny") if is_rehearsal else ("wan-1.3b-window-12", "matrix-game-2")
    large = "abot-tiny" if is_rehearsal else "abot-5b-720p"
    references = ("wan-tiny",) if is_rehearsal else REFERENCES
    tests = FEW_TESTS if is_rehearsal else TESTS

    def figures(preset: str, *more: str) -> Part:
        return _figures(preset, device, more, is_rehearsal=is_rehearsal)

    return (
        Part(name="checks", command=("-m", "bench.gpu", "check", "--device", device), limit_s=SHORT_S),
        _tests("tests", tests),
        *(figures(preset) for preset in presets),
        _tests("peer-tests", PEER_TESTS),
        *(_reference(name, device) for name in references),
        figures(first, "--fp8"),
        figures(first, "--compiled"),
        figures(first, "--compiled", "--fp8"),
        figures(actions, "--compiled"),
        figures(actions, "--profile", "exact"),
        figures(first, "--tiny-decoder"),
        figures(large, "--tiny-decoder"),  # its own decoder alone takes half of what a chunk may
        _reference(references[0], device, "--compiled"),
        _flat(actions, device, is_rehearsal=is_rehearsal),
    )


def _tests(name: str, paths: tuple[str, ...]) -> Part:
    return Part(name=name, command=("-m", "pytest", "-q", "-p", "no:cacheprovider", *paths), limit_s=LONG_S)


def _figures(preset: str, device: str, more: tuple[str, ...], *, is_rehearsal: bool) -> Part:
    sizes = (
        ("--ladder", "1,2", "--chunks", "2", "--first-frames", "1", "--held", "1", "--at-most", "1", "--real")
        if is_rehearsal
        else ("--ladder", "1,2,3,4,6,8", "--chunks", "64", "--first-frames", "10", "--held", "8", "--at-most", "6")
    )
    if is_rehearsal and (more or preset != TINY_PRESETS[0]):
        sizes = (*sizes, "--tiny-decoder")  # the others' width is what it is at any size, and takes minutes on a CPU
    profile = () if "--profile" in more else ("--profile", "fast")
    name = "-".join([preset, *(each.strip("-") for each in more)])
    return Part(name=name, command=_engine(preset, device, *profile, *more, *sizes, "--no-flatness"), limit_s=LONG_S)


def _flat(preset: str, device: str, *, is_rehearsal: bool) -> Part:
    """Minutes of one session, and nothing else: in a run of its own."""
    few = ("--ladder", "1", "--chunks", "5", "--first-frames", "1", "--held", "0", "--at-most", "1")
    minutes = ("--minutes", "0.5", "--real") if is_rehearsal else ("--minutes", "7")
    command = _engine(preset, device, "--profile", "fast", *few, *minutes)
    return Part(name=f"{preset}-flat", command=command, limit_s=560.0)


def _engine(preset: str, device: str, *more: str) -> tuple[str, ...]:
    return ("-m", "bench.engine", preset, "--device", device, "--results", RESULTS, *more)


def _reference(name: str, device: str, *more: str) -> Part:
    called = "-".join(["reference", name, *(each.strip("-") for each in more)])
    command = ("-m", "bench.gpu", "reference", name, "--device", device, "--results", RESULTS, *more)
    return Part(name=called, command=command, limit_s=SHORT_S)
