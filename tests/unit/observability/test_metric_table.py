"""The names of metrics are an interface: dashboards and alerts of others hang on them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from observability import metric_table
from observability.metric_table import TABLE, MetricKind, MetricRow

BASE_UNITS = ("seconds", "bytes", "ratio", "watts", "celsius")
COUNTED_THINGS = ("records", "sessions", "clients", "used", "capacity", "levels", "workers")
OTHER_UNITS = re.compile(r"(milli|micro|kilo|mega|percent|minutes|hours|_(ms|us|kb|mb)(_|$))")


def units_of(row: MetricRow) -> str:
    return row.name.removesuffix("_total").rsplit("_", 1)[-1]


def test_no_name_is_used_twice() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
class TestEachRow:
    def test_is_named_as_prometheus_wants(self, row: MetricRow) -> None:
        assert re.fullmatch(r"nacre(_[a-z0-9]+)+", row.name)
        assert not OTHER_UNITS.search(row.name)

    def test_ends_in_total_exactly_when_it_counts(self, row: MetricRow) -> None:
        assert row.name.endswith("_total") == (row.kind is MetricKind.COUNTER)
        assert not row.name.endswith(("_count", "_sum", "_bucket", "_created"))

    def test_has_a_base_unit_or_counts_things(self, row: MetricRow) -> None:
        assert row.kind is MetricKind.COUNTER or units_of(row) in (*BASE_UNITS, *COUNTED_THINGS)

    def test_tells_its_unit_in_a_sentence(self, row: MetricRow) -> None:
        assert row.help.endswith(".")
        assert row.name not in row.help
        words = {"seconds": "seconds", "bytes": "bytes", "watts": "watts", "celsius": "Celsius", "ratio": "0 to 1"}
        assert words.get(units_of(row), "") in row.help

    def test_has_labels_that_prometheus_does_not_keep_for_itself(self, row: MetricRow) -> None:
        assert not {"le", "quantile", "job", "instance"} & set(row.labels)
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in row.labels)


def test_objectives_are_bucket_edges_so_that_meeting_them_is_counted_exactly() -> None:
    assert 0.21 in metric_table.CONTROL_TO_FRAME.buckets
    assert 2.0 in metric_table.TIME_TO_FIRST_FRAME.buckets
    assert 0.08 in metric_table.CHUNK_STAGE.buckets


def test_a_histogram_without_buckets_is_refused() -> None:
    with pytest.raises(ValueError, match="histograms have buckets"):
        MetricRow(name="nacre_x_seconds", kind=MetricKind.HISTOGRAM, help="X, seconds.")


def test_buckets_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="must rise"):
        MetricRow(name="nacre_x_seconds", kind=MetricKind.HISTOGRAM, help="X, seconds.", buckets=(0.2, 0.1))


def test_the_documentation_lists_every_metric_as_the_table_has_it() -> None:
    page = (Path(__file__).parents[3] / "docs" / "measuring.md").read_text()
    listed = [line for line in page.splitlines() if line.startswith("| `nacre_")]
    expected = [
        f"| `{row.name}` | {row.kind.value} | {', '.join(f'`{label}`' for label in row.labels)} | {row.help} |"
        for row in TABLE
    ]
    assert listed == expected
