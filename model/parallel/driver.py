"""One transformer over several processes: rank 0 is asked, and has the others do the same.

    rank 0     holds the sessions, and is a model.interface.Transformer to whoever runs it
    the others follow its commands: every rank makes the same calls in the same order, which is what the exchanges
               inside a pass need, and has its share of the heads of every session's cache

All are processes of one machine, each with a device of its own. Commands go over a pipe to each: our own processes,
our own words. A rank that is gone takes the whole with it: nobody has its share, so every call from then on says so.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

import torch.distributed as dist

from model.interface import (
    ChunkControls,
    ChunkLatents,
    ClosableState,
    PortableState,
    PreparedTransformer,
    SessionState,
    SizedTransformer,
    Tensors,
    Transformer,
    WarmingTransformer,
)
from model.parallel.sequence import Ranks, SequenceSplit, join

logger = logging.getLogger(__name__)

MakeTransformer = Callable[[SequenceSplit], Transformer]
# Loading tens of gigabytes from a slow disk.
START_TIMEOUT_S = 600.0
STOP_TIMEOUT_S = 5.0
READY = "ready"


class Command(NamedTuple):
    verb: str  # "open", "restore", "step", "close", "prepare" or "warm_up"
    key: int  # of the session that it makes or ends
    arguments: tuple[Any, ...]


class RankLostError(RuntimeError):
    """A rank has ended, and with it what it held of every session."""


class RankedState:
    """Rank 0's part of a session, which tells the others when it ends. Implements model.interface.PortableState and
    ClosableState."""

    def __init__(self, key: int, state: SessionState, close: Callable[[int], None]) -> None:
        self.key, self.state = key, state
        self._close = close

    @property
    def next_chunk_idx(self) -> int:
        return self.state.next_chunk_idx

    @property
    def num_bytes(self) -> int:
        """Of this rank."""
        return self.state.num_bytes

    def snapshot(self) -> Tensors:
        return self.state.snapshot()

    def portable_snapshot(self) -> Tensors:
        return self.state.portable_snapshot() if isinstance(self.state, PortableState) else self.state.snapshot()

    def close(self) -> None:
        if isinstance(self.state, ClosableState):
            self.state.close()
        self._close(self.key)


class RankedTransformer:
    """Implements model.interface.Transformer, PreparedTransformer, SizedTransformer, WarmingTransformer and
    WatchedTransformer. The model must be one whose snapshots hold nothing of a rank's own."""

    def __init__(self, make: MakeTransformer, size: int, backend: str) -> None:
        """`make` runs on every rank, so it must be something that can be pickled. Raises RankLostError where a rank
        does not come up, and whatever `make` raises here."""
        self._folder = tempfile.TemporaryDirectory(prefix="nacre-ranks-")
        self._failure = ""
        self._keys = count()
        ranks = Ranks(store_file=str(Path(self._folder.name) / "store"), size=size, backend=backend)
        self._followers = [_Follower(rank, ranks, make) for rank in range(1, size)]
        self._is_closing = False
        threading.Thread(target=self._watch, name="ranks", daemon=True).start()
        try:
            self._transformer = make(join(ranks, 0))
            for follower in self._followers:
                follower.wait_until_ready()
        except BaseException:
            self.close()
            raise

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        return self._transformer.batch_sizes if isinstance(self._transformer, SizedTransformer) else (1,)

    def prepare(self, num_sessions: int) -> None:
        self._tell(Command("prepare", 0, (num_sessions,)))
        _prepare(self._transformer, num_sessions)

    def warm_up(self, num_sessions: int) -> None:
        self._tell(Command("warm_up", 0, (num_sessions,)))
        _warm_up(self._transformer, num_sessions)

    def open(self, seed: int, prompt: Tensors | None, image: Tensors | None) -> RankedState:
        key = self._tell(Command("open", next(self._keys), (seed, prompt, image)))
        return RankedState(key, self._transformer.open(seed, prompt, image), self._close_session)

    def restore(self, snapshot: Tensors) -> RankedState:
        key = self._tell(Command("restore", next(self._keys), (dict(snapshot),)))
        return RankedState(key, self._transformer.restore(snapshot), self._close_session)

    def step(self, states: Sequence[SessionState], controls: Sequence[ChunkControls]) -> list[ChunkLatents]:
        """Raises RankLostError when a rank is gone, now or before."""
        ours: list[RankedState] = list(states)  # pyright: ignore[reportAssignmentType]
        self._tell(Command("step", 0, (tuple(each.key for each in ours), tuple(controls))))
        try:
            return self._transformer.step([each.state for each in ours], controls)
        except RuntimeError as error:  # an exchange that found nobody at the other end
            self._fail(f"a pass over {1 + len(self._followers)} ranks failed: {error}")
            raise RankLostError(self._failure) from error

    def check(self) -> None:
        """Raises RankLostError once a rank is gone."""
        if self._failure:
            raise RankLostError(self._failure)

    def close(self) -> None:
        """End the other ranks. Safe to call twice."""
        self._is_closing = True
        for follower in self._followers:
            follower.stop()
        if dist.is_initialized():
            dist.destroy_process_group()
        self._folder.cleanup()

    def _tell(self, command: Command) -> int:
        self.check()
        for follower in self._followers:
            try:
                follower.connection.send(command)
            except OSError as error:
                self._fail(follower.obituary)
                raise RankLostError(self._failure) from error
        return command.key

    def _close_session(self, key: int) -> None:
        with suppress(RankLostError):  # then there is nothing left to close
            self._tell(Command("close", key, ()))

    def _watch(self) -> None:
        """Until a rank ends: whoever waits for it inside a pass may not find out by itself."""
        ended = wait([follower.process.sentinel for follower in self._followers])
        if not self._is_closing:
            self._fail("; ".join(each.obituary for each in self._followers if each.process.sentinel in ended))

    def _fail(self, message: str) -> None:
        if not self._failure and not self._is_closing:
            self._failure = message
            logger.error("%s: this transformer makes no more chunks", message)


class _Follower:
    """Rank 0's view of another rank."""

    def __init__(self, rank: int, ranks: Ranks, make: MakeTransformer) -> None:
        context = multiprocessing.get_context("spawn")  # what was forked could not use a GPU
        self.rank, self._ranks = rank, ranks
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=follow, args=(rank, ranks, make, theirs), name=f"nacre-rank-{rank}", daemon=True
        )
        self.process.start()
        theirs.close()

    @property
    def obituary(self) -> str:
        self.process.join(1.0)  # its end of the pipe may close a moment before
        return f"rank {self.rank} of {self._ranks.size} has ended (exit code {self.process.exitcode})"

    def wait_until_ready(self) -> None:
        try:
            is_ready = self.connection.poll(START_TIMEOUT_S) and self.connection.recv() == READY
        except EOFError:
            is_ready = False
        if not is_ready:
            raise RankLostError(self.obituary)

    def stop(self) -> None:
        self.connection.close()
        self.process.join(STOP_TIMEOUT_S)
        if self.process.is_alive():  # inside an exchange that nobody else will come to
            self.process.kill()
            self.process.join()


def follow(rank: int, ranks: Ranks, make: MakeTransformer, commands: Connection) -> None:
    """The whole of another rank's process: do what rank 0 does, until it is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    transformer = make(join(ranks, rank))
    commands.send(READY)
    states: dict[int, SessionState] = {}
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            command: Command = commands.recv()
            with suppress(ValueError):  # what rank 0 is refused, this one is refused
                _obey(command, transformer, states)


def _end_with_parent() -> None:
    """An exchange does not end because rank 0 was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "started by rank 0"
    wait([parent.sentinel])
    os._exit(1)


def _obey(command: Command, transformer: Transformer, states: dict[int, SessionState]) -> None:
    match command:
        case Command("open", key, (seed, prompt, image)):
            states[key] = transformer.open(seed, prompt, image)
        case Command("restore", key, (snapshot,)):
            states[key] = transformer.restore(snapshot)
        case Command("step", _, (keys, controls)):
            transformer.step([states[key] for key in keys], controls)
        case Command("close", key, ()):
            state = states.pop(key, None)
            if isinstance(state, ClosableState):
                state.close()
        case Command("prepare", _, (num_sessions,)):
            _prepare(transformer, num_sessions)
        case Command("warm_up", _, (num_sessions,)):
            _warm_up(transformer, num_sessions)
        case _:
            raise AssertionError(f"no rank is told to {command.verb}")


def _prepare(transformer: Transformer, num_sessions: int) -> None:
    if isinstance(transformer, PreparedTransformer):
        transformer.prepare(num_sessions)


def _warm_up(transformer: Transformer, num_sessions: int) -> None:
    if isinstance(transformer, WarmingTransformer):
        transformer.warm_up(num_sessions)
