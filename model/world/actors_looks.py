"""Words for what somebody looks like and wears."""

from __future__ import annotations

from model.actors.looks import FIGURES

PEOPLE = (*FIGURES, "person")
SHE, HE = ("she", "her", "her"), ("he", "him", "his")
PRONOUNS = {"girl": SHE, "woman": SHE, "boy": HE, "man": HE}  # who does it, to whom, whose
ADJECTIVES = (
    "little",
    "small",
    "big",
    "old",
    "young",
    "lovely",
    "cute",
    "tall",
    "pretty",
    "stylish",
    "happy",
    "strange",
    "shiny",
    "second",
)
HAIR_WORDS: dict[str, tuple[str, ...]] = {
    "blonde": ("blonde", "blond", "fair-haired", "golden-haired"),
    "black": ("black-haired", "dark-haired", "raven-haired"),
    "brown": ("brown-haired", "brunette", "chestnut-haired"),
    "red": ("red-haired", "redheaded", "ginger-haired"),
    "grey": ("grey-haired", "white-haired", "silver-haired"),
}
HAIR_ADJECTIVES = {"blonde": "blonde", "black": "black", "brown": "brown", "red": "red", "grey": "grey"}
GARMENTS: dict[str, tuple[str, ...]] = {
    "coat": ("coat", "long coat", "jacket", "raincoat", "trench coat", "cloak"),
    "dress": ("dress", "summer dress", "skirt", "gown", "robe"),
    "hat": ("hat", "cap", "straw hat", "bonnet"),
}
OTHER_CLOTHES = ("shirt", "sweater", "suit", "pullover", "uniform", "blouse", "hoodie", "T-shirt")
CARRIED = ("umbrella", "parasol", "umbrella")
