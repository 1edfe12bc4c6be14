"""A moment of a session played elsewhere: it comes, or it says why not, and leaves nothing behind."""

from __future__ import annotations

import pytest

from serving.errors import WorkerUnavailableError
from serving.sessions.contract import SessionLink
from serving.stages import rehearsal
from serving.stages.rehearsal import NUM_CHUNKS, rehearsal_spec, rehearse
from tests.fakes import FakeFaults, FakeWorldPlane

pytestmark = pytest.mark.timeout(20)


def plane(**faults: object) -> FakeWorldPlane:
    return FakeWorldPlane(speed=100.0, faults=FakeFaults(**faults))  # type: ignore[arg-type]


async def try_out(fake: FakeWorldPlane) -> None:
    async def open_link() -> SessionLink:
        return await fake.open(rehearsal_spec(fake.info))

    try:
        await rehearse(open_link)
    finally:
        assert fake.num_open == 0


async def test_a_rehearsal_ends_when_its_chunks_came() -> None:
    fake = plane()
    await try_out(fake)
    [link] = fake.links
    assert (link.num_made, link.spec.epoch) == (NUM_CHUNKS, 0), "without an epoch it is on no record"


async def test_a_worker_that_is_lost_cannot_play_the_session() -> None:
    with pytest.raises(WorkerUnavailableError, match="cannot play"):
        await try_out(plane(lose_worker_at_chunk=1))


async def test_a_worker_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "TIMEOUT_S", 0.05)
    with pytest.raises(WorkerUnavailableError, match="in time"):
        await try_out(plane(open_delay_s=5.0))
