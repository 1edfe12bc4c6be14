"""Who an event speaks of looks like this: words to a look, noise for what was left unsaid."""

from __future__ import annotations

from dataclasses import replace

from model.actors.looks import COLOURS, HAIR, NUM_LATENTS, RGB, USUAL_COLOURS, Look
from model.sampler import chunk_noise, uniform_noise
from model.text.events import SOME_COLOUR, Event

CHARACTER = Event(
    action="appear", subject="person", figure="girl", colour="red", garment="coat"
)  # if nobody is described

FEMALE = ("girl", "woman")


def individual(seed: int, chunk_idx: int, number: int) -> tuple[float, ...]:
    """The latent of an actor, -1 to 1."""
    noise = chunk_noise(seed, chunk_idx, f"actor/{number}", (NUM_LATENTS,)).tanh()
    return tuple(noise.tolist())


def look_for(event: Event, kind: str, seed: int, chunk_idx: int, number: int) -> Look:
    """The look an event describes. Where one colour is said beside an umbrella and no garment, it is the umbrella's."""
    if event.umbrella and event.colour and event.garment is None:
        event = replace(event, umbrella=event.colour if event.umbrella == SOME_COLOUR else event.umbrella, colour=None)
    choice = uniform_noise(seed, chunk_idx, f"look/{number}", (5,)).tolist()
    main = COLOURS[event.colour] if event.colour else _pick(USUAL_COLOURS[kind], choice[0])
    if kind != "person":
        return Look(kind=kind, main=main)
    figure = event.figure or ("girl", "boy", "woman", "man")[int(4 * choice[1])]
    is_female = figure in FEMALE
    has_skirt = event.garment == "dress" or (is_female and event.garment != "coat" and choice[4] < 0.7)
    umbrella = event.umbrella if event.umbrella and event.umbrella != SOME_COLOUR else "red"
    return Look(
        kind=kind,
        main=main,
        hair=HAIR[event.hair] if event.hair else _pick(tuple(HAIR.values())[:4], choice[2]),
        accent=COLOURS[umbrella],
        has_long_hair=is_female and (choice[3] < 0.85 or not has_skirt),
        has_skirt=has_skirt,
        is_child=figure in ("girl", "boy"),
        has_umbrella=event.umbrella is not None,
        has_hat=event.garment == "hat",
    )


def dressed(look: Look, event: Event) -> Look:
    """With what an event gives somebody who is there: paint, clothes, hair, an umbrella."""
    main = COLOURS[event.colour] if event.colour and event.garment != "hat" else look.main
    if look.kind != "person":
        return replace(look, main=main)
    colour = event.umbrella if event.umbrella in COLOURS else None
    return replace(
        look,
        main=main,
        hair=HAIR[event.hair] if event.hair else look.hair,
        accent=COLOURS[colour] if colour else look.accent,
        has_umbrella=look.has_umbrella or event.umbrella is not None,
        has_skirt=event.garment == "dress" or (look.has_skirt and event.garment != "coat"),
        has_hat=look.has_hat or event.garment == "hat",
    )


def likeness(look: Look, figure: str | None) -> int:
    """How well a person fits who is spoken of: 2 as said, 1 but for the age (a girl may be called a woman), 0 not."""
    if figure is None or look.figure == figure:
        return 2
    return int((look.figure in FEMALE) == (figure in FEMALE))


def _pick(colours: tuple[RGB, ...], choice: float) -> RGB:
    return colours[min(int(choice * len(colours)), len(colours) - 1)]
