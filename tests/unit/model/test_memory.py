"""Spatial memory: the place one returns to is the place one left."""

from __future__ import annotations

import numpy as np
import torch

from model import camera
from model.memory import MAX_PLACES, SpatialMemory, Standpoint, place_name

HERE = Standpoint(0.0, 0.0, 0)
EVERYTHING = torch.ones(camera.CANVAS_H, camera.CANVAS_W, dtype=torch.bool)


def canvas(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randint(0, 256, (camera.NUM_MAPS, camera.CANVAS_H, camera.CANVAS_W), generator=generator) / 255
    maps[camera.NEARNESS] = 0.4
    return maps


def kept(memory: SpatialMemory, at: Standpoint, maps_MHW: torch.Tensor, is_new_place: bool) -> None:
    """All of it painted just now."""
    memory.remember(at, maps_MHW, maps_MHW[camera.NEARNESS], EVERYTHING, is_new_place)


def test_nothing_is_known_at_first() -> None:
    seen = SpatialMemory().recall(HERE)
    assert not seen.strong_HW.any()
    assert not seen.weak_HW.any()


def test_standing_still_is_exact() -> None:
    memory = SpatialMemory()
    kept(memory, HERE, canvas(1), is_new_place=True)
    seen = memory.recall(HERE)
    assert seen.strong_HW.all()
    torch.testing.assert_close(seen.maps_MHW, canvas(1), atol=1e-6, rtol=0)


def test_looking_away_and_back_is_exact() -> None:
    memory = SpatialMemory()
    kept(memory, HERE, canvas(1), is_new_place=True)
    for column in range(16, camera.TURN_PX, 16):
        at = Standpoint(0.0, 0.0, column)
        seen = memory.recall(at)
        kept(memory, at, torch.where(seen.strong_HW, seen.maps_MHW, canvas(2)), is_new_place=False)
    seen = memory.recall(Standpoint(0.0, 0.0, camera.TURN_PX))
    assert seen.strong_HW.all()
    torch.testing.assert_close(seen.maps_MHW, canvas(1), atol=1e-6, rtol=0)


def test_a_new_place_is_laid_down_only_after_a_walk() -> None:
    memory = SpatialMemory()
    kept(memory, HERE, canvas(1), is_new_place=True)
    assert not memory.is_new_place(Standpoint(0.5, 0.0, 0), is_walking=True)
    assert memory.is_new_place(Standpoint(1.6, 0.0, 0), is_walking=True)
    assert memory.is_new_place(Standpoint(0.5, 0.0, 0), is_walking=False)


def test_memory_is_bounded_and_forgets_the_farthest() -> None:
    memory = SpatialMemory()
    size = memory.num_bytes
    for step in range(MAX_PLACES + 5):
        kept(memory, Standpoint(2.0 * step, 0.0, 0), canvas(step), is_new_place=True)
    assert memory.num_places == MAX_PLACES
    assert memory.num_bytes == size
    newest = Standpoint(2.0 * (MAX_PLACES + 4), 0.0, 0)
    assert memory.recall(newest).strong_HW.all()
    assert memory.is_new_place(HERE, is_walking=True)


def test_a_restored_memory_recalls_the_same() -> None:
    memory = SpatialMemory()
    kept(memory, HERE, canvas(1), is_new_place=True)
    kept(memory, Standpoint(0.4, 0.1, 16), canvas(2), is_new_place=False)
    restored = SpatialMemory.restore(memory.snapshot())
    for at in (HERE, Standpoint(0.4, 0.1, 16), Standpoint(0.6, 0.0, 32)):
        ours, theirs = memory.recall(at), restored.recall(at)
        for one, two in zip(ours, theirs, strict=True):
            assert torch.equal(one, two)


def test_a_snapshot_stays_as_it_was_taken_while_its_memory_goes_on() -> None:
    memory = SpatialMemory()
    kept(memory, HERE, canvas(1), is_new_place=True)
    snapshot = memory.snapshot()
    copies = {name: array.copy() for name, array in snapshot.items()}
    kept(memory, Standpoint(0.0, 0.0, 64), canvas(2), is_new_place=False)
    assert (memory.snapshot()[place_name(0)] != copies[place_name(0)]).any()
    for name, array in copies.items():
        np.testing.assert_array_equal(snapshot[name], array)


def test_the_next_snapshot_shares_the_places_that_stayed_as_they_were() -> None:
    memory = SpatialMemory()
    kept(memory, HERE, canvas(1), is_new_place=True)
    kept(memory, Standpoint(2.0, 0.0, 0), canvas(2), is_new_place=True)
    first = memory.snapshot()
    kept(memory, Standpoint(2.0, 0.0, 64), canvas(3), is_new_place=False)
    second = memory.snapshot()
    assert second[place_name(0)] is first[place_name(0)]
    assert second[place_name(1)] is not first[place_name(1)]
    assert not any(first[place_name(place)].flags.writeable for place in range(2))


def test_a_copy_of_a_copy_is_no_better_known_than_the_first() -> None:
    memory, ahead = SpatialMemory(), slice(70, 90)
    wall = canvas(1)
    wall[camera.NEARNESS] = camera.nearness(torch.tensor(9.0))
    facing = Standpoint(0.0, 0.0, -camera.CANVAS_W // 2)
    kept(memory, facing, wall, is_new_place=True)
    weak_shares = []
    for step in range(1, 7):
        at = facing._replace(x_m=float(step))
        seen = memory.recall(at)
        weak_shares.append(seen.weak_HW[20:50, ahead].float().mean().item())
        memory.remember(at, seen.maps_MHW, seen.grain_HW, seen.strong_HW | seen.weak_HW, is_new_place=True)
    assert max(weak_shares[:4]) < 0.05  # from 9 m to 5 m
    assert weak_shares[5] > 0.9  # at 3 m, by copies that each were magnified by a third at most


def test_what_was_painted_anew_is_known_well() -> None:
    memory, near = SpatialMemory(), Standpoint(6.0, 0.0, -camera.CANVAS_W // 2)
    wall = canvas(1)
    wall[camera.NEARNESS] = camera.nearness(torch.tensor(3.0))
    memory.remember(near, wall, torch.full_like(wall[0], 0.37), EVERYTHING, is_new_place=True)
    before = memory.recall(near._replace(x_m=6.3)).weak_HW[20:50, 70:90].float().mean()
    kept(memory, near._replace(x_m=6.1), wall, is_new_place=True)
    after = memory.recall(near._replace(x_m=6.3)).weak_HW[20:50, 70:90].float().mean()
    assert before > 0.9
    assert after < 0.05
