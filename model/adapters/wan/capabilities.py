"""The capability record of a causal Wan model.

Such models take keys and a mouse in numbers without a unit, and do not say how far they go. What a full control does is
given here as their published videos look, for clients that show a compass or a pace; nobody measured it.
"""

from __future__ import annotations

from model.adapters.presets import WanPreset
from model.interface import ModelInfo, Profile

MAX_YAW_DEG_PER_S, MAX_PITCH_DEG_PER_S, MAX_SPEED_M_PER_S = 45.0, 30.0, 2.0


def capabilities(preset: WanPreset, weights_sha256: str, profile: Profile) -> ModelInfo:
    """A model without sound. Walks and turns where its network is told keys."""
    config = preset.network
    is_told_hands = bool(config.actions or config.keys)
    can_look = bool(config.keys or (config.actions and config.actions.mouse_axes))
    controls = (
        *(["move"] if is_told_hands else []),
        *(["look"] if can_look else []),
        *(["directive"] if config.text_dim else []),
        *(["image"] if config.keys or config.condition_channels else []),
    )
    return ModelInfo(
        name=preset.name,
        weights_sha256=weights_sha256,
        width_px=preset.width_px,
        height_px=preset.height_px,
        frame_rate=preset.frame_rate,
        frames_per_chunk=preset.frames_per_chunk,
        sample_rate_hz=0,
        audio_channels=0,
        samples_per_chunk=0,
        controls=controls,
        perspectives=(),
        max_yaw_deg_per_s=MAX_YAW_DEG_PER_S if can_look else 0.0,
        max_pitch_deg_per_s=MAX_PITCH_DEG_PER_S if can_look else 0.0,
        max_speed_m_per_s=MAX_SPEED_M_PER_S if is_told_hands else 0.0,
        licence=preset.licence,
        profile=profile,
    )
