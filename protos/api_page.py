"""docs/api.md: every method of every service, from the protos' comments."""

from __future__ import annotations

from collections.abc import Iterator

from commented import ERRORS, Method, Service, read_enum, read_services
from errors_page import PREFIX

from serving.access.rules import RULES, About

# What the permission must be held for.
ABOUT = {
    About.LARGE: "",
    About.SESSION: ", of the session",
    About.FORK: ", of the session",
    About.WORLD: ", of the world",
    About.MAYBE_WORLD: ", of the world where it names one",
    About.START: ", of the world",
    About.SHARE: ", of the session that the link leads to",
    About.LATER: ", of what the request leads to",
}
HEAD = """# The methods

Made from `protos/nacre/v1` by `make proto`; do not edit. [clients.md](clients.md) says what else a client of one's own
needs to know, [errors.md](errors.md) what each reason means. Fields are described in the protos; server reflection
gives them too.

Any call can be refused with the reasons {common}; a call that changes something also with those of its idempotency key,
{keyed}. What else a method answers with stands in its last column.

"""
# What each call can be answered with, whatever it asks for.
COMMON = (
    "CALLS_EXCEEDED", "CREDENTIAL_INVALID", "FIELD_INVALID", "INTERNAL", "MESSAGE_TOO_LARGE", "PERMISSION_MISSING",
    "STORAGE_UNAVAILABLE", "UNAUTHENTICATED", "UNAVAILABLE",
)  # fmt: skip
KEYED = ("IDEMPOTENCY_KEY_REUSED", "IDEMPOTENCY_OUTCOME_UNKNOWN")


def api_page() -> str:
    known = {named.name.removeprefix(PREFIX) for named in read_enum("ErrorReason")}
    services = read_services()
    for method in (method for service in services for method in service.methods):
        if unknown := set(reasons_of(method)) - known:
            raise SystemExit(f"{method.service}.{method.name} names reasons that there are not: {sorted(unknown)}")
    head = HEAD.format(common=_linked(each for each in COMMON if each in known), keyed=_linked(KEYED))
    return head + "\n".join(line for service in services for line in _section(service)).rstrip() + "\n"


def reasons_of(method: Method) -> list[str]:
    return [each for each in method.labelled.get(ERRORS, "").rstrip(".").split(", ") if each]


def _section(service: Service) -> Iterator[str]:
    yield f"## {service.name}"
    yield ""
    yield service.says
    yield ""
    yield "| method | what it does | idempotency key | permission | errors |"
    yield "|---|---|---|---|---|"
    for method in service.methods:
        key = "takes one" if method.has_idempotency_key else ""
        cells = (_signature(method), method.says, key, _permission(method), _linked(reasons_of(method)))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _permission(method: Method) -> str:
    rule = RULES[f"/{method.service}/{method.name}"]
    return f"{rule.permission}{ABOUT[rule.about]}"


def _signature(method: Method) -> str:
    request = ("stream " if method.is_request_stream else "") + method.request
    response = ("stream " if method.is_response_stream else "") + method.response
    is_usual = (request, response) == (f"{method.name}Request", f"{method.name}Response")
    return f"`{method.name}`" if is_usual else f"`{method.name}` ({request}, {response})"


def _linked(reasons: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"[{reason}](errors.md#{reason.lower()})" for reason in reasons)
