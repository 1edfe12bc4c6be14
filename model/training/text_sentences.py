"""Sentences written by hand, to test the text encoder on what no template made.

Each with the slots it mentions; all others must be left alone.
"""

from __future__ import annotations

from model.world.captions import Caption


def _line(text: str, **choices: str) -> Caption:
    return Caption(text=text, choices=choices)


WRITTEN: tuple[Caption, ...] = (
    _line("a quiet street at dusk", place="street", lighting="dusk", mood="calm"),
    _line("it starts to rain", weather="rain"),
    _line("night falls", lighting="night"),
    _line("a rainy neon alley at night", place="street", style="neon", lighting="night", weather="rain"),
    _line("an oil painting with swirling strokes of a meadow at dawn", place="meadow", style="swirl", lighting="dawn"),
    _line("make it look like a watercolour", style="watercolour"),
    _line("the music turns sad", mood="melancholy"),
    _line("let it snow", weather="snow"),
    _line("the fog rolls in", weather="fog"),
    _line("the rain stops", weather="clear"),
    _line("the sun comes up", lighting="dawn"),
    _line("a kitten runs to the girl"),
    _line("the girl crouches down to pet the kitten"),
    _line("on the streets of Paris", place="street"),
    _line("drizzle", weather="rain"),
    _line("a blizzard hits the town square", weather="snow", place="street"),
    _line("The mist thickens until you can hardly see.", weather="fog"),
    _line("I'd like something more cheerful to listen to", mood="joyful"),
    _line("paint it all the way Van Gogh would have", style="swirl"),
    _line("a lonely beach in winter snow", place="shore", weather="snow", mood="melancholy"),
    _line("cyberpunk Tokyo at midnight in a downpour", place="city", style="neon", lighting="night", weather="rain"),
    _line("dunes under a blazing midday sun", place="desert", lighting="day"),
    _line("walking through the redwoods as morning mist drifts by", place="forest", lighting="dawn", weather="fog"),
    _line("like an old black and white detective movie", style="noir"),
    _line("a faded Polaroid of the seaside", place="shore", style="vintage"),
    _line("origami pine trees", place="forest", style="paper"),
    _line("turn it into an aquarelle", style="watercolour"),
    _line("it should feel creepier", mood="tense"),
    _line("something sinister is in the air", mood="tense"),
    _line("soothing piano please", mood="calm"),
    _line("pull the camera back and show the whole scene"),
    _line("a dog chases a ball"),
    _line("walk faster"),
    _line("turn to the left"),
    _line("she takes off her hat and smiles"),
    _line("who lives in this house?"),
    _line("thunder rolls and water pours from the sky", weather="rain"),
    _line("flakes begin to drift down", weather="snow"),
    _line("the clouds vanish", weather="clear"),
    _line("it clears up", weather="clear"),
    _line("the sun dips below the horizon", lighting="dusk"),
    _line("the moon is out and the stars are shining", lighting="night"),
    _line("skyscrapers at twilight", place="city", lighting="dusk"),
    _line("a sandy wasteland with cacti", place="desert"),
    _line("green pastures and gentle hills", place="meadow"),
    _line("waves break on the cliffs", place="shore"),
    _line("a sepia photo of a town lane", place="street", style="vintage"),
    _line("everything is cut out of coloured paper", style="paper"),
    _line("bring the daylight back", lighting="day"),
    _line("a spooky forest at night", place="forest", lighting="night", mood="tense"),
    _line("make everything monochrome", style="noir"),
    _line("glowing signs in pink and blue", style="neon"),
    _line("a festive city in the evening", place="city", lighting="dusk", mood="joyful"),
    _line("a knight rides past on a horse"),
)
