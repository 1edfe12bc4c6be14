"""A recording as a flawless play of a small world would leave it, to be damaged by tests."""

from __future__ import annotations

from dataclasses import replace

from bench.recording import Answer, MediaShape, ReceivedChunk, ReceivedFrame, Recording, SentControl
from bench.report import DecodedCounts, PlayedSession, ServiceFigures
from bench.script import Cue, Say, Turn, Walk

CHUNK_S = 0.08
SHAPE = MediaShape(
    model="pearl-xs",
    width_px=128,
    height_px=80,
    frame_rate=12.5,
    frames_per_chunk=1,
    chunk_duration_s=CHUNK_S,
    sample_rate_hz=16_000,
    samples_per_chunk=1_280,
)
START_S = 1_000.0


def chunk_at(chunk_idx: int) -> ReceivedChunk:
    frame = ReceivedFrame(
        frame_idx=chunk_idx, presentation_s=chunk_idx * CHUNK_S, data=b"picture", is_keyframe=chunk_idx == 0
    )
    return ReceivedChunk(
        chunk_idx=chunk_idx,
        received_s=START_S + chunk_idx * CHUNK_S,
        is_late=False,
        frames=(frame,),
        sound_presentation_s=chunk_idx * CHUNK_S,
        sound_packets=(b"sound",) * 4,
        num_samples=1_280,
    )


def flawless_recording(num_chunks: int = 50) -> Recording:
    cues = (
        Cue(at_s=0.5, action=Walk(forward=1.0)),
        Cue(at_s=1.0, action=Turn(yaw=-1.0)),
        Cue(at_s=1.6, action=Say(text="it starts to rain")),
    )
    controls = tuple(
        SentControl(
            cue=cue,
            sent_s=START_S + cue.at_s,
            answer=Answer.APPLIED,
            chunk_idx=round(cue.at_s / CHUNK_S) + 2,
            world_time_s=(round(cue.at_s / CHUNK_S) + 2) * CHUNK_S,
        )
        for cue in cues
    )
    return Recording(
        name="text",
        title="a quiet street",
        shape=SHAPE,
        planned_chunks=num_chunks,
        seed=7,
        create_called_s=START_S - 0.75,
        chunks=tuple(chunk_at(idx) for idx in range(num_chunks)),
        controls=controls,
    )


def played(recording: Recording) -> PlayedSession:
    """With as much decoded as was delivered."""
    sound_s = sum(chunk.num_samples for chunk in recording.chunks) / SHAPE.sample_rate_hz
    return PlayedSession(
        recording=recording,
        decoded=DecodedCounts(num_frames=len(recording.frames), sound_s=sound_s),
        service=ServiceFigures(stage_seconds_per_chunk={"transformer": 0.02}, peak_rss_bytes=1 << 30),
    )


def without_chunk(recording: Recording, chunk_idx: int) -> Recording:
    return replace(recording, chunks=tuple(chunk for chunk in recording.chunks if chunk.chunk_idx != chunk_idx))


def with_chunk(recording: Recording, chunk: ReceivedChunk) -> Recording:
    chunks = tuple(chunk if each.chunk_idx == chunk.chunk_idx else each for each in recording.chunks)
    return replace(recording, chunks=chunks)
