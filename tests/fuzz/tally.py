"""What was thrown and what came back, for a long run to be put on record."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from bench.hardware import commit, describe_hardware
from bench.results import Result, ResultWriter

# Of each message, and of spoilt inputs for each parser a dozen times as many; `make fuzz-api` asks for more.
NUM_EXAMPLES = int(os.environ.get("NACRE_FUZZ_EXAMPLES", "4"))
IS_LONG = NUM_EXAMPLES > 100


@dataclass(slots=True, kw_only=True)
class Tally:
    """Of one run over all requests and parsers."""

    began_s: float = field(default_factory=time.monotonic)
    calls_by_code: Counter[str] = field(default_factory=Counter)  # gRPC's, of the answers
    messages_by_method: Counter[str] = field(default_factory=Counter)  # sent
    parsed_by_name: Counter[str] = field(default_factory=Counter)  # inputs, by parser

    def result(self, num_examples: int, num_tests: int, num_failed: int) -> Result:
        """What `make fuzz-api` says of the part that sends messages."""
        num_messages, num_parsed = self.messages_by_method.total(), self.parsed_by_name.total()
        seconds = time.monotonic() - self.began_s
        return Result(
            benchmark="fuzz",
            model="fake (toy-sized)",
            settings={"examples": num_examples},
            figures={
                "seconds": seconds,
                "num_tests": num_tests,
                "num_failed": num_failed,
                "num_calls": self.calls_by_code.total(),
                "num_messages": num_messages,
                "calls_by_code": dict(self.calls_by_code),
                "messages_by_method": dict(self.messages_by_method),
                "parsed_by_name": dict(self.parsed_by_name),
            },
            summary=(
                f"{num_messages:,} messages in {self.calls_by_code.total():,} calls of {len(self.messages_by_method)} "
                f"methods, and {num_parsed:,} inputs of {len(self.parsed_by_name)} parsers, in {seconds:.0f} s: "
                f"{num_failed} of {num_tests} tests failed (aim: no crash, no INTERNAL, no traceback)",
            ),
            faults=(f"{num_failed} tests failed",) if num_failed else (),
        )


def guided_result(seconds: float, executed: Mapping[str, int], codes: Mapping[str, int]) -> Result:
    """What `tests.fuzz.guided` says. `executed`: inputs by parser; `codes`: how its process ended."""
    found = [name for name, code in codes.items() if code]
    each = ", ".join(f"{name} {number:,}" for name, number in executed.items())
    figures: dict[str, Any] = {"seconds": seconds, "num_inputs": dict(executed), "exit_codes": dict(codes)}
    return Result(
        benchmark="fuzz-guided",
        model="none",
        settings={"seconds": seconds},
        figures=figures,
        summary=(f"inputs led by coverage: {each}; {len(found)} parsers failed (aim: none)",),
        faults=tuple(f"{name} failed" for name in found),
    )


def write(result: Result) -> None:
    """Into bench/results, as a benchmark's."""
    ResultWriter(console=Console(), hardware=describe_hardware(), commit=commit()).write(result)
