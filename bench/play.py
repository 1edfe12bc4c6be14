"""Plays a script through the client as a user's program would, and keeps everything it gets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nacre
from bench.recording import Answer, MediaShape, ReceivedChunk, ReceivedFrame, Recording, SentControl
from bench.script import Action, Cue, Say, Script, Turn, Walk, num_chunks, words_of_action


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a session starts from: words, or a picture in a file."""

    prompt: str = ""
    image: Path | None = None
    seed: int = 0  # 0 lets the service choose
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    world_time_s: float
    last_control: str


# A service slower than this against real time is broken, not slow.
SLOWEST_FACTOR = 4.0
START_ALLOWANCE_S = 30.0


class Player:
    """One client of one service."""

    def __init__(self, address: str, on_progress: Callable[[Progress], None] = lambda progress: None) -> None:
        self._address = address
        self._on_progress = on_progress
        self._play: _Play | None = None

    async def play(self, script: Script, start: Start) -> Recording:
        """Never raises for what the service does: what is missing is missing from the recording."""
        play = self._play = _Play(script, self._on_progress)
        try:
            async with asyncio.timeout(START_ALLOWANCE_S + SLOWEST_FACTOR * script.duration_s):
                async with nacre.connect(self._address) as client:
                    await play.run(client, start)
        except* (nacre.NacreError, TimeoutError) as group:
            play.failure = "; ".join(f"{type(error).__name__} {error}".strip() for error in leaves_of(group))
        return play.recording()

    def recording_so_far(self) -> Recording:
        """Of the play that is under way, or was when something else ended it."""
        assert self._play is not None, "a play was begun"
        return self._play.recording()


def leaves_of(group: BaseExceptionGroup[Exception]) -> Iterator[BaseException]:
    """The errors that a group and the groups in it hold."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves_of(error)
        else:
            yield error


class _Play:
    """A play in progress: whatever was held by the time it ends becomes the recording."""

    def __init__(self, script: Script, on_progress: Callable[[Progress], None]) -> None:
        self._script = script
        self._on_progress = on_progress
        self._create_called_s = time.monotonic()
        self._capabilities: nacre.Capabilities | None = None
        self._seed = 0
        self._chunks: list[nacre.Chunk] = []
        self._sent: list[tuple[Cue, nacre.Receipt]] = []
        self._has_begun = asyncio.Event()
        self.failure = ""

    async def run(self, client: nacre.Client, start: Start) -> None:
        self._create_called_s = time.monotonic()
        session = await client.create(prompt=start.prompt, image=start.image, seed=start.seed, model=start.model)
        self._capabilities = session.capabilities
        self._seed = session.record.world.seed if session.record else start.seed
        try:
            async with session.enter(video="h264", audio="opus") as world, asyncio.TaskGroup() as tasks:
                cues = tasks.create_task(self._send_cues(world))
                await self._receive(world)
                cues.cancel()
        finally:
            await session.end()

    async def _receive(self, world: nacre.World) -> None:
        wanted = self._num_planned()
        async for chunk in world:
            self._chunks.append(chunk)
            self._has_begun.set()
            self._tell(chunk)
            if len(self._chunks) >= wanted:
                break

    async def _send_cues(self, world: nacre.World) -> None:
        """By the wall clock, as a person would: a service that lags does not get its controls later."""
        await self._has_begun.wait()
        began_s = self._chunks[0].received_s
        for cue in self._script.cues:
            await asyncio.sleep(began_s + cue.at_s - time.monotonic())
            self._sent.append((cue, _send(world, cue.action)))

    def _tell(self, chunk: nacre.Chunk) -> None:
        last = words_of_action(self._sent[-1][0].action) if self._sent else ""
        self._on_progress(Progress(world_time_s=chunk.world_time_s, last_control=last))

    def _num_planned(self) -> int:
        capabilities = self._capabilities
        return num_chunks(self._script.duration_s, capabilities.chunk_duration_s) if capabilities else 0

    def recording(self) -> Recording:
        return Recording(
            name=self._script.name,
            title=self._script.title,
            shape=_to_shape(self._capabilities) if self._capabilities else MediaShape(),
            planned_chunks=self._num_planned(),
            seed=self._seed,
            create_called_s=self._create_called_s,
            chunks=tuple(_to_received(chunk) for chunk in self._chunks),
            controls=(
                *(_to_control(cue, receipt) for cue, receipt in self._sent),
                *(SentControl(cue=cue, sent_s=None) for cue in self._script.cues[len(self._sent) :]),
            ),
            failure=self.failure,
        )


def _send(world: nacre.World, action: Action) -> nacre.Receipt:
    match action:
        case Walk():
            return world.move(forward=action.forward, strafe=action.strafe)
        case Turn():
            return world.look(yaw=action.yaw, pitch=action.pitch)
        case Say():
            return world.say(action.text)


def _to_control(cue: Cue, receipt: nacre.Receipt) -> SentControl:
    match receipt.outcome:
        case nacre.Applied() as applied:
            return SentControl(
                cue=cue,
                sent_s=receipt.sent_s,
                answer=Answer.APPLIED,
                chunk_idx=applied.chunk_index,
                world_time_s=applied.world_time_s,
            )
        case nacre.Superseded():
            return SentControl(cue=cue, sent_s=receipt.sent_s, answer=Answer.SUPERSEDED)
        case nacre.ControlRejected() as rejected:
            return SentControl(cue=cue, sent_s=receipt.sent_s, answer=Answer.REJECTED, reason=rejected.reason)
        case _:
            return SentControl(cue=cue, sent_s=receipt.sent_s)


def _to_shape(capabilities: nacre.Capabilities) -> MediaShape:
    return MediaShape(
        model=capabilities.model,
        width_px=capabilities.width_px,
        height_px=capabilities.height_px,
        frame_rate=capabilities.frame_rate,
        frames_per_chunk=capabilities.frames_per_chunk,
        chunk_duration_s=capabilities.chunk_duration_s,
        sample_rate_hz=capabilities.sample_rate_hz,
        samples_per_chunk=capabilities.samples_per_chunk,
    )


def _to_received(chunk: nacre.Chunk) -> ReceivedChunk:
    sound = chunk.sound
    return ReceivedChunk(
        chunk_idx=chunk.index,
        received_s=chunk.received_s,
        is_late=chunk.is_late,
        frames=tuple(
            ReceivedFrame(
                frame_idx=frame.index,
                presentation_s=frame.presentation_time_s,
                data=frame.data,
                is_keyframe=frame.is_keyframe,
            )
            for frame in chunk.frames
        ),
        sound_presentation_s=sound.presentation_time_s if sound else 0.0,
        sound_packets=sound.packets if sound else (),
        num_samples=sound.num_samples if sound else 0,
    )
