"""The open models there are, by name, told without loading torch. Their sizes stand in `model.adapters.presets`."""

from __future__ import annotations

NAMES = (
    "wan-1.3b",
    "wan-1.3b-window-12",
    "matrix-game-2",
    "matrix-game-2-gta-drive",
    "matrix-game-2-templerun",
    "abot-5b",
    "abot-5b-720p",
)
