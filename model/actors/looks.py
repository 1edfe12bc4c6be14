"""What an actor can look like: its kind, its colours and, for a person, what it wears.

A look is named by words (`Look`) and told to networks as numbers (`look_numbers`).
"""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[float, float, float]

KINDS = ("person", "kitten", "dog", "umbrella", "lamp", "car", "tree", "fountain", "bird", "balloon")
# The side of the square that an actor of each kind is drawn in, metres; its feet stand a little above the lower edge.
SIDE_M = (2.3, 1.2, 1.55, 2.1, 3.8, 4.7, 5.2, 3.0, 1.1, 1.7)
FOOT_SHARE = 0.04  # of the side that lies below the feet

COLOURS: dict[str, RGB] = {
    "red": (0.84, 0.20, 0.18),
    "orange": (0.93, 0.55, 0.20),
    "yellow": (0.94, 0.82, 0.28),
    "green": (0.32, 0.62, 0.32),
    "blue": (0.24, 0.42, 0.78),
    "purple": (0.54, 0.34, 0.68),
    "pink": (0.93, 0.58, 0.68),
    "white": (0.94, 0.93, 0.90),
    "black": (0.16, 0.16, 0.19),
    "brown": (0.50, 0.34, 0.23),
    "grey": (0.58, 0.59, 0.62),
}
HAIR: dict[str, RGB] = {
    "blonde": (0.93, 0.78, 0.42),
    "black": (0.15, 0.13, 0.14),
    "brown": (0.42, 0.27, 0.18),
    "red": (0.76, 0.34, 0.16),
    "grey": (0.74, 0.74, 0.76),
}
FIGURES = ("girl", "boy", "woman", "man")
# What colour a thing may have if nobody says one; noise picks.
USUAL_COLOURS: dict[str, tuple[RGB, ...]] = {
    "person": (
        COLOURS["red"],
        COLOURS["blue"],
        COLOURS["yellow"],
        COLOURS["green"],
        COLOURS["pink"],
        COLOURS["purple"],
    ),
    "kitten": ((0.93, 0.60, 0.28), COLOURS["grey"], COLOURS["white"], (0.30, 0.28, 0.30), (0.72, 0.56, 0.40)),
    "dog": ((0.62, 0.42, 0.26), (0.86, 0.72, 0.50), COLOURS["white"], (0.26, 0.24, 0.24)),
    "umbrella": (COLOURS["red"], COLOURS["blue"], COLOURS["yellow"], COLOURS["purple"]),
    "lamp": ((0.98, 0.92, 0.70),),
    "car": (COLOURS["red"], COLOURS["blue"], COLOURS["white"], COLOURS["green"], COLOURS["yellow"]),
    "tree": ((0.36, 0.58, 0.30), (0.30, 0.50, 0.30), (0.48, 0.62, 0.28)),
    "fountain": ((0.78, 0.76, 0.72), (0.70, 0.72, 0.76)),
    "bird": (COLOURS["blue"], COLOURS["red"], (0.34, 0.32, 0.34), COLOURS["yellow"]),
    "balloon": (COLOURS["red"], COLOURS["blue"], COLOURS["yellow"], COLOURS["pink"]),
}

NUM_LATENTS = 6  # what makes an individual: proportions, markings, details
NUM_LOOK_NUMBERS = len(KINDS) + 9 + 5
MAIN, HAIR_COLOUR, ACCENT = (slice(start, start + 3) for start in range(len(KINDS), len(KINDS) + 9, 3))
LONG_HAIR, SKIRT, CHILD, UMBRELLA, HAT = range(len(KINDS) + 9, NUM_LOOK_NUMBERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What an actor is and wears. The last six are a person's."""

    kind: str
    main: RGB  # coat, fur, paint
    hair: RGB = HAIR["brown"]
    accent: RGB = COLOURS["red"]  # the umbrella it holds
    has_long_hair: bool = False
    has_skirt: bool = False
    is_child: bool = False
    has_umbrella: bool = False
    has_hat: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, not {self.kind!r}")

    @property
    def kind_idx(self) -> int:
        return KINDS.index(self.kind)

    @property
    def figure(self) -> str | None:
        """Which of FIGURES a person is taken for: girls and women have long hair or a skirt."""
        if self.kind != "person":
            return None
        is_female = self.has_long_hair or self.has_skirt
        return ("girl" if is_female else "boy") if self.is_child else ("woman" if is_female else "man")

    @property
    def side_m(self) -> float:
        return SIDE_M[self.kind_idx]


def look_numbers(look: Look) -> tuple[float, ...]:
    """NUM_LOOK_NUMBERS numbers: kind, colours, what is worn."""
    kind = tuple(float(name == look.kind) for name in KINDS)
    worn = (look.has_long_hair, look.has_skirt, look.is_child, look.has_umbrella, look.has_hat)
    return (*kind, *look.main, *look.hair, *look.accent, *(float(flag) for flag in worn))


def look_of(numbers: tuple[float, ...]) -> Look:
    """The look that `look_numbers` told."""
    if len(numbers) != NUM_LOOK_NUMBERS:
        raise ValueError(f"a look is {NUM_LOOK_NUMBERS} numbers, not {len(numbers)}")
    kind = max(range(len(KINDS)), key=lambda idx: numbers[idx])
    main, hair, accent = (_rgb(numbers[part]) for part in (MAIN, HAIR_COLOUR, ACCENT))
    flags = [number > 0.5 for number in numbers[LONG_HAIR:]]
    return Look(
        kind=KINDS[kind],
        main=main,
        hair=hair,
        accent=accent,
        has_long_hair=flags[0],
        has_skirt=flags[1],
        is_child=flags[2],
        has_umbrella=flags[3],
        has_hat=flags[4],
    )


def _rgb(numbers: tuple[float, ...]) -> RGB:
    red, green, blue = numbers
    return red, green, blue
