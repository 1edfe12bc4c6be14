"""What a token may allow."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.access.principal import LOCAL, Principal
from serving.access.roles import PERMISSIONS, Role
from serving.access.tokens import TokenMint, TokenOrder, check_role, narrowed
from serving.errors import PermissionMissingError, UnauthenticatedError

KEY = bytes(range(32))
OWNER = Principal(tenant_id="acme", subject_id="key:abc", role=Role.OWNER)
NOW_S = 4_000_000_000.25  # ahead, for tokens to be good


@pytest.mark.parametrize(("giver", "given_role"), list(itertools.product(Role, Role)))
def test_e03_nobody_gives_what_they_have_not(giver: Role, given_role: Role) -> None:
    asker = Principal(tenant_id="acme", subject_id="key:abc", role=giver)
    if PERMISSIONS[given_role] <= PERMISSIONS[giver]:
        check_role(asker, given_role)
    else:
        with pytest.raises(PermissionMissingError):
            check_role(asker, given_role)


@given(
    role=st.sampled_from([Role.VIEWER, Role.DIRECTOR, Role.PLAYER, Role.OWNER]),
    lifetime_s=st.floats(1, 86_400),
    session_id=st.none() | st.just("s-1"),
    max_seconds=st.none() | st.floats(0.1, 1e6),
    max_cost=st.none() | st.floats(0.01, 1e6),
    origins=st.lists(st.just("https://play.example"), max_size=2).map(tuple),
)
def test_e03_a_token_is_read_as_it_was_minted(
    role: Role, lifetime_s: float, origins: tuple[str, ...], **limits
) -> None:
    mint = TokenMint(KEY, "nacre")
    order = TokenOrder(role=role, lifetime_s=lifetime_s, origins=origins, **limits)
    text, token = mint.mint(OWNER, order, NOW_S)
    assert mint.read(text) == token
    assert token.expires_s <= NOW_S + lifetime_s
    assert token.minting_key_id == "abc"
    assert (token.principal.tenant_id, token.principal.role) == ("acme", role)


def test_e03_a_limit_of_the_minters_own_holds_for_what_it_mints() -> None:
    limited = Principal(tenant_id="acme", subject_id="oidc:a", role=Role.OWNER, max_seconds=60.0, max_cost=1.0)
    wide = narrowed(limited, TokenOrder(role=Role.PLAYER, max_seconds=600.0))
    assert (wide.max_seconds, wide.max_cost) == (60.0, 1.0)
    close = narrowed(limited, TokenOrder(role=Role.PLAYER, max_seconds=6.0, max_cost=0.5))
    assert (close.max_seconds, close.max_cost) == (6.0, 0.5)
    assert narrowed(LOCAL, TokenOrder(role=Role.PLAYER)).max_seconds is None


def test_e03_another_installations_token_is_none() -> None:
    text, _ = TokenMint(KEY, "nacre").mint(OWNER, TokenOrder(role=Role.VIEWER), NOW_S)
    for other in (TokenMint(KEY, "elsewhere"), TokenMint(bytes(32), "nacre")):
        with pytest.raises(UnauthenticatedError):
            other.read(text)


@given(st.text(max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    with pytest.raises(UnauthenticatedError):
        TokenMint(KEY, "nacre").read(text)
