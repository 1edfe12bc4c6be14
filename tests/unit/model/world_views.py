"""Small true scenes for the model's tests."""

from __future__ import annotations

import torch
from torch import Tensor

from model import camera
from model.world.renderer import Viewpoint, render_maps


def canvas_of(place: str, seed: int = 3, x_m: float = 10.0, column: int = 448) -> Tensor:
    """maps_BMHW of one canvas."""
    view = Viewpoint(torch.tensor([x_m]), torch.zeros(1), torch.tensor([column]))
    return render_maps(place, torch.tensor([seed]), view, torch.tensor([[[x_m, 0.0]]]))


def view_of(place: str) -> Tensor:
    """maps_BMHW of one view, looking level."""
    top = (camera.CANVAS_H - camera.VIEW_H) // 2
    return canvas_of(place)[:, :, top : top + camera.VIEW_H, : camera.VIEW_W]
