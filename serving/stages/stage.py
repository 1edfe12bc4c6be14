"""The stages a model has, by the one name each has everywhere."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    ENCODER = "encoder"
    TRANSFORMER = "transformer"
    VIDEO_DECODER = "video_decoder"
    AUDIO_DECODER = "audio_decoder"


DECODERS = frozenset({Stage.VIDEO_DECODER, Stage.AUDIO_DECODER})
