"""Whether what runs on a device is right: the same networks two ways, at sizes that take no time.

On a CPU the same comparisons hold without graphs, pinned memory and streams, so that none of them fails on a GPU for
a reason of its own.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from bench.engine.device import CUDA, Device
from bench.engine.random_models import RandomEncoder, RandomModelConfig, RandomOpenModel
from model.adapters.interface import LATENTS
from model.adapters.presets import WanPreset, preset, random_network
from model.adapters.wan.session import WanState
from model.adapters.wan.transformer import WanTransformer, WanTransformerConfig
from model.gpu.compiled import INDUCTOR, CompiledPointwise
from model.gpu.fp8 import RELATIVE_TOLERANCE, Fp8Linear, quantised
from model.gpu.quick import WanSpeed, quickened
from model.gpu.waits import no_host_waits
from model.interface import ChunkControls, Profile
from model.parallel.sequence import GLOO, NCCL, Ranks, join, rank_device

NAMES = ("wan-tiny", "matrix-game-tiny", "abot-tiny")
NUM_CHUNKS = 8  # more than any of them has in its window
RECACHE_EVERY_CHUNKS = 6
# In single precision, of the root mean square; convolutions may round to 10 bits on a GPU.
SAME_WITHIN = 0.005
# In half precision, where sums come in another order and are fed back a few times.
ALIKE_WITHIN = 0.05
MS = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    name: str
    is_well: bool
    told: str


def run_checks(device: str, only: Sequence[str]) -> Iterator[Finding]:
    """One after the other. Raises ValueError for a name that is none."""
    if unknown := sorted(set(only) - CHECKS.keys()):
        raise ValueError(f"no checks: {', '.join(unknown)}; there are {', '.join(CHECKS)}")
    if device != CUDA:
        torch.set_num_threads(1)  # networks of this size gain nothing by more
    return (_found(name, check, device) for name, check in CHECKS.items() if not only or name in only)


def _found(name: str, check: Callable[[str], tuple[bool, str]], device: str) -> Finding:
    try:
        is_well, told = check(device)
    except Exception as error:  # what one of them comes to says nothing of the others
        return Finding(name=name, is_well=False, told=f"{type(error).__name__}: {error}")
    return Finding(name=name, is_well=is_well, told=told)


def stage(
    name: str,
    device: str,
    *,
    profile: Profile = Profile.FAST,
    speed: WanSpeed | None = None,
    dtype: torch.dtype = torch.bfloat16,
    recache_every_chunks: int = 0,
) -> WanTransformer:
    """The same weights on every device."""
    found = preset(name)
    network = random_network(found.network, "cpu", torch.float64).to(device, dtype)
    network = network if speed is None else quickened(network, found.past_latents, speed)
    config = WanTransformerConfig(profile=profile, recache_every_chunks=recache_every_chunks)
    return WanTransformer(found, network, config)


def opened(transformer: WanTransformer, found: WanPreset, seed: int) -> WanState:
    network, encoder = found.network, RandomEncoder(found)
    prompt = encoder.encode_text("") if network.text_dim else None
    sees = network.image_dim or network.keys
    return transformer.open(seed, prompt, encoder.encode_image(NO_PICTURE) if sees else None)


def controls_of(chunk_idx: int) -> ChunkControls:
    return ChunkControls(forward=1.0, yaw=0.3 if chunk_idx % 2 else 0.0)


def latents_of(transformer: WanTransformer, states: Sequence[WanState], chunk_idx: int) -> Tensor:
    """Of the next chunk of each, with the host."""
    chunks = transformer.step(states, [controls_of(chunk_idx)] * len(states))
    return torch.stack([torch.as_tensor(chunk.video[LATENTS]).float().cpu() for chunk in chunks])


def play(transformer: WanTransformer, name: str, num_sessions: int) -> Tensor:
    """All chunks of so many sessions that step together."""
    states = [opened(transformer, preset(name), seed) for seed in range(num_sessions)]
    made = torch.stack([latents_of(transformer, states, idx) for idx in range(NUM_CHUNKS)])
    for state in states:
        state.close()
    return made


def apart(ours: Tensor, theirs: Tensor) -> float:
    """The difference's root mean square, of theirs."""
    return ((ours - theirs).square().mean().sqrt() / theirs.square().mean().sqrt()).item()


def graphs(device: str) -> tuple[bool, str]:
    """Passes over static buffers, on a GPU recorded, give to the bit what the network gives, also where the windows
    are made again on the way."""

    def played(name: str, size: int, speed: WanSpeed | None) -> Tensor:
        return play(stage(name, device, speed=speed, recache_every_chunks=RECACHE_EVERY_CHUNKS), name, size)

    found = {
        f"{name} x{size}": played(name, size, WanSpeed()) - played(name, size, None)
        for name in NAMES
        for size in (1, 3)
    }
    far = {label: difference.abs().max().item() for label, difference in found.items()}
    return not any(far.values()), f"largest difference {far}"


def exact_batches(device: str) -> tuple[bool, str]:
    """In the exact profile a chunk is to the bit what it is alone."""
    far = 0.0
    for name in NAMES:
        together = play(stage(name, device, profile=Profile.EXACT), name, 3)
        alone = play(stage(name, device, profile=Profile.EXACT), name, 1)
        far = max(far, (together[:, :1] - alone).abs().max().item())
    return far == 0.0, f"largest difference {far}"


def fast_batches(device: str) -> tuple[bool, str]:
    """In the fast one nearly so."""
    far = {
        name: apart(play(stage(name, device, dtype=torch.float32), name, 3)[:, :1],
                    play(stage(name, device, dtype=torch.float32), name, 1))
        for name in NAMES
    }  # fmt: skip
    return max(far.values()) <= SAME_WITHIN, f"apart {far}"


def against_double(device: str) -> tuple[bool, str]:
    """Single precision on the device against double precision on the host, from the same weights."""
    far = {
        name: apart(play(stage(name, device, dtype=torch.float32), name, 1),
                    play(stage(name, "cpu", dtype=torch.float64), name, 1))
        for name in NAMES
    }  # fmt: skip
    return max(far.values()) <= SAME_WITHIN, f"apart {far}"


def unwaited(device: str) -> tuple[bool, str]:
    """Nothing in a step stops the host before the step's end: the first that did would be raised."""
    for name in NAMES:
        for speed in (None, WanSpeed()):
            transformer = stage(name, device, speed=speed)
            play(transformer, name, 3)  # kernels are chosen and graphs recorded, which waits
            states = [opened(transformer, preset(name), seed) for seed in range(3)]
            for idx in range(NUM_CHUNKS):
                with no_host_waits(torch.device(device)):
                    transformer.step(states, [controls_of(idx)] * len(states))
    return True, f"{NUM_CHUNKS} chunks of each"


def compiled(device: str) -> tuple[bool, str]:
    """Norms, gates and rotations as compiled against those that are not."""
    speed = WanSpeed(compiles=True, backend=INDUCTOR if device == CUDA else "eager")
    quick = stage("wan-tiny", device, speed=speed)
    quick.warm_up(1)
    far = apart(play(quick, "wan-tiny", 1), play(stage("wan-tiny", device), "wan-tiny", 1))
    return far <= ALIKE_WITHIN, f"apart {far:.4f}"


def eight_bit(device: str) -> tuple[bool, str]:
    """A large linear layer in 8 bits, on inputs that were never seen; then with what brings them to 8 bits compiled."""
    linear = torch.nn.Linear(1024, 2048, device=device, dtype=torch.bfloat16)
    x = torch.randn(777, 1024, device=device, dtype=torch.bfloat16)
    layer, far = Fp8Linear(linear), []
    with torch.inference_mode():
        for quantise in (quantised, CompiledPointwise(INDUCTOR if device == CUDA else "eager").quantised):
            layer.quantise = quantise
            far.append(apart(layer(x).float(), linear(x).float()))
    return max(far) <= RELATIVE_TOLERANCE, f"apart {far}, {RELATIVE_TOLERANCE} at most"


def parked(device: str) -> tuple[bool, str]:
    """A session that leaves the device after every chunk, to another each time, is what it is undisturbed."""
    far, is_pinned = 0.0, True
    for name in NAMES:
        transformer = stage(name, device)
        expected = play(transformer, name, 1)
        state = opened(transformer, preset(name), 0)
        for idx in range(NUM_CHUNKS):
            far = max(far, (latents_of(transformer, [state], idx) - expected[idx]).abs().max().item())
            transformer.park(state)
            is_pinned &= device != CUDA or all(tensor.is_pinned() for tensor in state.cache.state().values())
            latents_of(transformer, [other := opened(transformer, preset(name), 9)], 0)
            other.close()
            transformer.wake(state)
    return far == 0.0 and is_pinned, f"largest difference {far}, pinned {is_pinned}"


def restored(device: str) -> tuple[bool, str]:
    """From a snapshot in the middle it goes on to the bit."""
    far = 0.0
    for name in NAMES:
        transformer = stage(name, device)
        state = opened(transformer, preset(name), 0)
        for idx in range(NUM_CHUNKS - 2):
            latents_of(transformer, [state], idx)
        again = transformer.restore(state.snapshot())
        for idx in range(2):
            far = max(
                far, (latents_of(transformer, [state], idx) - latents_of(transformer, [again], idx)).abs().max().item()
            )
    return far == 0.0, f"largest difference {far}"


def group_of_one(device: str) -> tuple[bool, str]:
    """The exchanges of ranks, with the one device there is: NCCL on a GPU."""
    backend = NCCL if device == CUDA else GLOO
    with tempfile.TemporaryDirectory() as folder:
        sequence = join(Ranks(store_file=str(Path(folder) / "store"), size=1, backend=backend), 0)
        try:
            x = torch.randn(2, 10, 4, 8, device=rank_device(backend))
            heads = sequence.to_heads(x, 10)
            is_same = torch.equal(heads, x) and torch.equal(sequence.to_tokens(heads), x)
            is_same &= torch.equal(sequence.join(x.flatten(-2), 10), x.flatten(-2))
        finally:
            dist.destroy_process_group()
    return is_same, backend


def beside(device: str) -> tuple[bool, str]:
    """A decoder on its own stream, while the next chunk is made: the same frames, and what both take together."""
    model = RandomOpenModel("wan-tiny", RandomModelConfig(device=device))
    transformer, decoder, clock_s = model.load_transformer(1), model.load_video_decoder(), Device(kind=device).clock_s
    transformer.warm_up(1)
    state: Any = opened(transformer, preset("wan-tiny"), 0)
    video = transformer.step([state], [ChunkControls()])[0].video
    expected = decoder.decode(decoder.open(1), video)
    for _ in range(NUM_CHUNKS):  # until its window is full
        transformer.step([state], [ChunkControls()])
        decoder.decode(decoder.open(1), video)
    marks_s = [clock_s()]
    decoder.decode(decoder.open(1), video)
    marks_s.append(clock_s())
    transformer.step([state], [ChunkControls()])
    marks_s.append(clock_s())
    with ThreadPoolExecutor(1) as thread:
        frames = thread.submit(decoder.decode, decoder.open(1), video)
        transformer.step([state], [ChunkControls()])
        is_same = bool((frames.result() == expected).all())
    marks_s.append(clock_s())
    decode_ms, step_ms, both_ms = ((end - begin) * MS for begin, end in itertools.pairwise(marks_s))
    return is_same, f"decode {decode_ms:.1f} ms, step {step_ms:.1f} ms, both at once {both_ms:.1f} ms"


NO_PICTURE: Any = None  # random models' pictures are random, whatever they are of
CHECKS = {
    each.__name__: each
    for each in (
        graphs, exact_batches, fast_batches, against_double, unwaited, compiled, eight_bit, parked, restored,
        group_of_one, beside,
    )
}  # fmt: skip
