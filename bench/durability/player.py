"""One who plays a session and notes what came when."""

from __future__ import annotations

import asyncio
import hashlib
import random

import nacre

POLICY = nacre.ResumePolicy(max_attempts=200, max_delay_s=0.5)
CHUNK_TIMEOUT_S = 90.0
SENTENCES = ("it starts to rain", "night falls", "the sun comes out", "it snows", "a grey morning")


class Player:
    """Plays one session for as long as it is entered."""

    def __init__(self, session: nacre.Session, seed: int = 0) -> None:
        self.session = session
        self.hashes: dict[int, bytes] = {}
        self.received_s: list[tuple[int, float]] = []
        self.num_late = 0
        self.receipts: list[nacre.Receipt] = []
        self.faults: list[str] = []
        self._came = asyncio.Condition()
        self._is_over = False
        self._random = random.Random(seed)
        self._task: asyncio.Task[None] | None = None
        self.world: nacre.World | None = None

    async def __aenter__(self) -> Player:
        self.world = await self.session.enter(video="rgb", audio="pcm", resume=POLICY).__aenter__()
        self._task = asyncio.create_task(self._play())
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._task is not None
        assert self.world is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        await self.world.__aexit__(None, None, None)
        await self.session.end()  # free its slot for what is measured next
        if not self._task.cancelled() and (failed := self._task.exception()) is not None:
            self.faults.append(f"the play ended: {failed}")

    @property
    def last_index(self) -> int:
        return self.received_s[-1][0] if self.received_s else -1

    async def next_chunk(self, after: int | None = None) -> tuple[int, float]:
        """The next one that comes: its index, and when it came."""
        number = len(self.received_s) if after is None else after
        async with asyncio.timeout(CHUNK_TIMEOUT_S), self._came:
            await self._came.wait_for(lambda: len(self.received_s) > number or self._is_over)
            if self._is_over and len(self.received_s) <= number:
                assert self.world is not None
                raise RuntimeError(f"the play of {self.session.id} is over: {self.world.end}")
            return self.received_s[number]

    async def play(self, num_chunks: int) -> None:
        for _ in range(num_chunks):
            await self.next_chunk()

    def steer(self) -> None:
        """One of many controls, by chance."""
        assert self.world is not None
        kind = self._random.randrange(3)
        if kind == 0:
            self.receipts.append(self.world.move(forward=self._random.choice((-1.0, 0.0, 1.0))))
        elif kind == 1:
            self.receipts.append(self.world.look(yaw=self._random.choice((-0.5, 0.0, 0.5))))
        else:
            self.receipts.append(self.world.say(self._random.choice(SENTENCES)))

    async def _play(self) -> None:
        assert self.world is not None
        try:
            async for chunk in self.world:
                self._note(chunk)
                async with self._came:
                    self._came.notify_all()
        finally:
            self._is_over = True
            async with self._came:
                self._came.notify_all()

    def _note(self, chunk: nacre.Chunk) -> None:
        if chunk.index != self.last_index + 1 and self.received_s and not self._has_rewound(chunk.index):
            self.faults.append(f"chunk {chunk.index} came after {self.last_index}")
        self.num_late += chunk.is_late
        self.received_s.append((chunk.index, chunk.received_s))
        self.hashes[chunk.index] = chunk_hash(chunk)

    def _has_rewound(self, index: int) -> bool:
        assert self.world is not None
        return any(rewind.chunk_index == index for rewind in self.world.rewinds)


def chunk_hash(chunk: nacre.Chunk) -> bytes:
    digest = hashlib.sha256(b"".join(frame.data for frame in chunk.frames))
    if chunk.sound is not None:
        digest.update(b"".join(chunk.sound.packets))
    return digest.digest()
