"""Both faces of the client, before a house with one slot."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

import nacre
import nacre.blocking
from tests.integration.admission.test_admission import house

PROMPT = "a quiet street at dusk"


async def test_a_client_that_waits_hears_how_far_it_is(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        client, heard = here.service.client, []
        first = await client.create(prompt=PROMPT)
        with pytest.raises(nacre.LimitReached) as caught:
            await client.create(prompt=PROMPT)
        assert caught.value.reason == "CAPACITY_EXHAUSTED"
        assert "there are 1: wait for one (wait_s" in caught.value.message
        assert caught.value.retry_after_s
        waiting = asyncio.ensure_future(client.create(prompt=PROMPT, wait_s=20.0, on_queue=heard.append))
        while not heard:
            await asyncio.sleep(0.01)
        assert (heard[0].position, heard[0].num_waiting) == (1, 1)
        assert heard[0].gives_up_at > datetime.now(UTC)
        assert heard[0].limits == nacre.Limits()
        await first.end()
        second = await waiting
        assert second.id != first.id


async def test_a_place_is_waited_for_reserved_and_taken(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        client = here.service.client
        first = await client.create(prompt=PROMPT)
        waiting = client.reserve(wait_s=20.0)
        async for standing in waiting:
            assert standing.position == 1
            await first.end()
        reservation = await waiting
        second = await client.create(prompt=PROMPT, reservation_id=reservation.reservation_id)
        await second.end()
        reservation = await client.reserve()
        await client.cancel_reservation(reservation.reservation_id)
        await client.create(prompt=PROMPT)


async def test_whoever_waits_no_more_leaves_the_queue(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        client = here.service.client
        await client.create(prompt=PROMPT)
        waiting = client.reserve(wait_s=20.0)
        async for _ in waiting:
            waiting.close()
            break
        while (await client.quota()).use.num_waiting:
            await asyncio.sleep(0.02)


async def test_b12_what_one_may_not_use_more_of_is_named(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        client = here.service.client
        said = await client.admin.set_quota("default", nacre.Limits(concurrent_sessions=0), weight=2.0)
        assert [said] == await client.admin.quotas()
        with pytest.raises(nacre.QuotaExceeded) as caught:
            await client.create(prompt=PROMPT)
        assert caught.value.quota == "concurrent_sessions"
        quota = await client.quota()
        assert (quota.limits.concurrent_sessions, quota.left.concurrent_sessions, quota.weight) == (0, 0, 2.0)
        assert quota.limits.storage_bytes is None


async def test_a_script_waits_as_well(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        first = await here.service.client.create(prompt=PROMPT)
        heard: list[nacre.QueueStanding] = []

        def wait() -> tuple[str, int]:
            with nacre.blocking.connect(here.service.server.address) as client:
                session = client.create(prompt=PROMPT, wait_s=20.0, on_queue=heard.append)
                used = client.quota().use.concurrent_sessions
                session.end()
                return client.reserve().reservation_id, used

        waiting = asyncio.create_task(asyncio.to_thread(wait))
        while not heard:
            await asyncio.sleep(0.01)
        await first.end()
        reservation_id, used = await waiting
        assert reservation_id
        assert used == 1
