"""Spatial memory: the place one returns to is the place one left."""

from __future__ import annotations

import torch

from model import camera
from model.memory import MAX_PLACES, SpatialMemory, Standpoint

HERE = Standpoint(0.0, 0.0, 0)
EVERYTHING = torch.ones(camera.CANVAS_H, camera.CANVAS_W, dtype=torch.bool)


def canvas(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randint(0, 256, (camera.NUM_MAPS, camera.CANVAS_H, camera.CANVAS_W), generator=generator) / 255
    maps[camera.NEARNESS] = 0.4
    return maps


def test_nothing_is_known_at_first() -> None:
    seen = SpatialMemory().recall(HERE)
    assert not seen.strong_HW.any()
    assert not seen.weak_HW.any()


def test_standing_still_is_exact() -> None:
    memory = SpatialMemory()
    memory.remember(HERE, canvas(1), EVERYTHING, is_new_place=True)
    seen = memory.recall(HERE)
    assert seen.strong_HW.all()
    torch.testing.assert_close(seen.maps_MHW, canvas(1), atol=1e-6, rtol=0)


def test_looking_away_and_back_is_exact() -> None:
    memory = SpatialMemory()
    memory.remember(HERE, canvas(1), EVERYTHING, is_new_place=True)
    for column in range(16, camera.TURN_PX, 16):
        at = Standpoint(0.0, 0.0, column)
        seen = memory.recall(at)
        memory.remember(at, torch.where(seen.strong_HW, seen.maps_MHW, canvas(2)), EVERYTHING, is_new_place=False)
    seen = memory.recall(Standpoint(0.0, 0.0, camera.TURN_PX))
    assert seen.strong_HW.all()
    torch.testing.assert_close(seen.maps_MHW, canvas(1), atol=1e-6, rtol=0)


def test_a_new_place_is_laid_down_only_after_a_walk() -> None:
    memory = SpatialMemory()
    memory.remember(HERE, canvas(1), EVERYTHING, is_new_place=True)
    assert not memory.is_new_place(Standpoint(0.5, 0.0, 0), is_walking=True)
    assert memory.is_new_place(Standpoint(1.6, 0.0, 0), is_walking=True)
    assert memory.is_new_place(Standpoint(0.5, 0.0, 0), is_walking=False)


def test_memory_is_bounded_and_forgets_the_farthest() -> None:
    memory = SpatialMemory()
    size = memory.num_bytes
    for step in range(MAX_PLACES + 5):
        memory.remember(Standpoint(2.0 * step, 0.0, 0), canvas(step), EVERYTHING, is_new_place=True)
    assert memory.num_places == MAX_PLACES
    assert memory.num_bytes == size
    newest = Standpoint(2.0 * (MAX_PLACES + 4), 0.0, 0)
    assert memory.recall(newest).strong_HW.all()
    assert memory.is_new_place(HERE, is_walking=True)


def test_a_restored_memory_recalls_the_same() -> None:
    memory = SpatialMemory()
    memory.remember(HERE, canvas(1), EVERYTHING, is_new_place=True)
    memory.remember(Standpoint(0.4, 0.1, 16), canvas(2), EVERYTHING, is_new_place=False)
    restored = SpatialMemory.restore(memory.snapshot())
    for at in (HERE, Standpoint(0.4, 0.1, 16), Standpoint(0.6, 0.0, 32)):
        ours, theirs = memory.recall(at), restored.recall(at)
        for one, two in zip(ours, theirs, strict=True):
            assert torch.equal(one, two)
