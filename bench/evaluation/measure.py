"""What a measure found, against what it is to reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Reach(Enum):
    AT_LEAST = ">="
    AT_MOST = "<="
    REPORTED = ""  # a figure to compare with, without an aim


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure."""

    name: str
    value: float
    unit: str
    reach: Reach = Reach.REPORTED
    aim: float = 0.0
    num_samples: int = 1
    parts: Mapping[str, float] = field(default_factory=dict)  # the same figure, by kind

    @property
    def is_reached(self) -> bool:
        """Also False of a figure that is not a number."""
        match self.reach:
            case Reach.AT_LEAST:
                return self.value >= self.aim
            case Reach.AT_MOST:
                return self.value <= self.aim
            case Reach.REPORTED:
                return True


def at_least(name: str, value: float, aim: float, unit: str, num_samples: int, **parts: float) -> Measure:
    return Measure(
        name=name, value=value, unit=unit, reach=Reach.AT_LEAST, aim=aim, num_samples=num_samples, parts=parts
    )


def at_most(name: str, value: float, aim: float, unit: str, num_samples: int, **parts: float) -> Measure:
    return Measure(
        name=name, value=value, unit=unit, reach=Reach.AT_MOST, aim=aim, num_samples=num_samples, parts=parts
    )


def reported(name: str, value: float, unit: str, num_samples: int = 1, **parts: float) -> Measure:
    return Measure(name=name, value=value, unit=unit, num_samples=num_samples, parts=parts)
