"""Pearl's encoder stage: words and pictures into conditions, pictures into maps as well."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model import camera
from model.image_network import ImageNetwork
from model.interface import Tensors
from model.text.encoder import PearlTextEncoder
from model.text.understood import understood
from model.world.conditions import NUM_SLOTS, NUM_VALUES, SLOT_NAMES, SLOT_RANGES

READ_SLOTS = ("place", "style", "lighting", "weather")  # a picture does not tell its mood


class PearlEncoder:
    """Implements model.interface.Encoder."""

    def __init__(self, text: PearlTextEncoder, image: ImageNetwork) -> None:
        self._text, self._image = text, image.eval()

    def encode_text(self, text: str) -> Tensors:
        return self._text.encode_text(text)

    def understood(self, text: Tensors) -> tuple[str, ...]:
        return understood(text)

    @torch.inference_mode()
    def encode_image(self, image_HWC: NDArray[np.uint8]) -> Tensors:
        """The picture's maps, and the conditions it was taken in as an update of every slot that shows."""
        reading = self._image(fit_to_view(image_HWC)[None])
        maps = (reading.maps_BMHW[0].clamp(0, 1) * 255).round().to(torch.uint8)
        values = torch.zeros(NUM_VALUES)
        for part in SLOT_RANGES.values():
            values[part] = reading.logits_BV[0, part].softmax(0)
        gates = np.array([float(name in READ_SLOTS) for name in SLOT_NAMES], np.float32)
        assert len(gates) == NUM_SLOTS
        return {"maps": maps.numpy(), "gates": gates, "values": values.numpy()}


def fit_to_view(image_HWC: NDArray[np.uint8]) -> Tensor:
    """rgb_CHW of the view's size in [0, 1]: the middle of the picture at the view's proportions."""
    height, width = image_HWC.shape[:2]
    crop_w = min(width, round(height * camera.VIEW_W / camera.VIEW_H))
    crop_h = min(height, round(width * camera.VIEW_H / camera.VIEW_W))
    top, left = (height - crop_h) // 2, (width - crop_w) // 2
    crop = np.ascontiguousarray(image_HWC[top : top + crop_h, left : left + crop_w])
    rgb = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
    size = (camera.VIEW_H, camera.VIEW_W)
    if (crop_h, crop_w) == size:
        return rgb[0]
    return torch.nn.functional.interpolate(rgb, size, mode="bilinear", antialias=True, align_corners=False)[0]
