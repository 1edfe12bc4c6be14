"""docs/errors.md: each reason once, from the protos' comments and the tree of errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from commented import WHAT_TO_DO, Named, read_enum
from raised import read_raised

from serving.errors import NacreError, error_classes

PREFIX = "ERROR_REASON_"
HEAD = """# Errors

Made from `protos/nacre/v1/error.proto` and the tree in `serving/errors.py` by `make proto`; do not edit.

A refused call ends with a gRPC status. Its trailer `grpc-status-details-bin` holds a `google.rpc.Status` with

| detail | when | says |
|---|---|---|
| `ErrorInfo` | always | `reason`, one of those below; `domain` is `nacre`; `metadata` has `request_id`, and \
`field` and `allowed` (with commas between) where there are such |
| `RequestInfo` | always | `request_id`: the client's own `x-request-id`, or one that was made up. It is in the \
server's log, in its spans and in the audit |
| `BadRequest` | a field is at fault | its path from the request, such as `world.image.data` |
| `QuotaFailure` | `RESOURCE_EXHAUSTED` | whose limit it is, and what it is |
| `RetryInfo` | waiting helps | how long: as far as the service can tell, else as long as stands below |

A refused control says the same in `Ack.rejected.error`, and the stream goes on. Successful answers carry `x-request-id`
too: unary calls in the trailing metadata, streams in the initial.

Health, unknown methods, messages that are none, first messages that do not come, and messages of up to 17 MiB are
answered with these details. Without them is what ends before the service has it, or where the transport speaks for
itself: what never arrived (`UNAVAILABLE`); the client's own `DEADLINE_EXCEEDED` and `CANCELLED`; larger messages, and
more than 1,088 calls at once (`RESOURCE_EXHAUSTED`); a compression that the transport does not know (`UNIMPLEMENTED`);
and a connection that is pinged more often than every five seconds (`GOAWAY`, `too_many_pings`). Reflection tells of
what it does not find in its own answer. Branch on the reason, not on the message: messages are for people and change.

"""


def errors_page() -> str:
    classes, raised = error_classes(), read_raised()
    reasons = sorted(read_enum("ErrorReason"), key=lambda each: each.name)
    rows = [_Row(reason, classes, raised) for reason in reasons]
    table = ["| reason | code | waiting helps |", "|---|---|---|"]
    table += [f"| [{row.reason}](#{row.reason.lower()}) | {row.codes} | {row.waiting} |" for row in rows]
    sections = [section for row in rows for section in row.section()]
    return HEAD + "\n".join([*table, "", *sections]).rstrip() + "\n"


class _Row:
    """One reason, with all classes that have it."""

    def __init__(
        self, named: Named, classes: tuple[type[NacreError], ...], raised: Mapping[str, frozenset[str]]
    ) -> None:
        self.reason = named.name.removeprefix(PREFIX)
        self._named = named
        self._classes = [each for each in classes if each.reason == self.reason]
        if not self._classes:
            raise SystemExit(f"no class of serving/errors.py has the reason {self.reason}")
        if not named.says or WHAT_TO_DO not in named.labelled:
            raise SystemExit(f"error.proto must say what {self.reason} means, and a line '{WHAT_TO_DO}: ...'")
        self._keywords = {keyword for each in self._classes for keyword in raised.get(each.__name__, ())}
        self.codes = ", ".join(sorted({f"`{each.status.name}`" for each in self._classes}))
        self._can_wait = "retry_after_s" in self._keywords or any(
            each.default_retry_after_s is not None for each in self._classes
        )
        self.waiting = self._delay() if self._can_wait else ""

    def section(self) -> Iterator[str]:
        yield f"### {self.reason}"
        yield ""
        yield f"{self._named.says} {self.codes}, with {', '.join(self._details())}."
        yield ""
        yield f"What to do: {self._named.labelled[WHAT_TO_DO]}"
        yield ""

    def _delay(self) -> str:
        delays = sorted({each.default_retry_after_s for each in self._classes if each.default_retry_after_s})
        return "yes, " + " or ".join(f"{delay:g} s" for delay in delays) if delays else "where a time is given"

    def _details(self) -> Iterator[str]:
        yield "`ErrorInfo`"
        yield "`RequestInfo`"
        if "field" in self._keywords:
            yield "`BadRequest`" + (" and `allowed` where there is a list" if "allowed" in self._keywords else "")
        if "RESOURCE_EXHAUSTED" in self.codes:
            yield "`QuotaFailure`"
        if self._can_wait:
            yield "`RetryInfo`"
