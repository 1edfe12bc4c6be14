"""The same network by somebody else, in the same job: diffusers' `WanTransformer3DModel` (Apache-2.0), same weights.

It sees a whole video at once, so it is compared twice over:

    whole    all latent frames of a window in one pass, by both: the same work, and the same result within tolerance
    chunk    one chunk with the rest of its window cached, against their pass over the whole window, which is what a
             chunk costs where nothing is cached

Times are of one pass of one session, eager on both sides unless said otherwise. On a CPU only small presets end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from bench.engine.device import Device
from bench.results import Result
from model.adapters.presets import WanPreset, preset, random_network
from model.adapters.wan.layout import diffusers_name
from model.adapters.wan.network import Conditions, WanNetwork
from model.adapters.wan.window import KeysValues, LatentCache
from model.gpu.compiled import CompiledPointwise

MS = 1e3
SEED = 11
TIMESTEP = 625.0
WORDS = 20  # tokens of a short sentence, where so many fit
WARM_UP_PASSES = 3
# Of the root mean square, in half precision: both round differently. Larger, and it is another network.
SAME_WITHIN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Seconds of one pass; medians."""

    whole_s: float
    their_whole_s: float
    chunk_s: float
    difference: float  # root mean square of that of the two velocities, of ours

    @property
    def whole_ratio(self) -> float:
        """Above 1: theirs takes longer."""
        return self.their_whole_s / self.whole_s

    @property
    def chunk_ratio(self) -> float:
        return self.their_whole_s / self.chunk_s


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    video_BFCHW: Tensor  # of a whole window
    text_BPD: Tensor


def bench_reference(name: str, device: Device, passes: int, *, compiled: bool = False) -> Result:
    """Raises ValueError for a preset whose network the other library has not."""
    found = preset(name)
    if not found.network.text_dim:
        raise ValueError(f"{name} attends to controls, for which diffusers has no network")
    found = replace(found, network=replace(found.network, keys=None))  # which are added to the tokens, by both or none
    compared = compare(found, device, torch.bfloat16, passes, compiled=compiled)
    settings = {"device": device.description, "passes": passes, "compiled": compiled, "dtype": "bfloat16"}
    is_same = compared.difference <= SAME_WITHIN
    return Result(
        benchmark=f"reference-{name}",
        model=name,
        settings=settings,
        figures={
            "whole_s": compared.whole_s,
            "their_whole_s": compared.their_whole_s,
            "chunk_s": compared.chunk_s,
            "whole_ratio": compared.whole_ratio,
            "chunk_ratio": compared.chunk_ratio,
            "difference": compared.difference,
        },
        summary=_sentences(found, compared),
        faults=() if is_same else (f"the velocities differ by {compared.difference:.1%}: not the same network",),
    )


def _sentences(found: WanPreset, compared: Compared) -> tuple[str, ...]:
    shape = f"{found.width_px}x{found.height_px}, {found.window_latents} latent frames"
    return (
        f"{shape}, random weights, one session; velocities {compared.difference:.2%} apart",
        f"a pass over all of them: {compared.whole_s * MS:.2f} ms, diffusers {compared.their_whole_s * MS:.2f} ms: "
        f"ratio {compared.whole_ratio:.2f}",
        f"a chunk's pass with the rest cached: {compared.chunk_s * MS:.2f} ms: ratio {compared.chunk_ratio:.2f}",
    )


@torch.inference_mode()
def compare(found: WanPreset, device: Device, dtype: torch.dtype, passes: int, *, compiled: bool = False) -> Compared:
    network = random_network(found.network, device.kind, dtype)
    reference = reference_of(found, network)
    inputs = _inputs(found, network)
    if compiled:
        network.set_pointwise(CompiledPointwise())
        reference = torch.compile(reference, dynamic=False)
    ours, theirs = _whole(found, network, inputs), _reference(reference, inputs)
    chunk = _chunk(found, network, inputs)
    difference = (ours().float() - theirs().float()).square().mean().sqrt() / ours().float().square().mean().sqrt()
    return Compared(
        whole_s=_median_s(ours, device, passes),
        their_whole_s=_median_s(theirs, device, passes),
        chunk_s=_median_s(chunk, device, passes),
        difference=difference.item(),
    )


def reference_of(found: WanPreset, network: WanNetwork) -> Any:
    """Over the same weights. Raises ImportError without the extra `adapters`."""
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    config = found.network
    with torch.device("meta"):
        reference = WanTransformer3DModel(
            num_attention_heads=config.heads, attention_head_dim=config.head_dim, in_channels=config.in_channels,
            out_channels=config.out_channels, text_dim=config.text_dim, freq_dim=config.freq_dim,
            ffn_dim=config.ffn_dim, num_layers=config.layers, cross_attn_norm=True, eps=config.eps,
        )  # fmt: skip
    settings: Any = reference.config
    rope = type(reference.rope)(config.head_dim, settings.patch_size, settings.rope_max_seq_len)
    reference.rope = rope.to(network.device)  # its tables are no weights, and are made on the host
    weights = {diffusers_name(name): tensor for name, tensor in network.state_dict().items()}
    reference.load_state_dict(weights, assign=True)
    return reference.requires_grad_(False).eval()


def _inputs(found: WanPreset, network: WanNetwork) -> _Inputs:
    generator = torch.Generator(network.device).manual_seed(SEED)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=network.device).to(network.dtype)

    _, *latent = found.chunk_shape
    config = found.network
    text_BPD = drawn(1, config.text_tokens, config.text_dim)
    text_BPD[:, min(WORDS, config.text_tokens) :] = 0
    return _Inputs(video_BFCHW=drawn(1, found.window_latents, *latent), text_BPD=text_BPD)


def _whole(found: WanPreset, network: WanNetwork, inputs: _Inputs) -> Callable[[], Tensor]:
    """A window of which nothing is cached, as one chunk."""
    return _pass(found, network, inputs, num_own=found.window_latents)


def _chunk(found: WanPreset, network: WanNetwork, inputs: _Inputs) -> Callable[[], Tensor]:
    return _pass(found, network, inputs, num_own=found.latents_per_chunk)


def _pass(found: WanPreset, network: WanNetwork, inputs: _Inputs, num_own: int) -> Callable[[], Tensor]:
    """Its text's keys are computed once for a session, as served; theirs with every pass."""
    num_past = found.window_latents - num_own
    shapes = network.cache_shapes(found.latent_rows, found.latent_columns)
    cache = LatentCache(shapes, num_past, 0, network.dtype, network.device)
    if num_past:
        device, dtype = network.device, network.dtype
        zeros = {
            kind: torch.zeros(i, num_past, *rest, device=device, dtype=dtype) for kind, (i, *rest) in shapes.items()
        }
        cache.append({kind: KeysValues(each, each) for kind, each in zeros.items()})
    window = network.window([cache], num_own, found.latent_rows, found.latent_columns)
    context = network.context(inputs.text_BPD)
    latents = inputs.video_BFCHW[:, -num_own:]
    timesteps_BF = torch.full(latents.shape[:2], TIMESTEP, device=network.device)
    return lambda: network.denoise(latents, timesteps_BF, context, window, Conditions())


def _reference(reference: Any, inputs: _Inputs) -> Callable[[], Tensor]:
    video_BCFHW = rearrange(inputs.video_BFCHW, "b f c h w -> b c f h w").contiguous()
    timestep_B = torch.full((1,), TIMESTEP, device=video_BCFHW.device)

    def run() -> Tensor:
        velocity = reference(video_BCFHW, timestep_B, inputs.text_BPD, return_dict=False)[0]
        return rearrange(velocity, "b c f h w -> b f c h w")

    return run


def _median_s(run: Callable[[], Tensor], device: Device, passes: int) -> float:
    for _ in range(WARM_UP_PASSES):
        run()
    seconds = []
    for _ in range(passes):
        start_s = device.clock_s()
        run()
        seconds.append(device.clock_s() - start_s)
    return median(seconds)
