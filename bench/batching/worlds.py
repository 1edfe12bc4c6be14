"""The sessions that are measured: different places, lights and controls, the window of each full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model.interface import ChunkControls, ChunkLatents, Encoder, SessionState, Tensors, Transformer
from model.recaching import marked

SENTENCES = (
    "a quiet street at dusk",
    "a forest in the rain",
    "a meadow on a sunny morning",
    "a city at night",
)
WARM_CHUNKS = 12  # more than any window holds


def controls_of(session: int, chunk_idx: int) -> ChunkControls:
    """Half of the time it walks, a third of it it turns, and no two do the same."""
    phase = chunk_idx + 5 * session
    return ChunkControls(
        forward=1.0 if phase % 12 < 6 else 0.0,
        yaw=(0.0, 1.0, 0.0, -1.0, 0.0, 0.0)[phase // 4 % 6],
    )


def warm_snapshots(
    transformer: Transformer, encoder: Encoder, num_sessions: int, *, is_marked: bool = False
) -> list[Tensors]:
    """Sessions after some chunks, to begin every measure from the same; with `is_marked`, of words that make windows
    again."""
    return [_warm(transformer, encoder, session, is_marked).snapshot() for session in range(num_sessions)]


def _warm(transformer: Transformer, encoder: Encoder, session: int, is_marked: bool) -> SessionState:
    words = encoder.encode_text(SENTENCES[session % len(SENTENCES)])
    prompt = marked(words) if is_marked else words
    state = transformer.open(session + 1, prompt, None)
    for chunk_idx in range(WARM_CHUNKS):
        transformer.step([state], [controls_of(session, chunk_idx)])
    return state


def rounds(num_sessions: int, num_chunks: int) -> Iterator[list[ChunkControls]]:
    """The controls of all, chunk after chunk."""
    for chunk_idx in range(WARM_CHUNKS, WARM_CHUNKS + num_chunks):
        yield [controls_of(session, chunk_idx) for session in range(num_sessions)]


def is_same(one: ChunkLatents, two: ChunkLatents) -> bool:
    """To the bit."""
    parts = ((one.video, two.video), (one.audio, two.audio))
    return one.pose == two.pose and all(_is_same(ours, theirs) for ours, theirs in parts)


def _is_same(ours: Tensors, theirs: Tensors) -> bool:
    return ours.keys() == theirs.keys() and all((ours[name] == theirs[name]).all() for name in ours)


def step_alone(
    transformer: Transformer, states: Sequence[SessionState], controls: Sequence[ChunkControls]
) -> list[ChunkLatents]:
    """Each in a step of its own."""
    return [transformer.step([state], [each])[0] for state, each in zip(states, controls, strict=True)]
