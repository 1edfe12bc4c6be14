"""Ways to say that something ends: a style is taken off, rain or fog is over. What is left then is the plain value."""

from __future__ import annotations

from typing import NamedTuple

from model.world.actors_words import in_list


class Ended(NamedTuple):
    """What may end in one slot, and what is the case then."""

    slot: str
    left: str  # the slot's value afterwards
    names: tuple[str, ...]


class Endings(NamedTuple):
    ways: tuple[str, ...]  # `{x}` is what ends
    ended: tuple[Ended, ...]


TRAINING_ENDINGS = Endings(
    in_list(
        "no {x}, no more {x}, {x} off, turn the {x} off, turn off the {x}, switch off the {x}, switch the {x} off, "
        "stop the {x}, remove the {x}, remove {x}, without {x}, without the {x}, enough {x}, enough of the {x}, that "
        "is enough {x}, OK that's enough {x}, OK that is enough of the {x}, get rid of the {x}, take the {x} away, "
        "end the {x}, drop the {x}, I do not want {x} any more, I don't like the {x}, let the {x} stop, can we do "
        "without the {x}, undo the {x}, make the {x} go away, let the {x} end, no {x} please, stop with the {x}, I "
        "have had enough of the {x}, it is time for the {x} to end, not so much {x}, clear away the {x}, the {x} is "
        "over, now without {x}, kill the {x}, quit the {x}, turn off {x}, stop {x}, the {x} is gone, end this {x}"
    ),
    (
        Ended(
            "style",
            "paper",
            in_list(
                "neon, neon, neon lights, neon look, neon signs, neon glow, watercolour, watercolours, watercolour "
                "effect, watercolour look, painting effect, painted look, brush strokes, noir, film noir, noir look, "
                "noir filter, monochrome, greyscale, swirls, swirling strokes, oil paint, sepia, sepia tone, vintage "
                "look, vintage filter, old photo look, film grain, retro look, style, effect, filter, special effects"
            ),
        ),
        Ended(
            "weather",
            "clear",
            in_list(
                "rain, rain, rain, snow, snow, fog, fog, haze, storm, snowfall, thunderstorm, "
                "snowstorm, clouds, bad weather, wet weather, showers, rain shower"
            ),
        ),
    ),
)

HELD_OUT_ENDINGS = Endings(
    in_list(
        "lose the {x}, away with the {x}, cancel the {x}, put an end to the {x}, shut off the {x}, I am done with the "
        "{x}"
    ),
    (
        Ended(
            "style",
            "paper",
            in_list("cyberpunk look, aquarelle, black and white, Van Gogh, Van Gogh style, Polaroid look"),
        ),
        Ended("weather", "clear", in_list("drizzle, mist, downpour, blizzard, deluge")),
    ),
)


def merged_endings(one: Endings, two: Endings) -> Endings:
    """Every way, of everything."""
    return Endings(
        one.ways + two.ways,
        tuple(
            first._replace(names=first.names + second.names)
            for first, second in zip(one.ended, two.ended, strict=True)
        ),
    )  # fmt: skip
