"""Usage told to others: in order, at least once, with ids that let doubles be dropped."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from cloudevents.core.v1.event import CloudEvent

from serving.books.chain import Book, BookId, Entry
from serving.books.events import Exporter, HttpPost, LinesFile, NotToldError, destination_of
from serving.books.ledger import Ledger
from serving.catalogue.database import Database

ACME, BETA = BookId(Book.USAGE, "acme"), BookId(Book.USAGE, "beta")


def entry(number: int) -> Entry:
    personal = {"subject_id": "key:secret"}
    body = {"num_frames": number}
    return Entry(
        key=f"k-{number}", kind="session", time_s=60.5, session_id="s-1", body=body, personal=personal, salt="1"
    )


@pytest.fixture
def ledger(database: Database) -> Ledger:
    ledger = Ledger(database)
    ledger.append({ACME: [entry(number) for number in range(3)], BETA: [entry(9)]})
    ledger.append({BookId(Book.AUDIT, "acme"): [entry(0)]})
    return ledger


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_b02_rows_become_cloud_events_in_order_and_once_where_all_is_well(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    file = tmp_path / "out" / "usage.jsonl"
    exporter = Exporter(database, ledger, "file", destination_of(file.as_uri()))
    assert exporter.export() == 4
    assert exporter.export() == 0
    ledger.append({ACME: [entry(3)]})
    assert exporter.export() == 1
    told = lines(file)
    assert [each["id"] for each in told] == [
        "acme/usage/0",
        "acme/usage/1",
        "acme/usage/2",
        "beta/usage/0",
        "acme/usage/3",
    ]
    first = told[0]
    assert (first["type"], first["subject"], first["specversion"]) == ("nacre.usage.session", "s-1", "1.0")
    assert first["data"]["num_frames"] == 0  # type: ignore[index]
    assert "key:secret" not in file.read_text()


class Fickle:
    """Takes some of what it is told, and says that it did not."""

    def __init__(self, destination: LinesFile) -> None:
        self._destination = destination
        self.num_failures = 1

    def tell(self, events: Sequence[CloudEvent]) -> None:
        self._destination.tell(events[:2] if self.num_failures else events)
        if self.num_failures:
            self.num_failures -= 1
            raise NotToldError("the answer was lost")


def test_b02_what_may_not_have_come_is_told_again_under_the_same_id(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    file = tmp_path / "usage.jsonl"
    exporter = Exporter(database, ledger, "fickle", Fickle(LinesFile(file)))
    with pytest.raises(NotToldError):
        exporter.export()
    exporter.export()
    ids = [str(each["id"]) for each in lines(file)]
    assert len(ids) == 6
    assert sorted(set(ids)) == ["acme/usage/0", "acme/usage/1", "acme/usage/2", "beta/usage/0"]


class Receiver(BaseHTTPRequestHandler):
    answers: ClassVar[list[int]]
    got: ClassVar[list[tuple[str, dict[str, object]]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        code = self.answers.pop(0) if self.answers else 204
        if code < 300:
            self.got.append((self.headers["content-type"], json.loads(body)))
        self.send_response(code)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    class Own(Receiver):
        answers: ClassVar[list[int]] = []
        got: ClassVar[list[tuple[str, dict[str, object]]]] = []

    with HTTPServer(("127.0.0.1", 0), Own) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/usage", Own
        server.shutdown()
        thread.join()


def test_b02_a_receiver_that_stumbles_is_asked_again(
    database: Database, ledger: Ledger, receiver: tuple[str, type[Receiver]]
) -> None:
    url, got = receiver
    got.answers += [503, 500]
    exporter = Exporter(database, ledger, url, HttpPost(url, max_wait_s=0.01))
    assert exporter.export() == 4
    assert [event["id"] for _, event in got.got] == ["acme/usage/0", "acme/usage/1", "acme/usage/2", "beta/usage/0"]
    assert all(kind.startswith("application/cloudevents+json") for kind, _ in got.got)


def test_b02_a_receiver_that_is_gone_gets_it_later(
    database: Database, ledger: Ledger, receiver: tuple[str, type[Receiver]]
) -> None:
    url, got = receiver
    got.answers += [500] * 4
    exporter = Exporter(database, ledger, url, HttpPost(url, max_wait_s=0.01))
    with pytest.raises(NotToldError, match="500"):
        exporter.export()
    assert exporter.export() == 4
    assert len(got.got) == 4
