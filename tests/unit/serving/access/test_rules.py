"""Every call of the API says what it takes."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import nacre.v1
from serving.access.roles import Permission
from serving.access.rules import RULES, About

# A token that names what is not there opens nothing; a tenant's books tell nothing of others.
OPENS_NOTHING = {
    "/nacre.v1.AccessService/MintToken",
    "/nacre.v1.UsageService/GetUsage",
    "/nacre.v1.AuditService/ListAuditEntries",
}


def methods() -> dict[str, Any]:
    """Of every service there is a message for, by the name that the transport calls it."""
    found = {}
    for module in pkgutil.iter_modules(nacre.v1.__path__):
        if module.name.endswith("_pb2"):
            descriptor = importlib.import_module(f"nacre.v1.{module.name}").DESCRIPTOR
            for service in descriptor.services_by_name.values():
                found |= {f"/{service.full_name}/{method.name}": method for method in service.methods}
    return found


def test_e03_every_call_says_what_it_takes() -> None:
    assert set(RULES) == set(methods())


def test_e03_a_call_names_fields_that_its_request_has() -> None:
    by_name = methods()
    for name, rule in RULES.items():
        if rule.about not in (About.LARGE, About.LATER):
            assert set(rule.fields) <= set(by_name[name].input_type.fields_by_name), name


def test_e03_a_request_with_an_id_is_looked_up() -> None:
    """Whatever names a session, a world or a link is about it, unless it is for those who run the service."""
    for name, method in methods().items():
        ids = {"session_id", "other_session_id", "world_id", "share_id"} & set(method.input_type.fields_by_name)
        rule = RULES[name]
        if ids and rule.permission is not Permission.FLEET and name not in OPENS_NOTHING:
            assert rule.about not in (About.LARGE, About.LATER), name
            assert ids <= set(rule.fields), name
