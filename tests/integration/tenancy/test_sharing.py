"""What owners let others do: access lists, links, and credentials that are for one thing alone."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from PIL import Image

import nacre
from nacre.v1 import access_pb2, library_pb2, media_pb2, session_pb2, session_pb2_grpc, world_pb2
from serving.access.roles import Role
from tests.integration.gateway.harness import WORLD, Call, read_refusal
from tests.integration.tenancy.harness import TIMEOUT_S, Answer, Bearer, Tenancy, tenancy

OURS, THEIRS = "acme", "other"
S, L, C = "/nacre.v1.SessionService/", "/nacre.v1.LibraryService/", "/nacre.v1.AccessService/"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Tenancy]:
    async with tenancy(tmp_path / "data", OURS, THEIRS) as place:
        yield place


async def create(place: Tenancy, tenant_id: str = OURS, **world: Any) -> session_pb2.CreateSessionResponse:
    spec = world_pb2.WorldSpec(**world) if world else WORLD
    return await place.ask(S + "CreateSession", session_pb2.CreateSessionRequest(world=spec), tenant_id)


async def save(place: Tenancy, session_id: str, name: str = "dusk", **more: Any) -> library_pb2.World:
    request = library_pb2.SaveWorldRequest(session_id=session_id, name=name, **more)
    return (await place.ask(L + "SaveWorld", request, OURS)).world


async def load(place: Tenancy, world_id: str, bearer: Bearer) -> Answer:
    return await place.call(L + "LoadWorld", library_pb2.LoadWorldRequest(world_id=world_id), bearer)


async def see(place: Tenancy, session_id: str, bearer: Bearer) -> str:
    """OK, or why not."""
    return (await place.call(S + "GetSession", session_pb2.GetSessionRequest(session_id=session_id), bearer)).reason


async def allow(place: Tenancy, world_id: str, *grants: library_pb2.Grant) -> None:
    await place.ask(L + "SetAccess", library_pb2.SetAccessRequest(world_id=world_id, grants=grants), OURS)


async def listed(place: Tenancy, bearer: Bearer) -> tuple[set[str], set[str]]:
    """The sessions and the worlds that are told of."""
    sessions = await place.call(S + "ListSessions", session_pb2.ListSessionsRequest(), bearer)
    worlds = await place.call(L + "ListWorlds", library_pb2.ListWorldsRequest(), bearer)
    assert isinstance(sessions.message, session_pb2.ListSessionsResponse)
    assert isinstance(worlds.message, library_pb2.ListWorldsResponse)
    return (
        {each.session_id for each in sessions.message.sessions},
        {each.world_id for each in worlds.message.worlds},
    )


async def play(place: Tenancy, opened: Any, bearer: Bearer, num_chunks: int) -> None:
    call = await attach(place, opened.session.session_id, opened.resume_token, bearer)
    async with asyncio.timeout(TIMEOUT_S):
        await call.chunks(num_chunks)
    call.raw.cancel()


def line(role: access_pb2.Role, tenant_id: str = THEIRS, subject_id: str = "") -> library_pb2.Grant:
    return library_pb2.Grant(tenant_id=tenant_id, subject_id=subject_id, role=role)


async def test_e03_a_line_lets_a_stranger_in_and_taking_it_back_shuts_it_out(place: Tenancy) -> None:
    created = await create(place)
    world = await save(place, created.session.session_id)
    stranger = place.bearers[THEIRS, Role.OWNER]
    assert (await load(place, world.world_id, stranger)).reason == "WORLD_NOT_FOUND"
    await allow(place, world.world_id, line(access_pb2.ROLE_PLAYER))
    loaded = (await load(place, world.world_id, stranger)).message
    assert isinstance(loaded, library_pb2.LoadWorldResponse)
    source = loaded.session.provenance
    assert (source.tenant_id, source.inputs) == (THEIRS, ["words", f"world:{world.world_id}"])
    assert await listed(place, stranger) == ({loaded.session.session_id}, {world.world_id})
    for path, request in (
        ("DeleteWorld", library_pb2.DeleteWorldRequest(world_id=world.world_id)),
        ("GetAccess", library_pb2.GetAccessRequest(world_id=world.world_id)),
        ("SetAccess", library_pb2.SetAccessRequest(world_id=world.world_id)),
    ):
        assert (await place.call(L + path, request, stranger)).reason == "PERMISSION_MISSING"
    viewer = place.bearers[THEIRS, Role.VIEWER]
    assert (await load(place, world.world_id, viewer)).reason == "PERMISSION_MISSING"
    await allow(place, world.world_id)
    assert (await load(place, world.world_id, stranger)).reason == "WORLD_NOT_FOUND"
    # What it made of it stays its own, and nobody else's.
    assert await see(place, loaded.session.session_id, stranger) == "OK"
    assert await see(place, loaded.session.session_id, place.bearers[OURS, Role.OWNER]) == "SESSION_NOT_FOUND"


async def test_e03_a_line_holds_for_sessions_of_the_world_and_for_no_others(place: Tenancy) -> None:
    created = await create(place)
    world = await save(place, created.session.session_id)
    answer = await load(place, world.world_id, place.bearers[OURS, Role.OWNER])
    assert isinstance(answer.message, library_pb2.LoadWorldResponse)
    loaded_id = answer.message.session.session_id
    [key_id] = {key.key_id for key in place.running.plane.library.keys.of(THEIRS) if key.role is Role.VIEWER}
    await allow(place, world.world_id, line(access_pb2.ROLE_PLAYER, subject_id=f"key:{key_id}"))
    named, others = place.bearers[THEIRS, Role.VIEWER], place.bearers[THEIRS, Role.OWNER]
    pausing = session_pb2.PauseSessionRequest(session_id=loaded_id)
    assert (await place.call(S + "PauseSession", pausing, named)).reason == "OK"
    assert (await place.call(S + "PauseSession", pausing, others)).reason == "SESSION_NOT_FOUND"
    assert await see(place, created.session.session_id, named) == "SESSION_NOT_FOUND"
    parking = session_pb2.ParkSessionRequest(session_id=loaded_id)
    assert (await place.call(S + "ParkSession", parking, named)).reason == "PERMISSION_MISSING"
    assert await listed(place, named) == ({loaded_id}, {world.world_id})
    assert await listed(place, others) == (set(), set())


async def test_e03_what_a_tenant_did_before_it_let_others_in_stays_its_own(place: Tenancy) -> None:
    created = await create(place)
    session_id, owner = created.session.session_id, place.bearers[OURS, Role.OWNER]
    await play(place, created, owner, 6)
    world = await save(place, session_id)
    assert world.chunk_index >= 6
    await allow(place, world.world_id, line(access_pb2.ROLE_PLAYER))
    stranger = place.bearers[THEIRS, Role.OWNER]
    loaded = [(await load(place, world.world_id, stranger)).message for _ in range(2)]
    ids = [each.session.session_id for each in loaded if isinstance(each, library_pb2.LoadWorldResponse)]
    past_idx = world.chunk_index - 1
    forking = session_pb2.ForkSessionRequest(session_id=ids[0], chunk_index=past_idx)
    assert (await place.call(S + "ForkSession", forking, stranger)).reason == "CHUNK_UNKNOWN"
    await play(place, loaded[0], stranger, 2)
    rewinding = session_pb2.RewindSessionRequest(session_id=ids[0], chunk_index=past_idx)
    assert (await place.call(S + "RewindSession", rewinding, stranger)).reason == "CHUNK_UNKNOWN"
    at_its_beginning = session_pb2.RewindSessionRequest(session_id=ids[0], chunk_index=world.chunk_index)
    assert (await place.call(S + "RewindSession", at_its_beginning, stranger)).reason == "OK"
    tree = (await place.ask(S + "GetBranches", session_pb2.GetBranchesRequest(session_id=ids[0]), THEIRS)).branches
    assert {node.session_id for node in tree} > set(ids)
    assert session_id not in {node.session_id for node in tree} | {node.parent_session_id for node in tree}
    comparing = session_pb2.DiffSessionsRequest(session_id=ids[0], other_session_id=ids[1])
    assert not (await place.ask(S + "DiffSessions", comparing, THEIRS)).controls


async def test_p02_a_link_does_what_its_scope_says_for_whoever_has_it(place: Tenancy) -> None:
    created = await create(place)
    session_id, owner = created.session.session_id, place.bearers[OURS, Role.OWNER]
    await play(place, created, owner, 2)
    links = {}
    for scope in (library_pb2.SHARE_SCOPE_VIEW, library_pb2.SHARE_SCOPE_FORK):
        request = library_pb2.CreateShareLinkRequest(session_id=session_id, scope=scope)
        links[scope] = await place.ask(L + "CreateShareLink", request, OURS)
    looking, forking = (library_pb2.OpenShareLinkRequest(token=link.token) for link in links.values())
    stranger, viewer = place.bearers[THEIRS, Role.OWNER], place.bearers[THEIRS, Role.VIEWER]
    opened = (await place.call(L + "OpenShareLink", looking, viewer)).message
    assert isinstance(opened, library_pb2.OpenShareLinkResponse)
    assert opened.session.session_id == session_id
    assert await see(place, session_id, viewer) == "SESSION_NOT_FOUND"  # the link is shown, not the id
    assert (await place.call(L + "OpenShareLink", forking, viewer)).reason == "PERMISSION_MISSING"
    forked = (await place.call(L + "OpenShareLink", forking, stranger)).message
    assert isinstance(forked, library_pb2.OpenShareLinkResponse)
    assert forked.session.provenance.tenant_id == THEIRS
    assert await see(place, forked.session.session_id, stranger) == "OK"
    assert await see(place, forked.session.session_id, owner) == "SESSION_NOT_FOUND"
    revoking = library_pb2.RevokeShareLinkRequest(share_id=opened.share_link.share_id)
    assert (await place.call(L + "RevokeShareLink", revoking, stranger)).reason == "SESSION_NOT_FOUND"
    assert (await place.call(L + "OpenShareLink", looking, viewer)).reason == "OK"
    await place.ask(L + "RevokeShareLink", revoking, OURS)
    assert (await place.call(L + "OpenShareLink", looking, viewer)).reason == "SHARE_LINK_REVOKED"


async def test_e03_a_token_for_one_session_opens_no_other(place: Tenancy) -> None:
    one, other = await create(place), await create(place)
    world = await save(place, one.session.session_id)
    one_id, other_id = one.session.session_id, other.session.session_id
    token = await mint(place, session_id=one_id)
    assert await listed(place, token) == ({one_id}, set())
    assert (await see(place, one_id, token), await see(place, other_id, token)) == ("OK", "SESSION_NOT_FOUND")
    assert (await load(place, world.world_id, token)).reason == "WORLD_NOT_FOUND"
    creating = session_pb2.CreateSessionRequest(world=WORLD)
    assert (await place.call(S + "CreateSession", creating, token)).reason == "PERMISSION_MISSING"
    await play(place, one, token, 2)


async def test_e03_a_token_for_one_world_starts_from_no_other(place: Tenancy) -> None:
    created = await create(place)
    worlds = [await save(place, created.session.session_id, name) for name in ("dusk", "dawn")]
    token = await mint(place, world_id=worlds[0].world_id)
    loaded = (await load(place, worlds[0].world_id, token)).message
    assert isinstance(loaded, library_pb2.LoadWorldResponse)
    await play(place, loaded, token, 2)
    assert (await load(place, worlds[1].world_id, token)).reason == "WORLD_NOT_FOUND"
    assert await see(place, created.session.session_id, token) == "SESSION_NOT_FOUND"
    assert await listed(place, token) == ({loaded.session.session_id}, {worlds[0].world_id})
    creating = session_pb2.CreateSessionRequest(world=WORLD)
    assert (await place.call(S + "CreateSession", creating, token)).reason == "PERMISSION_MISSING"


async def test_x06_everything_tells_whose_it_is_and_what_it_was_made_from(place: Tenancy) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 40, 40)).save(picture, "PNG")
    image = world_pb2.Image(data=picture.getvalue())
    created = await create(place, prompt="a red field", image=image, licence="CC-BY-4.0")
    told = created.session.provenance
    digest = hashlib.sha256(picture.getvalue()).hexdigest()
    assert (told.tenant_id, told.licence, told.inputs) == (OURS, "CC-BY-4.0", ["words", f"image:{digest}"])
    capabilities = created.session.capabilities
    assert (told.model, told.weights_sha256) == (capabilities.model, capabilities.weights_sha256)
    assert told.model_licence == capabilities.licence
    assert told.owner_id in place.keys(OURS)
    world = await save(place, created.session.session_id)
    assert world.provenance == told
    renamed = await save(place, created.session.session_id, "dawn", licence="CC0-1.0")
    assert renamed.provenance.licence == "CC0-1.0"
    listing = await place.ask(S + "ListSessions", session_pb2.ListSessionsRequest(), OURS)
    assert listing.sessions[0].provenance == told


async def mint(place: Tenancy, **limits: Any) -> Bearer:
    """A player's token, by the owner."""
    request = access_pb2.MintTokenRequest(role=access_pb2.ROLE_PLAYER, **limits)
    return [("authorization", f"Bearer {(await place.ask(C + 'MintToken', request, OURS)).token}")]


async def test_e03_the_client_shares_worlds_and_tells_whose_they_are(place: Tenancy) -> None:
    address = place.running.server.address
    async with nacre.connect(address, api_key=key_of(place, OURS)) as ours:
        session = await ours.create(prompt="a quiet street at dusk", licence="CC-BY-4.0")
        world = await session.save("dusk")
        grants = [nacre.Grant(role="player", tenant_id=THEIRS)]
        assert await ours.set_world_access(world.world_id, grants) == grants
        assert await ours.world_access(world.world_id) == grants
        async with nacre.connect(address, api_key=key_of(place, THEIRS)) as theirs:
            assert [each.world_id async for each in theirs.worlds()] == [world.world_id]
            loaded = await (await theirs.load(world_id=world.world_id)).state()
            with pytest.raises(nacre.PermissionDenied):
                await theirs.set_world_access(world.world_id, [])
            with pytest.raises(nacre.NotFound):
                await theirs.session(session.id).state()
    assert (loaded.provenance.tenant_id, loaded.provenance.licence) == (THEIRS, "CC-BY-4.0")
    assert world.provenance.owner_id in place.keys(OURS)
    with pytest.raises(ValueError, match="not one of"):
        await ours.set_world_access(world.world_id, [nacre.Grant(role="friend")])


def key_of(place: Tenancy, tenant_id: str) -> str:
    [(_, authorization)] = place.bearers[tenant_id, Role.OWNER]
    return authorization.removeprefix("Bearer ")


async def test_e03_a_token_that_names_a_strangers_things_opens_nothing(place: Tenancy) -> None:
    created = await create(place, THEIRS)
    session_id = created.session.session_id
    saving = library_pb2.SaveWorldRequest(session_id=session_id, name="dusk")
    world = (await place.ask(L + "SaveWorld", saving, THEIRS)).world
    for limits in ({"session_id": session_id}, {"world_id": world.world_id}):
        token = await mint(place, **limits)
        assert await see(place, session_id, token) == "SESSION_NOT_FOUND"
        assert (await load(place, world.world_id, token)).reason == "WORLD_NOT_FOUND"
        assert await listed(place, token) == (set(), set())


async def test_p02_a_links_token_is_a_credential_for_what_it_leads_to(place: Tenancy) -> None:
    created, other = await create(place), await create(place)
    session_id = created.session.session_id
    await play(place, created, place.bearers[OURS, Role.OWNER], 2)
    sharing = library_pb2.CreateShareLinkRequest(session_id=session_id, scope=library_pb2.SHARE_SCOPE_JOIN)
    link = await place.ask(L + "CreateShareLink", sharing, OURS)
    bearer = [("authorization", f"Bearer {link.token}")]
    assert await listed(place, bearer) == ({session_id}, set())
    assert await see(place, other.session.session_id, bearer) == "SESSION_NOT_FOUND"
    # By id it looks on; what else it may, it is told where it shows the link.
    pausing = session_pb2.PauseSessionRequest(session_id=session_id)
    assert (await place.call(S + "PauseSession", pausing, bearer)).reason == "PERMISSION_MISSING"
    opened = await place.call(L + "OpenShareLink", library_pb2.OpenShareLinkRequest(token=link.token), bearer)
    assert isinstance(opened.message, library_pb2.OpenShareLinkResponse)
    await play(place, opened.message, bearer, 2)
    creating = session_pb2.CreateSessionRequest(world=WORLD)
    assert (await place.call(S + "CreateSession", creating, bearer)).reason == "PERMISSION_MISSING"


async def test_e03_what_is_taken_back_ends_for_those_who_are_in_it(place: Tenancy) -> None:
    created = await create(place)
    world = await save(place, created.session.session_id)
    owner, stranger = place.bearers[OURS, Role.OWNER], place.bearers[THEIRS, Role.OWNER]
    loaded = (await load(place, world.world_id, owner)).message
    assert isinstance(loaded, library_pb2.LoadWorldResponse)
    sharing = library_pb2.CreateShareLinkRequest(
        session_id=loaded.session.session_id, scope=library_pb2.SHARE_SCOPE_VIEW
    )
    link = await place.ask(L + "CreateShareLink", sharing, OURS)
    await allow(place, world.world_id, line(access_pb2.ROLE_PLAYER))
    playing = await attach(place, loaded.session.session_id, loaded.resume_token, stranger)
    looking = await attach(place, loaded.session.session_id, link.token, stranger)
    await allow(place, world.world_id)
    assert await last_word(playing) == "SESSION_NOT_FOUND"
    revoking = library_pb2.RevokeShareLinkRequest(share_id=link.share_link.share_id)
    await place.ask(L + "RevokeShareLink", revoking, OURS)
    assert await last_word(looking) == "SHARE_LINK_REVOKED"
    await play(place, loaded, owner, 2)


async def attach(place: Tenancy, session_id: str, token: str, bearer: Bearer) -> Call:
    """Returns when it is let in."""
    stub: Any = session_pb2_grpc.SessionServiceStub(place.channel)
    call = Call(stub.Play(metadata=bearer))
    codecs = {"video_codecs": [media_pb2.VIDEO_CODEC_RAW_RGB], "audio_codecs": [media_pb2.AUDIO_CODEC_PCM_S16LE]}
    async with asyncio.timeout(TIMEOUT_S):
        await call.send(attach=session_pb2.Attach(session_id=session_id, resume_token=token, **codecs))
        await call.until("attached")
    return call


async def last_word(call: Call) -> str:
    async with asyncio.timeout(TIMEOUT_S):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.last_words()
    return read_refusal(caught.value).reason
