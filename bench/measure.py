"""A play together with what its service took meanwhile: processor time, memory, seconds by stage."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from bench.bare_loop import BareFigures, BarePlay, TimedAction, plays_to_json
from bench.hardware import ROOT
from bench.play import Player, Start
from bench.process_tree import PeakMemory, Role, TreeUse, measure_tree
from bench.recording import Recording
from bench.scrape import StageTotals, read_stages
from bench.script import Script

BARE_LOOP = (sys.executable, "-m", "bench.bare_loop")
BARE_LOOP_TIMEOUT_S = 300.0  # for each wait, until it plays and until it has


class Service(Protocol):
    """A service to play on: where it answers, where its metrics are, and its process where it is on this machine."""

    @property
    def address(self) -> str: ...
    @property
    def metrics_urls(self) -> Sequence[str]: ...
    @property
    def pid(self) -> int | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCpu:
    name: str
    role: Role
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPlay:
    start: Start
    recording: Recording
    stages: StageTotals | None  # None where no metrics endpoint is known
    processes: tuple[ProcessCpu, ...]  # of the service; empty where they are not ours to see
    peak_rss_bytes: int  # of the client and the service

    @property
    def num_made_chunks(self) -> int:
        """By the model: when a play ends, a few are on their way that nobody will see."""
        return max(len(self.recording.chunks), round(self.stages.num_steps) if self.stages else 0)


async def measure_play(service: Service, player: Player, script: Script, start: Start) -> MeasuredPlay:
    """From before the session is created until it has ended."""
    stages_before, use_before = read_stages(service.metrics_urls), _use_of(service)
    with PeakMemory(os.getpid(), *([service.pid] if service.pid else [])) as memory:
        recording = await player.play(script, start)
    use_after = _use_of(service)
    return MeasuredPlay(
        start=start,
        recording=recording,
        stages=read_stages(service.metrics_urls) - stages_before if service.metrics_urls else None,
        processes=tuple(
            ProcessCpu(name=use.name, role=use.role, cpu_s=cpu_s)
            for use, cpu_s in use_after.cpu_s_by_process(use_before).items()
        ),
        peak_rss_bytes=memory.rss_bytes,
    )


def _use_of(service: Service) -> TreeUse:
    return measure_tree(service.pid) if service.pid else TreeUse(processes=())


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingOverhead:
    """Processor seconds per chunk made: of the service's gateway and workers, and of the play without a service."""

    service_cpu_s_per_chunk: float
    bare_model_cpu_s_per_chunk: float
    bare_media_cpu_s_per_chunk: float
    # Of the model's calls in the service itself, in the same seconds; None where no metrics endpoint is known.
    own_model_cpu_s_per_chunk: float | None = None
    # The launcher and Ray's own processes, which run whether anybody plays or not.
    control_plane_cpu_s_per_chunk: float
    process_cpu_s_per_chunk: dict[str, float]
    num_chunks: int

    @property
    def overhead_cpu_s_per_chunk(self) -> float:
        return self.service_cpu_s_per_chunk - self.bare_model_cpu_s_per_chunk - self.bare_media_cpu_s_per_chunk

    @property
    def own_overhead_cpu_s_per_chunk(self) -> float | None:
        """As above, with the model's calls as the service itself made them: a machine that changes its pace between a
        play and its bare loop changes nothing here."""
        if self.own_model_cpu_s_per_chunk is None:
            return None
        return self.service_cpu_s_per_chunk - self.own_model_cpu_s_per_chunk - self.bare_media_cpu_s_per_chunk


def overhead_of(plays: Sequence[MeasuredPlay], bare: BareFigures) -> ServingOverhead:
    num_chunks = sum(play.num_made_chunks for play in plays)
    if not any(play.recording.chunks for play in plays) or not all(play.processes for play in plays):
        raise ValueError("overhead needs chunks, and a service whose processes can be seen")
    by_role: dict[Role, float] = defaultdict(float)
    by_name: dict[str, float] = defaultdict(float)
    for process in (process for play in plays for process in play.processes):
        by_role[process.role] += process.cpu_s / num_chunks
        by_name[process.name] += process.cpu_s / num_chunks
    return ServingOverhead(
        service_cpu_s_per_chunk=by_role[Role.GATEWAY_AND_WORKERS],
        bare_model_cpu_s_per_chunk=bare.model_cpu_s_per_chunk,
        bare_media_cpu_s_per_chunk=bare.media_cpu_s_per_chunk,
        control_plane_cpu_s_per_chunk=by_role[Role.CONTROL_PLANE],
        own_model_cpu_s_per_chunk=_own_model_cpu_s(plays, num_chunks),
        process_cpu_s_per_chunk=dict(sorted(by_name.items())),
        num_chunks=num_chunks,
    )


def _own_model_cpu_s(plays: Sequence[MeasuredPlay], num_chunks: int) -> float | None:
    stages = [play.stages for play in plays if play.stages is not None]
    return sum(each.model_cpu_s for each in stages) / num_chunks if len(stages) == len(plays) else None


def bare_play_of(play: MeasuredPlay) -> BarePlay:
    """What took effect in a play, at the chunks where it did."""
    applied = [control for control in play.recording.controls if control.chunk_idx is not None]
    return BarePlay(
        num_chunks=play.num_made_chunks,
        seed=play.recording.seed,
        prompt=play.start.prompt,
        image_file=str(play.start.image) if play.start.image else "",
        actions=tuple(
            TimedAction(chunk_idx=control.chunk_idx, action=control.cue.action)
            for control in applied
            if control.chunk_idx is not None
        ),
    )


class BareLoopProcess:
    """The bare loop of `plays` in a process of its own. Use `with`."""

    def __init__(
        self,
        plays: Sequence[MeasuredPlay],
        model: str = "",
        *,
        timeout_s: float = BARE_LOOP_TIMEOUT_S,
        command: Sequence[str] = BARE_LOOP,
    ) -> None:
        """`model` as the service was told, its default otherwise."""
        self._command = [*command, model or plays[0].recording.shape.model, "--paced"]
        self._plays = plays_to_json([bare_play_of(play) for play in plays])
        self._timeout_s = timeout_s

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile()  # not a pipe: nobody reads until it is over, and it would fill
        with tempfile.TemporaryFile() as plays:
            plays.write(self._plays.encode())
            plays.seek(0)
            self._process = subprocess.Popen(
                self._command,
                bufsize=0,  # or what is read with the first line would be missing afterwards
                stdin=plays,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                cwd=ROOT,
                env=os.environ | {"OMP_NUM_THREADS": "1"},  # before torch is loaded, or its threads spin
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def wait_until_it_plays(self) -> None:
        """Or has failed, which `figures` then says. Raises TimeoutExpired."""
        assert self._process.stdout is not None, "a pipe"
        if not select.select([self._process.stdout], [], [], self._timeout_s)[0]:
            raise subprocess.TimeoutExpired(self._command, self._timeout_s)
        self._process.stdout.readline()

    def figures(self) -> BareFigures:
        """When all is played. Raises CalledProcessError with what it said, and TimeoutExpired."""
        output, _ = self._process.communicate(timeout=self._timeout_s)
        if self._process.returncode != 0:
            self._errors.seek(0)
            errors = self._errors.read().decode(errors="replace")
            raise subprocess.CalledProcessError(self._process.returncode, self._command, output, errors)
        return BareFigures(**json.loads(output.splitlines()[-1]))


Round = tuple[Sequence[MeasuredPlay], BareFigures]


def play_beside_bare_loop(
    known: Sequence[MeasuredPlay], play: Callable[[], Sequence[MeasuredPlay]], model: str = ""
) -> Round:
    """What `play` measures while the bare loop plays the same, at which chunks controls took effect when it was played
    before (`known`). A machine that others share changes its pace within minutes: in the same seconds it is the same
    for both, and each of the two has a neighbour. Raises as `BareLoopProcess` does."""
    with BareLoopProcess(known, model) as bare_loop:
        bare_loop.wait_until_it_plays()
        return play(), bare_loop.figures()
