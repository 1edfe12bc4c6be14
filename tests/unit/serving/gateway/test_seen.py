from __future__ import annotations

import pytest

from serving.access.principal import Principal
from serving.access.roles import Role as AccessRole
from serving.gateway.guests import attender
from serving.gateway.roles import Role
from serving.gateway.seen import Seen, Viewpoint

ANN = Seen(
    client_id="ann", subject_id="key:ann", role=Role.PLAYER, is_in_control=True, asks_control=False, joined_s=0.0
)


@pytest.mark.parametrize("role", AccessRole)
def test_b02_whose_key_it_is_is_for_those_who_answer_for_the_session(role: AccessRole) -> None:
    seen = ANN.as_told_to(Viewpoint.of(Principal(tenant_id="t", subject_id="key:bob", role=role)))
    sees_subjects = role not in (AccessRole.PLAYER, AccessRole.VIEWER)
    assert seen.subject_id == ("key:ann" if sees_subjects else "")
    assert (seen.client_id, seen.role) == ("ann", Role.PLAYER)


def test_each_knows_who_it_is_itself() -> None:
    me = Principal(tenant_id="t", subject_id="key:ann", role=AccessRole.VIEWER)
    assert ANN.as_told_to(Viewpoint.of(me)) == ANN


def test_guests_are_told_apart_by_what_each_has_to_show() -> None:
    ann, bob = attender("share:1", ""), attender("share:1", "")
    assert ann.subject_id != bob.subject_id
    assert attender("share:1", ann.guest_token) == ann
    assert attender("share:2", ann.guest_token).subject_id != ann.subject_id
    assert attender("share:1", ann.subject_id).subject_id != ann.subject_id, "what others see lets nobody in as it"
    assert attender("key:1", ann.guest_token).subject_id == "key:1"
