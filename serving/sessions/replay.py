"""A session made again from its opening and its journal: the same chunks, bit for bit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from model.interface import (
    AudioDecoder,
    CameraPose,
    ChunkControls,
    FramesFHWC,
    SamplesSC,
    Transformer,
    VideoDecoder,
)
from serving.sessions.contract import CameraMove, Look, Move, SetPerspective, SetQuality
from serving.sessions.encoded import EncodedControl, EncodedDirective, EncodedImage, HeldAxes, Opening
from serving.sessions.journal import JournalEntry
from serving.sessions.snapshot import SessionSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedChunk:
    chunk_idx: int
    frames_FHWC: FramesFHWC
    samples_SC: SamplesSC
    pose: CameraPose


def held_after(held: HeldAxes, control: EncodedControl) -> HeldAxes:
    """What is held once `control` took effect."""
    match control.kind:
        case Move(forward=forward, strafe=strafe):
            return replace(held, forward=forward, strafe=strafe)
        case Look(yaw=yaw, pitch=pitch):
            return replace(held, yaw=yaw, pitch=pitch)
        case SetQuality(quality=quality):
            return replace(held, quality=quality)
        case _:
            return held


def chunk_controls(held: HeldAxes, controls: Iterable[EncodedControl]) -> ChunkControls:
    """What the model gets for a chunk: `held` already includes those of `controls` that hold."""
    kinds = [control.kind for control in controls]
    images = [kind.tensors for kind in kinds if isinstance(kind, EncodedImage)]
    perspectives = [kind.perspective for kind in kinds if isinstance(kind, SetPerspective)]
    camera_moves = [kind.move for kind in kinds if isinstance(kind, CameraMove)]
    return ChunkControls(
        forward=held.forward,
        strafe=held.strafe,
        yaw=held.yaw,
        pitch=held.pitch,
        quality=held.quality,
        directives=tuple(kind.tensors for kind in kinds if isinstance(kind, EncodedDirective)),
        image=images[-1] if images else None,
        perspective=perspectives[-1] if perspectives else None,
        camera=camera_moves[-1] if camera_moves else None,
    )


def controls_by_chunk(
    entries: Iterable[JournalEntry], first_chunk_idx: int = 0, held: HeldAxes | None = None
) -> Iterator[ChunkControls]:
    """The controls of one chunk after the other, without end: from the first on, or from one where `held` is what
    was in force before it."""
    applied: defaultdict[int, list[EncodedControl]] = defaultdict(list)
    for entry in entries:
        if entry.applied_chunk_idx is not None:
            applied[entry.applied_chunk_idx].append(entry.control)
    held = held or HeldAxes()
    chunk_idx = first_chunk_idx
    while True:
        for control in applied[chunk_idx]:
            held = held_after(held, control)
        yield chunk_controls(held, applied[chunk_idx])
        chunk_idx += 1


def replay(
    opening: Opening,
    entries: Iterable[JournalEntry],
    num_chunks: int,
    *,
    transformer: Transformer,
    video_decoder: VideoDecoder,
    audio_decoder: AudioDecoder,
    start: SessionSnapshot | None = None,
) -> Iterator[ReplayedChunk]:
    """Chunks up to `num_chunks`, from the opening on or from where `start` was taken."""
    if start is None:
        first_chunk_idx, state = 0, transformer.open(opening.seed, opening.prompt, opening.image)
        video_cache, audio_cache = video_decoder.open(opening.seed), audio_decoder.open(opening.seed)
    else:
        first_chunk_idx, state = start.engine.next_chunk_idx, transformer.restore(start.engine.transformer)
        video_cache = video_decoder.restore(start.caches["video_decoder"])
        audio_cache = audio_decoder.restore(start.caches["audio_decoder"])
    for controls in islice(controls_by_chunk(entries), first_chunk_idx, max(num_chunks, first_chunk_idx)):
        [latents] = transformer.step([state], [controls])
        yield ReplayedChunk(
            chunk_idx=latents.chunk_idx,
            frames_FHWC=video_decoder.decode(video_cache, latents.video),
            samples_SC=audio_decoder.decode(audio_cache, latents.audio),
            pose=latents.pose,
        )
