"""Makes one recording's file, as a program: a long one takes no time from those who play.

python -m serving.export.maker PLACES SESSION FILE opus|aac     (PLACES: where recordings lie, as JSON)
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from serving.catalogue.regions import Region
from serving.errors import NacreError, SnapshotDamagedError
from serving.export.mp4 import Mp4Error, survey, write_mp4
from serving.export.sound import Audio
from serving.export.store import RecordingStore

NOTHING_TO_SHOW, STORE_AWAY, DAMAGED = 3, 4, 5
NICENESS = 10


def make_file(store: RecordingStore, session_id: str, file: Path, audio: Audio = Audio.OPUS) -> None:
    """Raises `Mp4Error` where there is nothing to show, `SnapshotDamagedError` and `StorageUnavailableError`."""
    names = [part.name for part in store.parts(session_id)]

    def parts() -> Iterator[bytes]:
        return (store.get(session_id, name) for name in names)

    write_mp4(parts(), survey(parts()), file, audio)


def main() -> None:
    places, session_id, file, sound = sys.argv[1:]
    audio = Audio(sound)
    os.nice(NICENESS)
    known = json.loads(places)
    try:
        store = RecordingStore.of_places(known["home"], [Region(**region) for region in known["regions"]])
        try:
            make_file(store, session_id, Path(file), audio)
        except SnapshotDamagedError:  # most likely its oldest part went just now
            make_file(store, session_id, Path(file), audio)
    except Mp4Error:
        sys.exit(NOTHING_TO_SHOW)
    except NacreError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(DAMAGED if isinstance(error, SnapshotDamagedError) else STORE_AWAY)


if __name__ == "__main__":
    main()
