"""The same play without a service: model stages and media encoders in one process, and what that costs.

What the service takes beyond this is what serving adds. Reads the plays as JSON from
standard input, so that the client that asks need not load the model.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import typer
from PIL import Image

from bench.script import Action, Say, Turn, Walk
from model.interface import AudioDecoder, ChunkControls, Encoder, Model, Tensors, Transformer, VideoDecoder
from serving.gateway.media import H264Encoder, MediaConfig, OpusEncoder
from serving.models import load_model


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedAction:
    chunk_idx: int
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class BarePlay:
    """A session to play again: what it started from, and what took effect at which chunk."""

    num_chunks: int
    seed: int = 1
    prompt: str = ""
    image_file: str = ""
    actions: tuple[TimedAction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BareFigures:
    """Processor seconds of all threads of the process."""

    cpu_s_per_chunk: float
    model_cpu_s_per_chunk: float
    media_cpu_s_per_chunk: float
    stage_cpu_s_per_chunk: Mapping[str, float] = field(default_factory=dict)
    num_chunks: int


MEDIA_STAGES = ("h264", "opus")


class CpuClock:
    """Adds up processor time by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start_s = time.process_time()
        yield
        self.seconds[name] += time.process_time() - start_s


class BareLoop:
    """All stages of a model, one after another."""

    def __init__(self, model: Model, num_threads: int = 1) -> None:
        self.info = model.info
        self._encoder: Encoder = model.load_encoder()
        self._transformer: Transformer = model.load_transformer(num_threads)
        self._video: VideoDecoder = model.load_video_decoder()
        self._audio: AudioDecoder = model.load_audio_decoder()

    def play(self, play: BarePlay, clock: CpuClock, is_paced: bool) -> None:
        """`is_paced` sleeps between chunks as a service does, which leaves the processor's caches cold."""
        with clock.stage("open"):
            state = self._transformer.open(play.seed, self._text(play.prompt), self._image(play.image_file))
            video, audio = self._video.open(play.seed), self._audio.open(play.seed)
            h264, opus = H264Encoder(self.info, MediaConfig()), OpusEncoder(self.info, MediaConfig())
        start_s = time.monotonic()
        for chunk_idx, controls in enumerate(self._controls(play, clock)):
            with clock.stage("transformer"):
                latents = self._transformer.step([state], [controls])[0]
            with clock.stage("video_decoder"):
                frames_FHWC = self._video.decode(video, latents.video)
            with clock.stage("audio_decoder"):
                samples_SC = self._audio.decode(audio, latents.audio)
            with clock.stage("h264"):
                h264.encode(frames_FHWC)
            with clock.stage("opus"):
                opus.encode(samples_SC)
            if is_paced:
                time.sleep(max(0.0, start_s + (chunk_idx + 1) * self.info.chunk_duration_s - time.monotonic()))

    def _controls(self, play: BarePlay, clock: CpuClock) -> Iterator[ChunkControls]:
        walk, turn = Walk(), Turn()
        by_chunk: dict[int, list[Action]] = defaultdict(list)
        for timed in play.actions:
            by_chunk[timed.chunk_idx].append(timed.action)
        for chunk_idx in range(play.num_chunks):
            said: list[Tensors] = []
            for action in by_chunk[chunk_idx]:
                match action:
                    case Walk() as walk:
                        pass
                    case Turn() as turn:
                        pass
                    case Say(text=text):
                        with clock.stage("encoder"):
                            said.append(self._encoder.encode_text(text))
            yield ChunkControls(
                forward=walk.forward, strafe=walk.strafe, yaw=turn.yaw, pitch=turn.pitch, directives=tuple(said)
            )

    def _text(self, prompt: str) -> Tensors | None:
        return self._encoder.encode_text(prompt) if prompt else None

    def _image(self, file: str) -> Tensors | None:
        return self._encoder.encode_image(np.asarray(Image.open(file).convert("RGB"))) if file else None


def run_bare_loop(
    model: Model,
    plays: Sequence[BarePlay],
    is_paced: bool,
    num_threads: int = 1,
    on_ready: Callable[[], None] = lambda: None,
) -> BareFigures:
    """`on_ready` is called when the model is loaded and warm."""
    loop = BareLoop(model, num_threads)
    # The first chunks of a process allocate and choose kernels; a service has that behind it.
    loop.play(BarePlay(num_chunks=10, prompt="a quiet street at dusk"), CpuClock(), is_paced=False)
    on_ready()
    clock = CpuClock()
    for play in plays:
        loop.play(play, clock, is_paced)
    num_chunks = sum(play.num_chunks for play in plays)
    per_chunk = {name: seconds / num_chunks for name, seconds in sorted(clock.seconds.items())}
    media_s = sum(per_chunk[name] for name in MEDIA_STAGES)
    return BareFigures(
        cpu_s_per_chunk=sum(per_chunk.values()),
        model_cpu_s_per_chunk=sum(per_chunk.values()) - media_s,
        media_cpu_s_per_chunk=media_s,
        stage_cpu_s_per_chunk=per_chunk,
        num_chunks=num_chunks,
    )


_ACTIONS: dict[str, type[Walk] | type[Turn] | type[Say]] = {"walk": Walk, "turn": Turn, "say": Say}


def plays_to_json(plays: Sequence[BarePlay]) -> str:
    return json.dumps([dataclasses.asdict(play) | {"actions": _actions_to_json(play)} for play in plays])


def plays_from_json(text: str) -> list[BarePlay]:
    return [BarePlay(**(fields | {"actions": _actions_from_json(fields["actions"])})) for fields in json.loads(text)]


def _actions_to_json(play: BarePlay) -> list[dict[str, Any]]:
    return [
        {"chunk_idx": timed.chunk_idx, "kind": type(timed.action).__name__.lower()} | dataclasses.asdict(timed.action)
        for timed in play.actions
    ]


def _actions_from_json(entries: Sequence[dict[str, Any]]) -> tuple[TimedAction, ...]:
    return tuple(
        TimedAction(
            chunk_idx=entry["chunk_idx"],
            action=_ACTIONS[entry["kind"]](
                **{name: entry[name] for name in entry if name not in ("chunk_idx", "kind")}
            ),
        )
        for entry in entries
    )


app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)


@app.command()
def main(model_name: str, *, paced: bool = False, num_threads: int = 1) -> None:
    """Plays (JSON, from standard input) through the model's stages and the encoders; prints a line when that begins,
    and figures as JSON."""
    import torch  # only this process needs it: whoever reads a play from here does not

    torch.set_num_threads(num_threads)
    plays = plays_from_json(sys.stdin.read())
    figures = run_bare_loop(
        load_model(model_name), plays, paced, num_threads, on_ready=lambda: print("playing", flush=True)
    )
    print(json.dumps(dataclasses.asdict(figures)))


if __name__ == "__main__":
    app()
