"""Share links: who has the token has what the scope says, for as long as it was said."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from serving.catalogue.database import Database
from serving.catalogue.schema import shares as table
from serving.catalogue.sessions import Sessions
from serving.catalogue.shares import FORK, JOIN, VIEW, Shares
from serving.catalogue.worlds import NewWorld, Worlds
from serving.errors import (
    InvalidFieldError,
    SessionNotFoundError,
    ShareLinkExpiredError,
    ShareLinkRevokedError,
    StorageUnavailableError,
)
from tests.catalogues import new_session


@pytest.fixture
def shares(database: Database) -> Shares:
    Sessions(database).create(new_session())
    return Shares(database, clock=lambda: 100.0)


def test_p02_who_has_the_token_has_what_the_link_says(shares: Shares) -> None:
    share, token = shares.create(scope=FORK, session_id="s-1", epoch=2, chunk_idx=40, expires_s=200.0)
    assert (share.scope, share.session_id, share.epoch, share.chunk_idx, share.num_uses) == (FORK, "s-1", 2, 40, 0)
    opened = [shares.open(token, now_s) for now_s in (100.0, 199.9)]
    assert [each.num_uses for each in opened] == [1, 2]
    assert opened[1] == shares.find(share.share_id)
    assert shares.of("s-1") == [opened[1]]
    assert shares.of("s-2") == []


def test_p02_a_link_ends_with_its_time_or_when_it_is_taken_back(shares: Shares) -> None:
    expiring, first = shares.create(scope=VIEW, session_id="s-1", expires_s=200.0)
    with pytest.raises(ShareLinkExpiredError):
        shares.open(first, 200.0)
    endless, second = shares.create(scope=JOIN, session_id="s-1")
    assert shares.open(second, 1e12).scope == JOIN
    assert shares.revoke(endless.share_id)
    assert shares.revoke(endless.share_id)
    assert not shares.revoke("never")
    with pytest.raises(ShareLinkRevokedError):
        shares.open(second)
    revoked, whole = shares.find(endless.share_id), shares.find(expiring.share_id)
    assert revoked is not None
    assert whole is not None
    assert (revoked.revoked_s, revoked.num_uses, whole.revoked_s, whole.num_uses) == (100.0, 1, None, 0)


def test_a_guess_opens_nothing_and_the_token_is_nowhere(shares: Shares, database: Database) -> None:
    _, token = shares.create(scope=VIEW, session_id="s-1")
    _, other = shares.create(scope=VIEW, session_id="s-1")
    assert token != other
    for guess in ("", "guess", token[:-1]):
        with pytest.raises(SessionNotFoundError):
            shares.open(guess)
    with database.read() as connection:
        row = connection.execute(select(table)).first()
    assert token not in str(row)


def test_a_link_leads_to_one_thing_that_is_there(shares: Shares) -> None:
    with pytest.raises(InvalidFieldError, match="scope"):
        shares.create(scope="own", session_id="s-1")
    with pytest.raises(InvalidFieldError, match="leads"):
        shares.create(scope=VIEW)
    with pytest.raises(InvalidFieldError, match="leads"):
        shares.create(scope=VIEW, session_id="s-1", world_id="w-1")
    with pytest.raises(StorageUnavailableError):
        shares.create(scope=VIEW, session_id="never")


def test_a_link_goes_with_what_it_leads_to(shares: Shares, database: Database) -> None:
    world = NewWorld(
        world_id="w",
        name="dusk",
        model="fake",
        weights_sha256="0" * 64,
        spec={},
        session_id="s-1",
        epoch=0,
        chunk_idx=0,
    )
    Worlds(database).add(world)
    _, to_session = shares.create(scope=VIEW, session_id="s-1")
    _, to_world = shares.create(scope=FORK, world_id="w")
    Worlds(database).delete("w")
    Sessions(database).delete("s-1")
    for token in (to_session, to_world):
        with pytest.raises(SessionNotFoundError):
            shares.open(token)
