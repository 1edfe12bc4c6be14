"""From what a client held to the figures of a play, and what is missing from it.

Definitions, for a play of n chunks of d seconds each, chunk k held at t(k):

    lag(k)                  t(k) - t(0) - k d: how far chunk k came behind a clock that the first started
    wall                    n d + (median lag of the last second - median lag of the first second): medians, so
                            that one frame a few milliseconds early or late at either end does not pose as speed
    real_time_factor        n d / wall, to a thousandth: 1.0 is a stream that kept up, and below it fell behind
    delivered_fps           frames / wall
    time_to_first_frame_s   from the call that creates the session until its first frame is held
    control_to_frame        from the client's send until it holds the first frame of the chunk that
                            the control's answer names
    late_chunks             chunks the service called late, and chunks not held when a player with one
                            chunk in hand (it starts at a + d) needed them
    standstills             what a player with one chunk in hand waits for each chunk that it needs and does not
                            hold; its clock waits with it
    av_skew                 per frame: when the sound made with it plays, against when the frame is shown. The
                            sound plays from its first block's time on, continuously, at the decoder's
                            rate; the codec's own delay counts as skew
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.recording import Answer, Recording
from bench.statistics import percentile

OPUS_PACKET_S = 0.02
# 20 ms in a play of 20 s: less than a frame can be early or late without anybody's doing.
FACTOR_DECIMALS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedCounts:
    """What a decoder made of the delivered bytes."""

    num_frames: int
    sound_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFigures:
    """What only the service's side can tell, over the same play."""

    stage_seconds_per_chunk: dict[str, float]
    peak_rss_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayFigures:
    """The figures of one session, or of several together."""

    frames_delivered: int
    chunks_delivered: int
    delivered_fps: float
    nominal_fps: float
    real_time_factor: float
    time_to_first_frame_s: float | None
    control_to_frame_p50_s: float | None
    control_to_frame_p95_s: float | None
    late_chunks: int
    late_chunks_by_service: int
    late_chunks_by_client: int
    audio_seconds: float
    av_skew_p95_s: float | None
    controls_sent: int
    controls_applied: int
    controls_superseded: int
    controls_rejected: int
    controls_unanswered: int
    chunk_duration_s: float
    stage_seconds_per_chunk: dict[str, float]
    peak_rss_bytes: int
    model: str
    commit: str
    hardware: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    commit: str
    hardware: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedSession:
    """One session: as the client held it, decoded, and as the service told of it."""

    recording: Recording
    decoded: DecodedCounts
    service: ServiceFigures


def figures_of(sessions: Sequence[PlayedSession], service: ServiceFigures, provenance: Provenance) -> PlayFigures:
    """Of the sessions together; `service` tells of the same time."""
    recordings = [session.recording for session in sessions]
    shape = recordings[0].shape
    chunks = [chunk for recording in recordings for chunk in recording.chunks]
    num_frames = sum(len(chunk.frames) for chunk in chunks)
    wall_s = sum(_wall_s(recording) for recording in recordings)
    media_s = len(chunks) * shape.chunk_duration_s
    latencies_s = [latency_s for recording in recordings for latency_s in control_latencies_s(recording)]
    skews_s = [skew_s for session in sessions for skew_s in skews_of(session)]
    late = [late_chunks(recording) for recording in recordings]
    sent = [control for recording in recordings for control in recording.controls if control.sent_s is not None]
    answers = [control.answer for control in sent]
    return PlayFigures(
        frames_delivered=num_frames,
        chunks_delivered=len(chunks),
        delivered_fps=round(num_frames / wall_s, FACTOR_DECIMALS) if wall_s else 0.0,
        nominal_fps=shape.frame_rate,
        real_time_factor=round(media_s / wall_s, FACTOR_DECIMALS) if wall_s else 0.0,
        time_to_first_frame_s=_longest_first_frame_s(recordings),
        control_to_frame_p50_s=percentile(latencies_s, 50),
        control_to_frame_p95_s=percentile(latencies_s, 95),
        late_chunks=sum(len(each.by_service | each.by_client) for each in late),
        late_chunks_by_service=sum(len(each.by_service) for each in late),
        late_chunks_by_client=sum(len(each.by_client) for each in late),
        audio_seconds=sum(chunk.num_samples for chunk in chunks) / (shape.sample_rate_hz or 1),
        av_skew_p95_s=percentile(skews_s, 95),
        controls_sent=len(answers),
        controls_applied=answers.count(Answer.APPLIED),
        controls_superseded=answers.count(Answer.SUPERSEDED),
        controls_rejected=answers.count(Answer.REJECTED),
        controls_unanswered=answers.count(Answer.NONE),
        chunk_duration_s=shape.chunk_duration_s,
        stage_seconds_per_chunk=service.stage_seconds_per_chunk,
        peak_rss_bytes=service.peak_rss_bytes,
        model=shape.model,
        commit=provenance.commit,
        hardware=provenance.hardware,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LateChunks:
    by_service: frozenset[int]
    by_client: frozenset[int]


def late_chunks(recording: Recording) -> LateChunks:
    if not recording.chunks:
        return LateChunks(by_service=frozenset(), by_client=frozenset())
    duration_s = recording.shape.chunk_duration_s
    playing_from_s = recording.chunks[0].received_s + duration_s
    return LateChunks(
        by_service=frozenset(chunk.chunk_idx for chunk in recording.chunks if chunk.is_late),
        by_client=frozenset(
            chunk.chunk_idx
            for chunk in recording.chunks
            if chunk.received_s > playing_from_s + chunk.chunk_idx * duration_s
        ),
    )


def standstills_s(recording: Recording) -> list[float]:
    """Of each chunk that it had to wait for, how long a player with one chunk in hand stood still. It goes on from
    there: what was late once does not make all that follows late."""
    if not recording.chunks:
        return []
    needed_s = recording.chunks[0].received_s + recording.shape.chunk_duration_s
    standstills_s: list[float] = []
    for chunk in recording.chunks:
        if chunk.received_s > needed_s:
            standstills_s.append(chunk.received_s - needed_s)
        needed_s = max(needed_s, chunk.received_s) + recording.shape.chunk_duration_s
    return standstills_s


def control_latencies_s(recording: Recording) -> list[float]:
    """Of the controls that were applied and whose first frame was held."""
    received_s = {chunk.chunk_idx: chunk.received_s for chunk in recording.chunks}
    return [
        received_s[control.chunk_idx] - control.sent_s
        for control in recording.controls
        if control.answer is Answer.APPLIED and control.sent_s is not None and control.chunk_idx in received_s
    ]


def skews_of(session: PlayedSession) -> list[float]:
    """One value a frame; nothing where there is no sound to compare with."""
    recording = session.recording
    num_packets = sum(len(chunk.sound_packets) for chunk in recording.chunks)
    if not num_packets:
        return []
    packet_s = session.decoded.sound_s / num_packets
    plays_s = recording.chunks[0].sound_presentation_s
    skews_s = []
    for chunk in recording.chunks:
        for position, frame in enumerate(chunk.frames):
            within_s = position * recording.shape.chunk_duration_s / len(chunk.frames)
            # Both ways a player may go: on from the first block, or by each block's own time.
            sounds_s = (plays_s + within_s, chunk.sound_presentation_s + within_s)
            skews_s.append(max(abs(sound_s - frame.presentation_s) for sound_s in sounds_s))
        plays_s += len(chunk.sound_packets) * packet_s
    return skews_s


def faults_of(session: PlayedSession) -> list[str]:
    """What is missing, a sentence each; a play without faults has none."""
    recording = session.recording
    found = [recording.failure] if recording.failure else []
    found += [*_picture_faults(session), *_sound_faults(session), *_control_faults(recording)]
    return [f"{recording.name}: {fault}" for fault in found]


def _picture_faults(session: PlayedSession) -> list[str]:
    recording, shape = session.recording, session.recording.shape
    faults = []
    if not recording.planned_chunks:
        faults.append("no session came about")
    chunk_idxs = [chunk.chunk_idx for chunk in recording.chunks]
    if chunk_idxs != list(range(recording.planned_chunks)):
        faults.append(f"chunks 0 to {recording.planned_chunks - 1} expected, held {_ranges(chunk_idxs)}")
    frame_idxs = [frame.frame_idx for frame in recording.frames]
    num_planned = recording.planned_chunks * shape.frames_per_chunk
    if frame_idxs != list(range(num_planned)):
        faults.append(f"frames 0 to {num_planned - 1} expected, held {_ranges(frame_idxs)}")
    if session.decoded.num_frames != num_planned:
        faults.append(f"{num_planned} frames expected, {session.decoded.num_frames} decoded")
    return faults


def _sound_faults(session: PlayedSession) -> list[str]:
    recording, shape = session.recording, session.recording.shape
    faults = []
    silent = [chunk.chunk_idx for chunk in recording.chunks if not any(chunk.sound_packets)]
    if silent:
        faults.append(f"no sound came with chunks {_ranges(silent)}")
    if not shape.samples_per_chunk:
        return [*faults, "the model makes no sound"]
    num_samples = sum(chunk.num_samples for chunk in recording.chunks)
    # A chunk that is no multiple of a packet keeps the rest for the next one.
    planned = recording.planned_chunks * shape.samples_per_chunk
    if not planned - OPUS_PACKET_S * shape.sample_rate_hz < num_samples <= planned:
        faults.append(f"{planned} samples of sound expected, {num_samples} came")
    if not math.isclose(session.decoded.sound_s, num_samples / shape.sample_rate_hz, abs_tol=OPUS_PACKET_S / 2):
        delivered_s = num_samples / shape.sample_rate_hz
        faults.append(f"{delivered_s:.3f} s of sound delivered, {session.decoded.sound_s:.3f} s decoded")
    return faults


def _control_faults(recording: Recording) -> list[str]:
    held = {chunk.chunk_idx for chunk in recording.chunks}
    faults = []
    for control in recording.controls:
        what = f"control at {control.cue.at_s:.2f} s"
        if control.sent_s is None:
            faults.append(f"{what} was never sent")
        elif control.answer is Answer.NONE:
            faults.append(f"{what} was never answered")
        elif control.answer is Answer.REJECTED:
            faults.append(f"{what} was rejected: {control.reason}")
        elif control.answer is Answer.APPLIED and control.chunk_idx not in held:
            faults.append(f"{what} took effect at chunk {control.chunk_idx}, which never came")
    return faults


def _wall_s(recording: Recording) -> float:
    """As long as the delivered media took to come, its last chunk shown in full."""
    if not recording.chunks:
        return 0.0
    duration_s = recording.shape.chunk_duration_s
    lags_s = [chunk.received_s - chunk.chunk_idx * duration_s for chunk in recording.chunks]
    num_in_second = max(1, round(1.0 / duration_s))
    fell_behind_s = median(lags_s[-num_in_second:]) - median(lags_s[:num_in_second])
    return len(lags_s) * duration_s + fell_behind_s


def _longest_first_frame_s(recordings: Sequence[Recording]) -> float | None:
    waits_s = [each.chunks[0].received_s - each.create_called_s for each in recordings if each.chunks]
    return max(waits_s, default=None)


def _ranges(numbers: Sequence[int]) -> str:
    """`0-3 5 7-9`: what came, short enough to read."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(f"{first}-{last}" if last > first else str(first) for first, last in parts) or "none"
