"""Open models of tiny size as a service may run them: warmed up in the fast profile, and over several processes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from model.adapters.wan.model import WanModel
from model.adapters.wan.transformer import WanTransformer, WanTransformerConfig
from model.interface import Tuning
from model.parallel.driver import RankedTransformer
from serving.errors import WorkerUnavailableError
from serving.sessions.contract import Directive, LinkEnded, SessionLink
from serving.stages.host import StageHost, WorkerConfig
from serving.stages.stage import Stage
from tests.integration.open_models.folders import open_model
from tests.integration.open_models.test_served import opening
from tests.integration.stages.conftest import local_rig
from tests.integration.stages.play import WAIT_S, chunks_of, control, eventually, take_chunks

NUM_CHUNKS = 4


def in_windows(folder: Path) -> WanModel:
    """As a folder of weights is opened for a service: sessions are kept as latents."""
    return WanModel(open_model("wan-tiny", folder)._folder, WanTransformerConfig(recache_every_chunks=8))


async def frames_of(model: WanModel, tell: str = "") -> np.ndarray:
    async with local_rig(model) as rig:
        link = await rig.plane.open(opening("wan-tiny"))
        await link.grant(NUM_CHUNKS)
        made = chunks_of(await take_chunks(link, 2))
        if tell:
            await link.send(control(Directive(text=tell)))
        made += chunks_of(await take_chunks(link, NUM_CHUNKS - 2))
    return np.concatenate([chunk.frames_FHWC for chunk in made]).astype(int)


async def test_the_fast_profile_is_warm_before_it_is_ready_and_shows_the_same(tmp_path: Path) -> None:
    model = in_windows(tmp_path)
    host = StageHost(model.fast(), WorkerConfig(stages=frozenset({Stage.TRANSFORMER})))
    await host.load()
    assert host.transformer is not None
    transformer = host.transformer.engine._transformer
    assert isinstance(transformer, WanTransformer)
    assert transformer._warm == {1, 2}  # as it has two slots
    await host.close()
    exact, fast = await frames_of(model), await frames_of(model.fast())
    assert np.abs(exact - fast).max() <= 1


async def test_two_ranks_show_what_one_process_does_and_end_with_either(tmp_path: Path) -> None:
    model = in_windows(tmp_path)
    alone = await frames_of(model)
    async with local_rig(model.fast().tuned(Tuning(ranks=2))) as rig:
        link = await rig.plane.open(opening("wan-tiny"))
        await link.grant(NUM_CHUNKS)
        shared = np.concatenate([each.frames_FHWC for each in chunks_of(await take_chunks(link, NUM_CHUNKS))])
        assert np.abs(alone - shared.astype(int)).max() <= 1
        host = rig.transformer
        assert host.transformer is not None
        transformer = host.transformer.engine._transformer
        assert isinstance(transformer, RankedTransformer)
        host.check_health()
        transformer._followers[0].process.kill()
        await eventually(lambda: bool(transformer._failure))
        with pytest.raises(WorkerUnavailableError, match="rank 1 of 2 has ended"):
            host.check_health()
        await link.grant(1)
        assert await end_of(link) == "WORKER_LOST"


async def end_of(link: SessionLink) -> str:
    async with asyncio.timeout(WAIT_S):
        async for event in link.events():
            if isinstance(event, LinkEnded):
                return event.reason
    raise AssertionError("the session goes on")


def test_what_a_model_has_not_is_refused(tmp_path: Path) -> None:
    model = in_windows(tmp_path)
    for tuning in (Tuning(compiles=True), Tuning(eight_bit=True), Tuning(ranks=2)):
        with pytest.raises(ValueError, match="use the fast profile"):
            model.tuned(tuning)
    with pytest.raises(ValueError, match="cannot be shared out to 3 ranks"):
        model.fast().tuned(Tuning(ranks=3))
    with pytest.raises(ValueError, match="recache_every_chunks"):
        WanModel(model._folder).fast().tuned(Tuning(ranks=2))
