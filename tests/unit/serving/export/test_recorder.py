"""What is kept, for how long, and while the store is away."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from obstore.store import MemoryStore

from nacre.v1 import media_pb2
from serving.errors import RecordingNotFoundError, RegionRefusedError, SnapshotDamagedError, StorageUnavailableError
from serving.export import recorder as recorders
from serving.export.config import RecordingConfig, read_recording
from serving.export.exports import check_maker, describe, remove_left
from serving.export.mp4 import Mp4Error, survey, write_mp4
from serving.export.recorder import Recorder
from serving.export.segment import SegmentBuilder
from serving.export.session_recorder import SessionRecorder
from serving.export.store import Part, PartName, RecordingStore
from serving.gateway.media import MediaConfig
from serving.sessions.names import new_session_id
from tests.fakes import fake_info
from tests.unit.serving.export.test_track import HEADER_OF_ALL, INFO, Sender

DAY_S = 86_400.0
EU = new_session_id("eu")


class FlakyStore(RecordingStore):
    is_away = False

    def put(self, session_id: str, name: PartName, data: bytes) -> None:
        if self.is_away:
            raise StorageUnavailableError("the test took it away")
        super().put(session_id, name, data)


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore(MemoryStore(), {"eu": MemoryStore()})


def make(store: RecordingStore, errors: list[str] | None = None, **settings: Any) -> Recorder:
    config = RecordingConfig(**{"segment_s": 1.0, **settings})
    told = errors if errors is not None else []
    return Recorder(store, config, MediaConfig(), time.time, told.append)


def show(session: SessionRecorder, sender: Sender, first: int, count: int) -> None:
    for idx in range(first, first + count):
        session.delivered(*sender.send(idx))


def opened(recorder: Recorder, session_id: str = "s-1") -> SessionRecorder:
    session = recorder.open(session_id, "a harbour", INFO)
    assert session is not None
    return session


def num_frames(store: RecordingStore, session_id: str = "s-1") -> int:
    parts = store.parts(session_id)
    assert survey(store.get(session_id, part.name) for part in parts).num_frames == sum(
        p.name.num_frames for p in parts
    )
    return sum(part.name.num_frames for part in parts)


async def test_all_is_written_in_order_whoever_writes_it(store: FlakyStore) -> None:
    recorder, sender = make(store), Sender()
    session = opened(recorder)
    show(session, sender, 0, 40)
    await recorder.write()
    assert 0 < num_frames(store) < 40, "the part that grows is not there yet"
    await recorder.flush("s-1")
    assert num_frames(store) == 40
    show(session, sender, 40, 10)
    session.close()
    again = opened(recorder)  # it came back before the rest was written
    show(again, Sender(), 50, 5)
    await recorder.stop()
    assert num_frames(store) == 55
    names = [part.name for part in store.parts("s-1")]
    assert names == sorted(names)


async def test_the_oldest_goes_when_there_is_too_much(store: FlakyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordingConfig, "max_session_bytes", 60_000)
    recorder, sender = make(store), Sender()
    session = opened(recorder)
    for first in range(0, 200, 50):
        show(session, sender, first, 50)
        await recorder.write()
    await recorder.flush("s-1")
    parts = store.parts("s-1")
    assert sum(part.num_bytes for part in parts) <= 60_000
    described = describe("s-1", parts, recorder.config)
    assert described.is_truncated
    assert 0 < described.num_frames == num_frames(store) < 200
    await recorder.stop()


async def test_while_the_store_is_away_it_waits_and_then_is_whole(store: FlakyStore) -> None:
    errors: list[str] = []
    recorder, sender = make(store, errors), Sender()
    session = opened(recorder)
    store.is_away = True
    for first in range(0, 60, 20):
        show(session, sender, first, 20)
        await recorder.write()
    assert set(errors) == {"STORAGE_UNAVAILABLE"}
    store.is_away = False
    await recorder.flush("s-1")
    assert num_frames(store) == 60
    await recorder.stop()


async def test_what_the_store_does_not_take_is_not_held_for_ever(
    store: FlakyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RecordingConfig, "max_waiting_bytes", 50_000)
    recorder, sender = make(store), Sender()
    session = opened(recorder)
    store.is_away = True
    for first in range(0, 200, 20):
        show(session, sender, first, 20)
        await recorder.write()
    assert sum(len(cut.data) for cut in session.cuts) < 100_000
    store.is_away = False
    await recorder.flush("s-1")
    assert 0 < num_frames(store) < 200
    await recorder.stop()


async def test_a_defect_leaves_a_gap_and_not_a_broken_film(store: FlakyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[str] = []
    recorder, sender = make(store, errors), Sender()
    session = opened(recorder)
    show(session, sender, 0, 5)
    with monkeypatch.context() as broken:
        broken.setattr(session.track, "add", lambda shots: 1 / 0)
        await recorder.write()
    assert errors == ["INTERNAL"]
    show(session, sender, 5, 5)
    await recorder.flush("s-1")
    assert num_frames(store) == 5
    await recorder.stop()


async def test_what_is_older_than_is_kept_goes(store: FlakyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = make(store, max_age_days=2.0)
    for session_id in ("s-1", EU):
        show(opened(recorder, session_id), Sender(), 0, 3)
        await recorder.flush(session_id)
        assert num_frames(store, session_id) == 3
    kept = {session_id: store.parts(session_id)[0].num_bytes for session_id in ("s-1", EU)}
    assert store.sweep(time.time() - DAY_S) == kept
    assert store.sweep(time.time() + 1) == {}
    assert store.parts("s-1") == store.parts(EU) == []
    await recorder.stop()
    assert recorders.SWEEP_EVERY_S > 0


async def test_forgotten_it_begins_anew(store: FlakyStore) -> None:
    recorder, sender = make(store), Sender()
    session = opened(recorder)
    show(session, sender, 0, 5)
    await recorder.forget("s-1")
    assert store.parts("s-1") == []
    show(session, Sender(), 5, 4)
    await recorder.flush("s-1")
    assert num_frames(store) == 4
    await recorder.stop()


async def test_models_that_no_file_holds_are_not_recorded(store: FlakyStore) -> None:
    recorder = make(store)
    assert recorder.open("s-1", "a harbour", fake_info(width_px=127)) is None
    await recorder.stop()


def test_parts_of_a_region_lie_there_and_nowhere_else(store: FlakyStore) -> None:
    name = PartName(start_ms=1, gateway="0" * 8, number=0, num_frames=1)
    store.put(EU, name, b"x")
    assert [part.name for part in store.parts(EU)] == [name]
    with pytest.raises(RegionRefusedError):
        store.put(new_session_id("us"), name, b"x")


def test_names_say_what_is_in_a_part_and_nothing_else_is_one() -> None:
    name = PartName(start_ms=1_795_273_422_753, gateway="693f61ed", number=7, num_frames=125)
    assert PartName.parse(str(name)) == name
    for other in ("", "x.part", str(name) + ".tmp", str(name).replace("125", ""), "manifest.json"):
        assert PartName.parse(other) is None


def test_a_recording_is_described_by_its_parts() -> None:
    config = RecordingConfig(max_age_days=1.0)
    with pytest.raises(RecordingNotFoundError):
        describe("s-1", [], config)
    parts = [
        Part(
            name=PartName(start_ms=1_000 * number, gateway="0" * 8, number=number, num_frames=10),
            num_bytes=5,
            stored_s=50.0 + number,
        )
        for number in (1, 2)
    ]
    told = describe("s-1", parts, config)
    assert (told.num_frames, told.num_bytes, told.start_s, told.expires_s) == (20, 10, 1.0, 50.0 + 1 + DAY_S)
    assert told.is_truncated
    assert describe("s-1", parts, RecordingConfig(max_age_days=0)).expires_s is None


def test_nothing_to_show_is_said_so() -> None:
    with pytest.raises(Mp4Error):
        survey([])


def test_a_film_without_sense_is_damaged(tmp_path: Path) -> None:
    def part(data: bytes) -> bytes:
        builder = SegmentBuilder(HEADER_OF_ALL)
        frames = [media_pb2.VideoFrame(data=data, is_keyframe=True)]
        builder.add_chunk(media_pb2.MediaChunk(frames=frames), is_run=True)
        return builder.to_bytes()

    with pytest.raises(SnapshotDamagedError, match="no picture"):
        survey([part(b"")])
    shape = survey([part(b"nonsense")])
    with pytest.raises(SnapshotDamagedError, match="damaged"):
        write_mp4([part(b"nonsense")], shape, tmp_path / "film.mp4")


def test_what_killed_gateways_left_goes(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    mine, dead, others = (
        tmp_path / f"{name}-x" for name in (f"nacre-exports-{os.getpid()}", f"nacre-exports-{ended.pid}", "other")
    )
    for each in (mine, dead, others):
        each.mkdir()
        (each / "1.mp4").touch()
    remove_left(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([mine, others])


def test_how_the_maker_ended_is_told() -> None:
    check_maker(0, "")
    with pytest.raises(RecordingNotFoundError):
        check_maker(3, "")
    with pytest.raises(StorageUnavailableError, match="away"):
        check_maker(4, "warning\nthe store is away\n")
    with pytest.raises(SnapshotDamagedError, match="no picture"):
        check_maker(5, "a chunk has no picture\n")
    with pytest.raises(RuntimeError, match="-9"):
        check_maker(-9, "")


@pytest.mark.parametrize(
    "table",
    [{"max_session_mib": 0}, {"max_age_days": -1}, {"segment_s": 0}, {"max_waiting_mib": 0}, {"colour": 1}, "on"],
)
def test_settings_that_cannot_be_are_refused(table: Any) -> None:
    with pytest.raises(ValueError, match="recording"):
        read_recording(table)


def test_settings_are_read() -> None:
    config = read_recording({"max_session_mib": 2, "max_age_days": 0})
    assert (config.max_session_bytes, config.max_age_days, config.is_on) == (2 << 20, 0, True)
