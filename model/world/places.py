"""What stands where in the training world: for each place, layers of things on hashed grids.

A thing is made of parts, each a paper cut-out (a shape seen in its own width and height)
or a box with faces, a gable roof or windows. Sizes in metres.
"""

from __future__ import annotations

from typing import NamedTuple

RECT, ELLIPSE, TRIANGLE, HOUSE, TOWER = range(5)

PAPER_PALETTE = (
    (0.86, 0.52, 0.42), (0.93, 0.80, 0.58), (0.62, 0.72, 0.76), (0.80, 0.66, 0.72),
    (0.72, 0.78, 0.58), (0.92, 0.88, 0.80), (0.78, 0.42, 0.38), (0.55, 0.62, 0.72),
)  # fmt: skip
ROOF_PALETTE = ((0.55, 0.26, 0.22), (0.36, 0.34, 0.40), (0.62, 0.40, 0.26), (0.30, 0.38, 0.42))


class Part(NamedTuple):
    shape: int
    half_width: float
    bottom: float
    top: float
    red: float
    green: float
    blue: float
    glow: float = 0.0
    hue_spread: float = 0.0  # how far the hash may tint it; 9 takes a palette colour


THINGS: dict[str, tuple[Part, ...]] = {
    "house": (Part(HOUSE, 3.6, 0.0, 6.2, 1.0, 1.0, 1.0, hue_spread=9.0),),
    "tower": (Part(TOWER, 4.4, 0.0, 17.0, 0.62, 0.66, 0.74, hue_spread=0.12),),
    "tree": (
        Part(RECT, 0.16, 0.0, 1.9, 0.42, 0.30, 0.22),
        Part(ELLIPSE, 1.5, 1.3, 4.6, 0.36, 0.58, 0.30, hue_spread=0.10),
    ),
    "conifer": (
        Part(RECT, 0.16, 0.0, 1.2, 0.38, 0.27, 0.20),
        Part(TRIANGLE, 1.5, 0.8, 6.0, 0.20, 0.42, 0.32, hue_spread=0.06),
    ),
    "bush": (Part(ELLIPSE, 0.9, -0.5, 0.9, 0.42, 0.60, 0.32, hue_spread=0.10),),
    "lamp": (
        Part(RECT, 0.09, 0.0, 3.3, 0.26, 0.27, 0.30),
        Part(ELLIPSE, 0.34, 3.1, 3.8, 0.98, 0.92, 0.70, glow=1.0),
    ),
    "rock": (Part(ELLIPSE, 1.3, -1.0, 1.1, 0.62, 0.50, 0.42, hue_spread=0.06),),
    "butte": (Part(RECT, 3.4, 0.0, 5.5, 0.80, 0.48, 0.32, hue_spread=0.06),),
    "cactus": (
        Part(RECT, 0.22, 0.0, 2.6, 0.30, 0.52, 0.34),
        Part(RECT, 0.75, 1.1, 1.5, 0.30, 0.52, 0.34),
    ),
    "palm": (
        Part(RECT, 0.15, 0.0, 4.2, 0.56, 0.42, 0.30),
        Part(ELLIPSE, 1.7, 3.7, 4.9, 0.30, 0.60, 0.36, hue_spread=0.06),
    ),
    "parasol": (
        Part(RECT, 0.07, 0.0, 2.2, 0.85, 0.82, 0.78),
        Part(TRIANGLE, 1.3, 1.6, 2.5, 1.0, 1.0, 1.0, hue_spread=9.0),
    ),
    "flower": (Part(ELLIPSE, 0.35, 0.0, 0.6, 1.0, 1.0, 1.0, hue_spread=9.0),),
}


class Layer(NamedTuple):
    """Things of one kind on a grid of cells, one cell in `1 / chance` filled."""

    thing: str
    cell_x: float
    cell_y: float
    offset_x: float
    offset_y: float
    jitter: float  # of the position, in cells
    chance: float


ROAD_PERIOD_M = 26.0  # streets run along x, this far apart; the first one lies at y = 0
CITY_PERIOD_M = 34.0

LAYERS: dict[str, tuple[Layer, ...]] = {
    "street": (
        Layer("house", 9.4, ROAD_PERIOD_M, 0.0, 9.6, 0.06, 0.86),
        Layer("house", 9.4, ROAD_PERIOD_M, 4.0, -9.6, 0.06, 0.86),
        Layer("lamp", 13.0, ROAD_PERIOD_M, 2.0, 3.7, 0.0, 0.9),
        Layer("lamp", 13.0, ROAD_PERIOD_M, 8.5, -3.7, 0.0, 0.9),
        Layer("tree", 8.0, ROAD_PERIOD_M, 1.0, 5.2, 0.08, 0.45),
        Layer("tree", 8.0, ROAD_PERIOD_M, 5.0, -5.2, 0.08, 0.45),
    ),
    "city": (
        Layer("tower", 12.0, CITY_PERIOD_M, 0.0, 12.5, 0.05, 0.92),
        Layer("tower", 12.0, CITY_PERIOD_M, 5.0, -12.5, 0.05, 0.92),
        Layer("lamp", 11.0, CITY_PERIOD_M, 3.0, 5.2, 0.0, 0.9),
        Layer("lamp", 11.0, CITY_PERIOD_M, 8.5, -5.2, 0.0, 0.9),
    ),
    "forest": (
        Layer("conifer", 6.0, 6.0, 0.0, 3.0, 0.32, 0.62),
        Layer("tree", 9.0, 9.0, 4.0, 4.5, 0.30, 0.50),
        Layer("bush", 7.0, 7.0, 2.0, 1.0, 0.36, 0.40),
    ),
    "meadow": (
        Layer("tree", 15.0, 15.0, 4.0, 7.0, 0.32, 0.55),
        Layer("bush", 9.0, 9.0, 2.0, 4.5, 0.34, 0.45),
        Layer("flower", 3.6, 3.6, 1.0, 1.0, 0.36, 0.55),
        Layer("house", 34.0, 34.0, 12.0, 17.0, 0.20, 0.5),
    ),
    "desert": (
        Layer("cactus", 10.0, 10.0, 3.0, 5.0, 0.34, 0.5),
        Layer("rock", 11.0, 11.0, 6.0, 4.0, 0.34, 0.45),
        Layer("butte", 27.0, 27.0, 9.0, 13.0, 0.26, 0.6),
    ),
    "shore": (
        Layer("palm", 9.0, 200.0, 3.0, 9.0, 0.10, 0.65),
        Layer("palm", 12.0, 200.0, 6.0, 17.0, 0.08, 0.65),
        Layer("parasol", 8.0, 200.0, 1.0, 3.4, 0.06, 0.55),
        Layer("rock", 12.0, 200.0, 5.0, -4.6, 0.05, 0.45),
        Layer("house", 18.0, 200.0, 10.0, 26.0, 0.02, 0.6),
    ),
}

# Skyline colour and height in pixels of the far hills, per place.
SKYLINE: dict[str, tuple[tuple[float, float, float], float]] = {
    "street": ((0.62, 0.70, 0.74), 5.0),
    "city": ((0.60, 0.65, 0.74), 14.0),
    "forest": ((0.42, 0.56, 0.52), 11.0),
    "meadow": ((0.58, 0.70, 0.66), 9.0),
    "desert": ((0.82, 0.66, 0.54), 7.0),
    "shore": ((0.62, 0.74, 0.78), 3.0),
}
