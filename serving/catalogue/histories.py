"""A session's whole past, also that before it left another one, ready to be replayed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from model.interface import Model, Profile
from serving.catalogue.bases import load_base
from serving.catalogue.database import Database
from serving.catalogue.journal import JournalTable
from serving.catalogue.lineage import segments_of
from serving.catalogue.receipts import Receipts
from serving.catalogue.sessions import Sessions
from serving.errors import InvalidFieldError
from serving.sessions.journal import JournalEntry
from serving.sessions.receipts import chunk_hash
from serving.sessions.record_codec import History, RecordUnreadableError, read_history
from serving.sessions.records import JournalFault
from serving.sessions.replay import replay
from serving.sessions.snapshot_store import SnapshotStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Of a replay with the receipts of what was delivered."""

    num_chunks: int  # made again
    num_compared: int  # of those, with a receipt
    first_difference: int | None  # the first chunk that came out otherwise

    @property
    def is_same(self) -> bool:
        return self.first_difference is None


def whole_history(
    database: Database, session_id: str, *, until_epoch: int | None = None, end_chunk_idx: int | None = None
) -> History:
    """From chunk 0 on: what a branch shares with the sessions it came from, and then its own; as it stands, or as it
    was before `end_chunk_idx` at the end of `until_epoch`. Raises `SessionNotFoundError`, or ValueError for a journal
    that cannot be read."""
    table = JournalTable(database)
    Sessions(database).find(session_id, with_deleted=True)
    with database.read() as connection:
        segments = segments_of(connection, session_id, until_epoch=until_epoch, end_chunk_idx=end_chunk_idx)
    entries: tuple[JournalEntry, ...] = ()
    root: History | None = None
    profiles: set[str] = {Profile.EXACT}
    for segment in reversed(segments):
        records = table.read(segment.session_id)
        if records:  # one that was never opened has nothing of its own
            history = read_history(records, segment.timeline.until_epoch)
            entries += tuple(entry for entry in history.entries if _is_inside(entry, segment.end_chunk_idx))
            root = root or history
            profiles.add(history.profile)
    if root is None:
        raise RecordUnreadableError("the journal does not begin with an opening")
    opening = replace(root.opening, session_id=session_id)
    profile = Profile.FAST if Profile.FAST in profiles else Profile.EXACT
    return replace(root, opening=opening, entries=entries, timeline=segments[0].timeline, profile=profile)


def find_lineage_fault(database: Database, session_id: str) -> JournalFault | None:
    """The first record that was altered or is missing, of the session or of one it came from. Raises
    `SessionNotFoundError`."""
    table = JournalTable(database)
    ancestors = [branch.parent_session_id for branch in Sessions(database).lineage(session_id)]
    return next((fault for each in (session_id, *ancestors) if (fault := table.verify(each))), None)


def compare(
    database: Database,
    session_id: str,
    model: Model,
    *,
    num_threads: int = 1,
    max_chunks: int | None = None,
    store: SnapshotStore | None = None,
    on_chunk: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Make a session again, and compare every chunk with its receipt. `on_chunk` hears how many are done, of how
    many. `store` is needed for one that was brought from elsewhere. Raises `InvalidFieldError` when `model` is not the
    one that made the session, and for a session that does not come again to the bit."""
    history = whole_history(database, session_id)
    _check_model(history, model)
    receipts = {receipt.chunk_idx: receipt for receipt in Receipts(database).of(session_id)}
    total = max(receipts, default=-1) + 1
    total = total if max_chunks is None else min(total, max_chunks)
    num_compared = 0
    start = None if store is None else load_base(database, store, model.info, session_id, history)
    for chunk in replay(
        history.opening,
        history.entries,
        total,
        transformer=model.load_transformer(num_threads),
        video_decoder=model.load_video_decoder(),
        audio_decoder=model.load_audio_decoder(),
        start=start,
    ):
        written = receipts.get(chunk.chunk_idx)
        if written is not None:
            made = chunk_hash(written.previous, chunk.chunk_idx, chunk.frames_FHWC, chunk.samples_SC)
            num_compared += 1
            if made != written.hash:
                return _difference(chunk.chunk_idx, num_compared)
        on_chunk(chunk.chunk_idx + 1, total)
    return Comparison(num_chunks=total, num_compared=num_compared, first_difference=None)


def _is_inside(entry: JournalEntry, end_chunk_idx: int | None) -> bool:
    """Whether a session's entry belongs to what it gives to the chunks before `end_chunk_idx`."""
    if end_chunk_idx is None:
        return True
    return entry.applied_chunk_idx is not None and entry.applied_chunk_idx < end_chunk_idx


def _difference(chunk_idx: int, num_compared: int) -> Comparison:
    return Comparison(num_chunks=chunk_idx + 1, num_compared=num_compared, first_difference=chunk_idx)


def _check_model(history: History, model: Model) -> None:
    made_by, given = (history.model, history.weights_sha256), (model.info.name, model.info.weights_sha256)
    if history.profile != Profile.EXACT:
        message = f"the session was made in the {history.profile} profile: its chunks come again to a tolerance alone"
        raise InvalidFieldError(message, field="session_id")
    if made_by != given:
        raise InvalidFieldError(
            f"the session was made by {made_by[0]} with weights {made_by[1][:12]}, "
            f"not by {given[0]} with weights {given[1][:12]}",
            field="model",
        )
