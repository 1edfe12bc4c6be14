"""The calls of nacre.v1.LibraryService."""

from __future__ import annotations

from nacre.v1 import library_pb2, library_pb2_grpc
from serving.access.principal import current
from serving.catalogue.worlds import WorldRow
from serving.gateway import library_codec
from serving.gateway.grants import check_grants, to_grants
from serving.gateway.library_validation import (
    check_kind,
    check_lifetime,
    check_name,
    check_note,
    check_page_size,
    check_scope,
)
from serving.gateway.validation import check_id, check_licence
from serving.gateway.verbs import SessionVerbs


class LibraryService(library_pb2_grpc.LibraryServiceServicer):
    """Checks what came, asks for it, answers. Raises `serving.errors`."""

    def __init__(self, verbs: SessionVerbs) -> None:
        self._verbs = verbs

    def _message(self, row: WorldRow) -> library_pb2.World:
        return library_codec.to_world(row, self._verbs.kept.info)

    async def SaveWorld(  # noqa: N802
        self, request: library_pb2.SaveWorldRequest, context: object
    ) -> library_pb2.SaveWorldResponse:
        session_id = check_id(request.session_id, "session_id")
        name, note = check_name(request.name, "name"), check_note(request.note, "note")
        row = await self._verbs.save(session_id, name, note, check_licence(request.licence, "licence"))
        return library_pb2.SaveWorldResponse(world=self._message(row))

    async def LoadWorld(  # noqa: N802
        self, request: library_pb2.LoadWorldRequest, context: object
    ) -> library_pb2.LoadWorldResponse:
        world = await self._find(request)
        session = await self._verbs.load(world)
        return library_pb2.LoadWorldResponse(session=session.to_message(), resume_token=session.identity.resume_token)

    async def ListWorlds(  # noqa: N802
        self, request: library_pb2.ListWorldsRequest, context: object
    ) -> library_pb2.ListWorldsResponse:
        limit, kept = check_page_size(request.page_size, "page_size"), self._verbs.kept
        worlds = kept.library.worlds
        name, asker = check_name(request.name, "name") if request.name else None, current()
        rows, cursor = await kept.call(lambda: worlds.page(limit, request.page_token, name, asker))
        return library_pb2.ListWorldsResponse(
            worlds=[self._message(row) for row in rows], next_page_token=cursor, page_size=limit
        )

    async def GetWorld(  # noqa: N802
        self, request: library_pb2.GetWorldRequest, context: object
    ) -> library_pb2.GetWorldResponse:
        world_id, kept = check_id(request.world_id, "world_id"), self._verbs.kept
        row = await kept.call(lambda: kept.library.world(world_id))
        return library_pb2.GetWorldResponse(world=self._message(row))

    async def DeleteWorld(  # noqa: N802
        self, request: library_pb2.DeleteWorldRequest, context: object
    ) -> library_pb2.DeleteWorldResponse:
        await self._verbs.delete_world(check_id(request.world_id, "world_id"))
        return library_pb2.DeleteWorldResponse()

    async def ExportSession(  # noqa: N802
        self, request: library_pb2.ExportSessionRequest, context: object
    ) -> library_pb2.ExportSessionResponse:
        session_id = check_id(request.session_id, "session_id")
        is_portable = check_kind(request.kind, "kind")
        data, chunk_idx = await self._verbs.export(session_id, is_portable=is_portable)
        kind = library_pb2.SNAPSHOT_KIND_PORTABLE if is_portable else library_pb2.SNAPSHOT_KIND_EXACT
        return library_pb2.ExportSessionResponse(data=data, chunk_index=chunk_idx, kind=kind)

    async def ImportWorld(  # noqa: N802
        self, request: library_pb2.ImportWorldRequest, context: object
    ) -> library_pb2.ImportWorldResponse:
        name, note = check_name(request.name, "name"), check_note(request.note, "note")
        row = await self._verbs.bring_in(request.data, name, note, check_licence(request.licence, "licence"))
        return library_pb2.ImportWorldResponse(world=self._message(row))

    async def CreateShareLink(  # noqa: N802
        self, request: library_pb2.CreateShareLinkRequest, context: object
    ) -> library_pb2.CreateShareLinkResponse:
        session_id, scope = check_id(request.session_id, "session_id"), check_scope(request.scope, "scope")
        lifetime_s = check_lifetime(request, "lifetime")
        row, token = await self._verbs.share(session_id, scope, lifetime_s)
        return library_pb2.CreateShareLinkResponse(share_link=library_codec.to_share_link(row), token=token)

    async def ListShareLinks(  # noqa: N802
        self, request: library_pb2.ListShareLinksRequest, context: object
    ) -> library_pb2.ListShareLinksResponse:
        session_id, kept = check_id(request.session_id, "session_id"), self._verbs.kept
        rows = await kept.call(lambda: kept.library.shares.of(session_id))
        return library_pb2.ListShareLinksResponse(share_links=[library_codec.to_share_link(row) for row in rows])

    async def RevokeShareLink(  # noqa: N802
        self, request: library_pb2.RevokeShareLinkRequest, context: object
    ) -> library_pb2.RevokeShareLinkResponse:
        share_id, kept = check_id(request.share_id, "share_id"), self._verbs.kept
        await kept.call(lambda: kept.library.shares.revoke(share_id))
        return library_pb2.RevokeShareLinkResponse()

    async def OpenShareLink(  # noqa: N802
        self, request: library_pb2.OpenShareLinkRequest, context: object
    ) -> library_pb2.OpenShareLinkResponse:
        share, session, token = await self._verbs.open_share(request.token)
        return library_pb2.OpenShareLinkResponse(
            share_link=library_codec.to_share_link(share), session=session.to_message(), resume_token=token
        )

    async def SetAccess(  # noqa: N802
        self, request: library_pb2.SetAccessRequest, context: object
    ) -> library_pb2.SetAccessResponse:
        world_id, kept = check_id(request.world_id, "world_id"), self._verbs.kept
        world = await kept.call(lambda: kept.library.world(world_id))
        grants = check_grants(request.grants, world.ownership.tenant_id)
        await kept.call(lambda: kept.library.access.set_grants(world_id, grants))
        return library_pb2.SetAccessResponse(grants=to_grants(grants))

    async def GetAccess(  # noqa: N802
        self, request: library_pb2.GetAccessRequest, context: object
    ) -> library_pb2.GetAccessResponse:
        world_id, kept = check_id(request.world_id, "world_id"), self._verbs.kept
        grants = await kept.call(lambda: kept.library.access.grants(world_id))
        return library_pb2.GetAccessResponse(grants=to_grants(grants))

    async def _find(self, request: library_pb2.LoadWorldRequest) -> WorldRow:
        kept = self._verbs.kept
        if request.WhichOneof("which") == "name":
            name, tenant_id = check_name(request.name, "name"), current().tenant_id
            return await kept.call(lambda: kept.library.world_named(name, tenant_id))
        world_id = check_id(request.world_id, "world_id")
        return await kept.call(lambda: kept.library.world(world_id))
