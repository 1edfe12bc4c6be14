"""A session: one running world, from outside."""

from __future__ import annotations

from google.protobuf import duration_pb2

from nacre.calls import Calls
from nacre.enums import value_of
from nacre.ranges import unsigned
from nacre.recording import Recording, find_recording
from nacre.records import (
    Branch,
    Capabilities,
    Difference,
    Rewind,
    SavedWorld,
    SessionRecord,
    ShareLink,
    to_branch,
    to_difference,
    to_saved_world,
    to_session_record,
    to_share_link,
)
from nacre.resume import NO_RESUME, ResumePolicy
from nacre.v1 import library_pb2, session_pb2
from nacre.world import EnterOptions, World


class Session:
    """Get one from `client.create(...)`, or from `client.session(...)` for one that exists."""

    def __init__(self, calls: Calls, session_id: str, resume_token: str, record: SessionRecord | None = None) -> None:
        self._calls = calls
        self.id = session_id
        self.resume_token = resume_token  # opens the session's stream; keep it secret
        self.record = record  # as it was created, with the effective model and seed; None if not created here

    @property
    def capabilities(self) -> Capabilities | None:
        return self.record.capabilities if self.record is not None else None

    def enter(
        self,
        *,
        video: str = "h264",
        audio: str = "opus",
        buffer_chunks: int = 4,
        resume: bool | ResumePolicy = False,
        attach_timeout_s: float = 30.0,
        role: str = "",
        client_id: str = "",
        stand_by: bool = False,
    ) -> World:
        """The world, to be entered with `async with`. Who controls it where there are several is a matter of the
        session's arbitration. Wakes a parked one.

        `video`: "h264", "vp8" or "rgb". `audio`: "opus" or "pcm". `buffer_chunks`: 1 to 16, how many chunks may
        wait here untaken; then the world waits too, but for a script that only says things (see `World`). `resume`:
        attach again after a lost connection. `role`: "player", "director" or "viewer", as much as the token allows
        when left out. `client_id`: one's name, for the others and the record. `stand_by`: where another client has
        control, enter nevertheless and wait for it.
        """
        policy = resume if isinstance(resume, ResumePolicy) else ResumePolicy() if resume else NO_RESUME
        options = EnterOptions(
            video=video,
            audio=audio,
            buffer_chunks=buffer_chunks,
            attach_timeout_s=attach_timeout_s,
            resume=policy,
            role=role,
            client_id=client_id,
            stand_by=stand_by,
        )
        return World(self._calls.sessions, self.id, self.resume_token, options)

    async def state(self) -> SessionRecord:
        """The session as it is now."""
        request = session_pb2.GetSessionRequest(session_id=self.id)
        return to_session_record((await self._calls(self._calls.sessions.GetSession, request)).session)

    async def end(self) -> SessionRecord:
        """End it for good. Ending twice is no error."""
        request = session_pb2.EndSessionRequest(session_id=self.id)
        return to_session_record((await self._calls(self._calls.sessions.EndSession, request)).session)

    # --- its time ---

    async def pause(self) -> SessionRecord:
        """Stop the world's clock. Controls are taken and wait."""
        request = session_pb2.PauseSessionRequest(session_id=self.id)
        return to_session_record((await self._calls(self._calls.sessions.PauseSession, request)).session)

    async def resume(self) -> SessionRecord:
        """Let the world's clock go on after `pause`."""
        request = session_pb2.ResumeSessionRequest(session_id=self.id)
        return to_session_record((await self._calls(self._calls.sessions.ResumeSession, request)).session)

    async def park(self) -> SessionRecord:
        """Keep it and free what it holds. Entering it, or `wake`, brings it back."""
        request = session_pb2.ParkSessionRequest(session_id=self.id)
        return to_session_record((await self._calls(self._calls.sessions.ParkSession, request)).session)

    async def wake(self) -> SessionRecord:
        """Bring a parked one back before anybody enters."""
        request = session_pb2.WakeSessionRequest(session_id=self.id, resume_token=self.resume_token)
        return to_session_record((await self._calls(self._calls.sessions.WakeSession, request)).session)

    async def rewind(self, *, seconds: float | None = None, chunk_index: int | None = None) -> Rewind:
        """Go back while it runs, by so much world time or to a chunk. The old future stays as a branch."""
        if (seconds is None) == (chunk_index is None):
            raise ValueError("give seconds or a chunk_index, one of the two")
        request = session_pb2.RewindSessionRequest(session_id=self.id, chunk_index=unsigned(chunk_index, "chunk_index"))
        if seconds is not None:
            request.back.CopyFrom(_duration(seconds))
        response = await self._calls(self._calls.sessions.RewindSession, request)
        return Rewind(chunk_index=response.chunk_index, branch_session_id=response.branch_session_id)

    async def fork(self, *, chunk_index: int | None = None, label: str = "") -> Session:
        """A new session that goes on from now, or from a past chunk. This one plays on."""
        request = session_pb2.ForkSessionRequest(
            session_id=self.id, chunk_index=unsigned(chunk_index, "chunk_index"), label=label
        )
        response = await self._calls(self._calls.sessions.ForkSession, request)
        return self._new(response.session, response.resume_token)

    async def branches(self) -> list[Branch]:
        """Every session that came from the same beginning; that comes first."""
        request = session_pb2.GetBranchesRequest(session_id=self.id)
        response = await self._calls(self._calls.sessions.GetBranches, request)
        return [to_branch(each) for each in response.branches]

    async def diff(self, other: Session | str) -> Difference:
        """Where the two parted, and what each was told since."""
        other_id = other if isinstance(other, str) else other.id
        request = session_pb2.DiffSessionsRequest(session_id=self.id, other_session_id=other_id)
        return to_difference(await self._calls(self._calls.sessions.DiffSessions, request))

    # --- what is kept of it ---

    async def save(self, name: str, *, note: str = "", licence: str = "") -> SavedWorld:
        """Keep this moment under a name; one used before gets its next version. `client.load` goes on from it. Its
        licence is the session's where none is given."""
        request = library_pb2.SaveWorldRequest(session_id=self.id, name=name, note=note, licence=licence)
        return to_saved_world((await self._calls(self._calls.library.SaveWorld, request)).world)

    async def export(self, *, exact: bool = False) -> bytes:
        """This moment while it runs, as a file for `client.import_world` of any service that has the model.
        `exact`: larger, and goes on bit for bit."""
        kind = library_pb2.SNAPSHOT_KIND_EXACT if exact else library_pb2.SNAPSHOT_KIND_PORTABLE
        request = library_pb2.ExportSessionRequest(session_id=self.id, kind=kind)
        return (await self._calls(self._calls.library.ExportSession, request)).data

    async def recording(self) -> Recording:
        """What its players were shown until now, as a film. Raises `NotFound` where nothing was, or is kept."""
        return await find_recording(self._calls, self.id)

    async def delete(self) -> None:
        """Forget it, but for what others that left it need. Raises `Conflict` while it runs."""
        request = session_pb2.DeleteSessionRequest(session_id=self.id)
        await self._calls(self._calls.sessions.DeleteSession, request)

    async def share(self, can: str, *, seconds: float | None = None) -> ShareLink:
        """A link for others, for a day or for `seconds`. `can`: "view", "join", "fork" or "direct"."""
        scope = value_of(library_pb2.ShareScope, can, "SHARE_SCOPE_")
        lifetime = None if seconds is None else _duration(seconds)
        request = library_pb2.CreateShareLinkRequest(session_id=self.id, scope=scope, lifetime=lifetime)
        response = await self._calls(self._calls.library.CreateShareLink, request)
        return to_share_link(response.share_link, response.token)

    async def share_links(self) -> list[ShareLink]:
        """Without their tokens: those are shown once."""
        request = library_pb2.ListShareLinksRequest(session_id=self.id)
        response = await self._calls(self._calls.library.ListShareLinks, request)
        return [to_share_link(each) for each in response.share_links]

    async def revoke(self, link: ShareLink | str) -> None:
        """Take a link back: it opens nothing any more."""
        share_id = link if isinstance(link, str) else link.share_id
        await self._calls(self._calls.library.RevokeShareLink, library_pb2.RevokeShareLinkRequest(share_id=share_id))

    def _new(self, session: session_pb2.Session, resume_token: str) -> Session:
        return Session(self._calls, session.session_id, resume_token, to_session_record(session))

    def __repr__(self) -> str:
        return f"Session({self.id!r})"


def _duration(seconds: float) -> duration_pb2.Duration:
    whole, rest = divmod(round(seconds * 1e9), 1_000_000_000)
    return duration_pb2.Duration(seconds=whole, nanos=rest)
