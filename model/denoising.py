"""One chunk of one session or of several, from noise to what is kept of it, in shared passes.

Every session takes as many denoise passes as its canvas needs, in which the cache is only read, and then its cache
pass, which gives the keys and values that the cache may keep. Sessions share a pass when the same number of earlier
chunks is cached for them, whatever their prompts, controls, noise levels and numbers of steps: ages differ only until
the window is full, and a pass without a mask is the faster one.

Letters: B sessions, V patches, C latent dims, A audio latent dims, E control features, Q numbers of patch coverage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from model.layers import KeysValues
from model.sampler import SIGMAS, chunk_noise, euler_step
from model.transformer import NUM_PATCHES, ChunkTokens, TransformerConfig, WorldTransformer


class Canvas(NamedTuple):
    """What the network is told of the canvas of one session (B is 1)."""

    known_BVC: Tensor
    coverage_BVQ: Tensor
    is_known_BV: Tensor
    unknown_share: float
    azimuth_B: Tensor  # which column of the turn's patches it begins with


class Job(NamedTuple):
    """What one session brings (B is 1)."""

    seed: int
    chunk_idx: int
    num_steps: int  # a key of SIGMAS
    canvas: Canvas
    control_BE: Tensor
    prompt: list[KeysValues]  # per block
    past: list[KeysValues]  # per block, what is cached, in window order

    @property
    def num_past_tokens(self) -> int:
        return self.past[0].k_BLNK.shape[1]


class Finished(NamedTuple):
    """One session's chunk (B is 1)."""

    video_BVC: Tensor
    audio_BA: Tensor
    kept: list[KeysValues]  # per block, for the cache


class CleanChunk(NamedTuple):
    """What the cache pass of one session's chunk is given besides prompt and past (B is 1)."""

    video_BVC: Tensor
    known_BVC: Tensor
    coverage_BVQ: Tensor
    audio_BA: Tensor
    control_BE: Tensor
    azimuth_B: Tensor

    @classmethod
    def of(cls, job: Job, finished: Finished) -> CleanChunk:
        canvas = job.canvas
        return cls(
            finished.video_BVC, canvas.known_BVC, canvas.coverage_BVQ, finished.audio_BA, job.control_BE,
            canvas.azimuth_B,
        )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Flow:
    """A job under way."""

    job: Job
    video_BVC: Tensor
    audio_BA: Tensor
    pass_idx: int = 0
    finished: Finished | None = None

    @property
    def sigmas(self) -> tuple[float, ...]:
        """Of its passes: the last, at zero, is the cache pass."""
        return SIGMAS[self.job.num_steps]

    @property
    def num_left(self) -> int:
        return len(self.sigmas) - self.pass_idx

    @property
    def sigma(self) -> float:
        return self.sigmas[self.pass_idx]

    @property
    def next_sigma(self) -> float:
        return self.sigmas[min(self.pass_idx + 1, len(self.sigmas) - 1)]


def denoise(network: WorldTransformer, jobs: Sequence[Job]) -> list[Finished]:
    """The chunks of all jobs. Alone, a job comes out the same to the bit whenever it is run; together, matrix products
    are summed in another order."""
    flows = [_begin(job, network.config) for job in jobs]
    while running := [flow for flow in flows if flow.finished is None]:
        for group in _groups(running):
            _run(network, group)
    return [flow.finished for flow in flows if flow.finished is not None]


def remember(
    network: WorldTransformer, clean: CleanChunk, prompt: list[KeysValues], past: list[KeysValues]
) -> list[KeysValues]:
    """A cache pass by itself: what may be kept of the chunk under that prompt and after that past. To the bit what
    `denoise` gave, where they are those it had."""
    no_noise = clean.video_BVC.new_zeros(clean.video_BVC.shape[:2]), clean.audio_BA.new_zeros(len(clean.audio_BA))
    tokens = ChunkTokens(
        clean.video_BVC, clean.known_BVC, clean.coverage_BVQ, no_noise[0], clean.audio_BA, no_noise[1],
        clean.control_BE, clean.azimuth_B,
    )  # fmt: skip
    return network.cache_pass(tokens, network.surround(clean.control_BE, clean.azimuth_B, prompt, past))


def _begin(job: Job, config: TransformerConfig) -> _Flow:
    def noise(stream: str, *shape: int) -> Tensor:
        return SIGMAS[job.num_steps][0] * chunk_noise(job.seed, job.chunk_idx, stream, (1, *shape))

    known = job.canvas.is_known_BV[..., None]
    video = torch.where(known, job.canvas.known_BVC, noise("video", NUM_PATCHES, config.latent_dims))
    return _Flow(job=job, video_BVC=video, audio_BA=noise("audio", config.audio_dims))


def _groups(flows: Sequence[_Flow]) -> Iterator[list[_Flow]]:
    def age(flow: _Flow) -> int:
        return flow.job.num_past_tokens

    for _, group in groupby(sorted(flows, key=age), key=age):
        yield list(group)


def _run(network: WorldTransformer, flows: Sequence[_Flow]) -> None:
    """As many passes as the one with the fewest left takes; all of a group have as much cached."""
    shared = _Shared.of(flows)
    prompt, past = _together([flow.job.prompt for flow in flows]), _together([flow.job.past for flow in flows])
    around = network.surround(shared.control_BE, shared.azimuth_B, prompt, past)
    video, audio = torch.cat([flow.video_BVC for flow in flows]), torch.cat([flow.audio_BA for flow in flows])
    known = shared.is_known_BV[..., None]
    for _ in range(min(flow.num_left for flow in flows)):
        tokens = shared.tokens(video, audio, torch.tensor([flow.sigma for flow in flows]))
        if all(flow.num_left == 1 for flow in flows):
            _finish(flows, video, audio, network.cache_pass(tokens, around))
            break
        velocity, kept = network.denoise_pass(tokens, around)
        _finish(flows, video, audio, kept)
        change = torch.tensor([flow.next_sigma - flow.sigma for flow in flows])
        video = torch.where(known, video, euler_step(video, velocity.video_BVC, change[:, None, None]))
        audio = euler_step(audio, velocity.audio_BA, change[:, None])
        for flow in flows:
            flow.pass_idx += 1
    for row, flow in enumerate(flows):
        flow.video_BVC, flow.audio_BA = video[row : row + 1], audio[row : row + 1]


def _finish(flows: Sequence[_Flow], video_BVC: Tensor, audio_BA: Tensor, kept: list[KeysValues]) -> None:
    """Take out those whose cache pass this was."""
    for row, flow in enumerate(flows):
        if flow.num_left == 1:
            part = slice(row, row + 1)
            rows = [KeysValues(block.k_BLNK[part], block.v_BLNK[part]) for block in kept]
            flow.finished = Finished(video_BVC[part], audio_BA[part], rows)


class _Shared(NamedTuple):
    """What stays the same from pass to pass."""

    known_BVC: Tensor
    coverage_BVQ: Tensor
    is_known_BV: Tensor
    azimuth_B: Tensor
    control_BE: Tensor

    @classmethod
    def of(cls, flows: Sequence[_Flow]) -> _Shared:
        jobs = [flow.job for flow in flows]
        canvases = [job.canvas for job in jobs]
        return cls(
            torch.cat([canvas.known_BVC for canvas in canvases]),
            torch.cat([canvas.coverage_BVQ for canvas in canvases]),
            torch.cat([canvas.is_known_BV for canvas in canvases]),
            torch.cat([canvas.azimuth_B for canvas in canvases]),
            torch.cat([job.control_BE for job in jobs]),
        )

    def tokens(self, video_BVC: Tensor, audio_BA: Tensor, sigma_B: Tensor) -> ChunkTokens:
        video_sigma = torch.where(self.is_known_BV, torch.zeros(()), sigma_B[:, None])
        return ChunkTokens(
            video_BVC, self.known_BVC, self.coverage_BVQ, video_sigma, audio_BA, sigma_B, self.control_BE,
            self.azimuth_B,
        )  # fmt: skip


def _together(sessions: Sequence[list[KeysValues]]) -> list[KeysValues]:
    """Per block, of all sessions."""
    if len(sessions) == 1:
        return sessions[0]
    return [
        KeysValues(*(torch.cat(fields) for fields in zip(*blocks, strict=True)))
        for blocks in zip(*sessions, strict=True)
    ]
