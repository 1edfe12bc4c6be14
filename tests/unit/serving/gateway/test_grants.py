"""Access lists as they come in."""

from __future__ import annotations

import pytest

from nacre.v1 import access_pb2, library_pb2
from serving.access.policy import GRANTABLE, Grant
from serving.access.roles import Role
from serving.catalogue.access import MAX_GRANTS
from serving.errors import InvalidFieldError
from serving.gateway.grants import check_grants, to_grants


def line(role: str = "ROLE_VIEWER", **values: str) -> library_pb2.Grant:
    return library_pb2.Grant(role=role, **values)  # pyright: ignore[reportArgumentType]


def test_e03_what_is_read_is_told_again() -> None:
    grants = [
        Grant(tenant_id="other", role=role, subject_id=f"oidc:https://login.example#{role}") for role in GRANTABLE
    ]
    assert check_grants(to_grants(grants), "acme") == grants


def test_e03_a_line_without_a_tenant_is_about_ones_own() -> None:
    assert check_grants([line(subject_id="key:1")], "acme") == [
        Grant(tenant_id="acme", subject_id="key:1", role=Role.VIEWER)
    ]


@pytest.mark.parametrize(
    ("grant", "field"),
    [
        (line("ROLE_UNSPECIFIED"), "grants[0].role"),
        (line("ROLE_ADMIN"), "grants[0].role"),
        (line("ROLE_AUDITOR"), "grants[0].role"),
        (line(tenant_id="no/tenant"), "grants[0].tenant_id"),
        (line(subject_id="a b"), "grants[0].subject_id"),
        (line(subject_id="x" * 256), "grants[0].subject_id"),
    ],
)
def test_e03_a_line_that_makes_no_sense_is_refused(grant: library_pb2.Grant, field: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        check_grants([grant], "acme")
    assert caught.value.field == field


def test_e03_nobody_has_two_lines_and_there_are_not_too_many() -> None:
    with pytest.raises(InvalidFieldError):
        check_grants([line(), line("ROLE_OWNER", tenant_id="acme")], "acme")
    with pytest.raises(InvalidFieldError):
        check_grants([line(subject_id=f"key:{number}") for number in range(MAX_GRANTS + 1)], "acme")


def test_e03_roles_are_those_of_the_contract() -> None:
    assert {f"ROLE_{role.name}" for role in Role} == set(access_pb2.Role.keys()) - {"ROLE_UNSPECIFIED"}
