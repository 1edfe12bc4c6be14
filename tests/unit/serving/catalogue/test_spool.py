"""What waits for the catalogue to come back, on disk and in memory, and who brings it in."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from serving.catalogue import spool as spools
from serving.catalogue.journal import Batch
from serving.catalogue.spool import Spool, SpoolBusyError, SpoolFile, SpoolUnusableError, bring_in
from serving.errors import StorageUnavailableError
from serving.sessions import record_codec
from serving.sessions.records import JournalHead, head_after, seal


def batch(first: int, last: int, session_id: str = "s-1", epoch: int = 1) -> Batch:
    """Records of one session, as they follow each other from 0."""
    records = [record_codec.applied(f"c-{number}", number) for number in range(last)]
    sealed = seal(session_id, epoch, JournalHead(), records)
    head = head_after(JournalHead(), sealed[:first])
    return Batch(session_id=session_id, epoch=epoch, head=head, records=sealed[first:])


class Catalogue:
    """Takes what it is given, but for sessions that somebody else has, and while it is there."""

    def __init__(self, *fenced: str) -> None:
        self.fenced = set(fenced)
        self.batches: list[Batch] = []
        self.is_away = False

    def append(self, batches: Sequence[Batch]) -> set[str]:
        if self.is_away:
            raise StorageUnavailableError("away")
        self.batches += [each for each in batches if each.session_id not in self.fenced]
        return self.fenced & {each.session_id for each in batches}

    def seqs(self, session_id: str) -> list[int]:
        return [record.seq for each in self.batches if each.session_id == session_id for record in each.records]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "worker.db"


def drain(spool: Spool) -> list[Batch]:
    taken: list[Batch] = []
    while (oldest := spool.oldest()).batches:
        taken += oldest.batches
        spool.remove(oldest)
    return taken


def test_what_is_added_comes_out_in_order_and_the_file_goes(file: Path) -> None:
    spool = Spool(file)
    assert not file.parent.exists()  # nothing is made before it is needed
    spool.add([batch(0, 3), batch(0, 1, "s-2")])
    spool.add([batch(3, 5)])
    assert (spool.num_records, file.stat().st_mode & 0o077, file.parent.stat().st_mode & 0o777) == (6, 0o044, 0o700)
    assert drain(spool) == [batch(0, 5), batch(0, 1, "s-2")]
    assert list(file.parent.iterdir()) == []
    spool.add([batch(5, 6)])
    assert drain(spool) == [batch(5, 6)]


def test_a_slice_is_bounded_and_goes_on_where_it_ended(file: Path) -> None:
    with SpoolFile(file) as spool:
        spool.add([batch(0, 5)])
        oldest = spool.oldest(3)
        assert oldest.batches == (batch(0, 3),)
        spool.remove(oldest.last_position)
        assert spool.oldest(3).batches == (batch(3, 5),)


def test_the_same_twice_is_there_once(file: Path) -> None:
    with SpoolFile(file) as spool:
        spool.add([batch(0, 3)])
        spool.add([batch(0, 5)])
        assert spool.oldest().batches == (batch(0, 5),)


def test_tensors_and_words_come_back_as_they_were(file: Path) -> None:
    record = record_codec.Record(kind=record_codec.RecordKind.ACCEPTED, body={"text": "Regen, ほら"}, tensors=b"\0\1")
    sealed = seal("s-1", 1, JournalHead(), [record])
    whole = Batch(session_id="s-1", epoch=1, head=JournalHead(), records=sealed)
    with SpoolFile(file) as spool:
        spool.add([whole])
        assert spool.oldest().batches == (whole,)


def test_a_worker_that_died_leaves_what_the_next_one_brings_in(file: Path) -> None:
    spool = Spool(file)
    spool.add([batch(0, 4)])
    spool.close()
    assert file.exists()
    catalogue = Catalogue()
    assert bring_in(file.parent, catalogue.append) == 4
    assert catalogue.seqs("s-1") == [0, 1, 2, 3]
    assert not file.exists()
    assert bring_in(file.parent, catalogue.append) == 0


def test_d02_what_was_added_survives_the_death_of_its_process(file: Path) -> None:
    program = """if True:
        import os, signal, sys
        from pathlib import Path
        from serving.catalogue.spool import Spool
        from tests.unit.serving.catalogue.test_spool import batch

        spool = Spool(Path(sys.argv[1]))
        spool.add([batch(0, 3)])
        spool.add([batch(3, 4)])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    root = Path(__file__).parents[4]
    killed = subprocess.run([sys.executable, "-c", program, file], cwd=root, check=False)
    assert killed.returncode == -signal.SIGKILL
    catalogue = Catalogue()
    assert bring_in(file.parent, catalogue.append) == 4
    assert catalogue.batches == [batch(0, 4)]
    assert list(file.parent.iterdir()) == []


def test_every_batch_is_synced_to_the_disk(file: Path) -> None:
    """A power cut takes nothing that was told, which no test can try."""
    with SpoolFile(file) as spool:
        settings = [spool._connection.execute(f"PRAGMA {name}").fetchone() for name in ("synchronous", "journal_mode")]
    assert settings == [(2,), ("wal",)]


def test_it_is_brought_in_by_slices(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SpoolFile(file) as left:
        left.add([batch(0, 7), batch(0, 2, "s-2")])
        whole = left.oldest
    monkeypatch.setattr(SpoolFile, "oldest", lambda self: whole.__func__(self, 3))
    catalogue = Catalogue()
    bring_in(file.parent, catalogue.append)
    assert [len(each.records) for each in catalogue.batches] == [3, 3, 1, 2]
    assert (catalogue.seqs("s-1"), catalogue.seqs("s-2")) == (list(range(7)), [0, 1])


def test_what_another_worker_took_meanwhile_is_set_aside_and_the_rest_brought_in(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with SpoolFile(file) as left:
        left.add([batch(0, 4), batch(0, 2, "s-2")])
    catalogue = Catalogue("s-1")
    bring_in(file.parent, catalogue.append)
    assert (catalogue.seqs("s-1"), catalogue.seqs("s-2")) == ([], [0, 1])
    assert "4 records of s-1 were refused" in caplog.text
    with SpoolFile(file.parent / "refused" / file.name, must_exist=True) as refused:
        assert refused.oldest().batches == (batch(0, 4),)


def test_a_worker_that_lives_keeps_its_spool(file: Path) -> None:
    alive = Spool(file)
    alive.add([batch(0, 2)])
    catalogue = Catalogue()
    assert bring_in(file.parent, catalogue.append) == 0
    with pytest.raises(SpoolBusyError):
        SpoolFile(file)
    assert drain(alive) == [batch(0, 2)]


def test_nothing_is_removed_while_the_catalogue_is_away(file: Path) -> None:
    with SpoolFile(file) as left:
        left.add([batch(0, 2)])
    catalogue = Catalogue()
    catalogue.is_away = True
    with pytest.raises(StorageUnavailableError):
        bring_in(file.parent, catalogue.append)
    catalogue.is_away = False
    assert bring_in(file.parent, catalogue.append) == 2


@pytest.mark.parametrize("damage", [b"", b"this is no database at all" * 100, None])
def test_a_file_that_cannot_be_read_is_left_and_the_others_are_brought_in(
    file: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    for path in (file.parent / "a.db", file):
        with SpoolFile(path) as left:
            left.add([batch(0, 2, path.stem)])
    damaged = file.parent / "a.db"
    damaged.write_bytes(damaged.read_bytes()[:5000] if damage is None else damage)
    catalogue = Catalogue()
    bring_in(file.parent, catalogue.append)
    assert catalogue.seqs("worker") == [0, 1]
    if damage != b"":  # an empty file is an empty database
        assert damaged.exists()
        assert "left as it is" in caplog.text


def test_a_spool_of_a_version_to_come_is_left(file: Path) -> None:
    with SpoolFile(file) as left:
        left.add([batch(0, 2)])
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version=2")
    connection.close()
    assert bring_in(file.parent, Catalogue().append) == 0
    assert file.exists()


def test_where_the_disk_refuses_it_waits_in_memory_and_goes_to_the_disk_later(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.parent.write_text("a file where the folder should be")
    spool = Spool(file)
    spool.add([batch(0, 2)])
    spool.add([batch(2, 3)])
    assert caplog.text.count("in memory alone") == 1
    assert spool.num_records == 3
    taken = spool.oldest()
    assert taken.batches == (batch(0, 2), batch(2, 3))
    file.parent.unlink()
    spool.add([batch(3, 4)])
    assert file.exists()
    spool.remove(taken)  # of before: it may come a second time, and never too late
    assert drain(spool) == [batch(0, 4)]


def test_what_memory_holds_is_bounded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools, "MAX_IN_MEMORY_BYTES", 300)
    file.parent.write_text("")
    spool = Spool(file)
    spool.add([batch(0, 1)])
    assert not spool.is_full
    spool.add([batch(1, 10)])
    assert spool.is_full
    spool.remove(spool.oldest())
    assert (spool.is_full, spool.num_records) == (False, 0)


def test_a_refused_session_is_set_aside_wherever_it_waits(file: Path) -> None:
    spool = Spool(file)
    spool.add([batch(0, 2), batch(0, 1, "s-2")])
    spool.set_aside("s-1", 1)
    assert drain(spool) == [batch(0, 1, "s-2")]
    with SpoolFile(file.parent / "refused" / file.name) as refused:
        assert refused.oldest().batches == (batch(0, 2),)


def test_a_file_that_is_not_there_is_not_made_by_looking(file: Path) -> None:
    file.parent.mkdir()
    with pytest.raises(SpoolUnusableError):
        SpoolFile(file, must_exist=True)
    assert not file.exists()
