"""A gateway's connection to the transformer stage: one running session."""

from __future__ import annotations

import asyncio
import logging

from serving.errors import InvalidFieldError, NacreError, SessionNotFoundError
from serving.sessions.contract import LeaveAsked, LinkEnded, TakenSnapshot
from serving.sessions.snapshot import unpack
from serving.sessions.tensor_bytes import TensorBytesError
from serving.stages import codec
from serving.stages.pipe import Pipe
from serving.stages.stage import Stage
from serving.stages.transformer import DecoderPlace, TransformerStage, WorkerSession
from serving.wire import plane_pb2 as wire

logger = logging.getLogger(__name__)

# Gateways read what ends a session at once; one that hangs does not keep a worker from stopping.
LAST_WORD_TIMEOUT_S = 1.0


class Runs:
    """The sessions that gateways run here."""

    def __init__(self, stage: TransformerStage, worker_id: str) -> None:
        self._stage = stage
        self._worker_id = worker_id
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, pipe: Pipe) -> RunConnection:
        return RunConnection(self, pipe)

    def start(self, connection: RunConnection, message: wire.Open) -> asyncio.Task[None]:
        task = asyncio.create_task(self._host(connection, message), name=f"run-{message.session_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def until_told(self) -> None:
        """Once the engine has ended every session: until their gateways have been told, or will not be."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_WORD_TIMEOUT_S)

    async def _host(self, connection: RunConnection, message: wire.Open) -> None:
        """Until the session is over. Its slot is free when the connection closes."""
        try:
            await self._run(connection, message)
        except NacreError as error:
            connection.refuse(error)
        except TensorBytesError as error:
            connection.refuse(InvalidFieldError(str(error)))
        except Exception:
            logger.exception("session %s failed", message.session_id)
        finally:
            connection.close()

    async def _run(self, connection: RunConnection, message: wire.Open) -> None:
        snapshot = unpack(message.snapshot) if message.snapshot else None
        places = [
            DecoderPlace(address=place.address, stages=frozenset(Stage(name) for name in place.stages))
            for place in message.decoders
        ]
        async with self._stage.session(codec.opening_from_wire(message), places, snapshot) as session:
            opened = wire.Opened(next_chunk_idx=session.next_chunk_idx, worker_id=self._worker_id)
            connection.begin(session, opened)
            await connection.tell(session)


class RunConnection:
    """A `StageConnection` of `run` messages."""

    def __init__(self, runs: Runs, pipe: Pipe) -> None:
        self._runs = runs
        self._pipe = pipe
        self._task: asyncio.Task[None] | None = None
        self._session: WorkerSession | None = None  # once it is open

    # --- what the gateway says ---

    def received(self, request: wire.StreamRequest) -> None:
        run = request.run
        kind = run.WhichOneof("message")
        if kind == "open" and self._task is None:
            # Ends with the connection.
            self._task = self._runs.start(self, run.open)
        elif self._session is not None:
            self._follow(self._session, kind, run)
        else:
            raise ValueError(f"{kind} out of turn")

    def lost(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _follow(self, session: WorkerSession, kind: str | None, run: wire.RunRequest) -> None:
        try:
            match kind:
                case "grant":
                    session.grant(run.grant)
                case "control":
                    session.post(codec.control_from_wire(run.control))
                case "take_snapshot":
                    session.take_snapshot(codec.snapshot_request_from_wire(run.take_snapshot))
                case "close":
                    session.events.end()
                case _:
                    raise ValueError(f"{kind} out of turn")
        except SessionNotFoundError:
            session.events.end()  # it ended meanwhile; that is among the events

    # --- what it is told ---

    def begin(self, session: WorkerSession, opened: wire.Opened) -> None:
        self._session = session
        self._send(wire.RunResponse(opened=opened))

    async def tell(self, session: WorkerSession) -> None:
        """What happens, until the session is over."""
        while (event := await session.events.get()) is not None:
            match event:
                case LinkEnded(reason=reason, message=message):
                    self._send(wire.RunResponse(ended=wire.Ended(reason=reason, message=message)))
                    return
                case TakenSnapshot():
                    self._send(codec.taken_snapshot_to_wire(event))
                case LeaveAsked():
                    self._send(wire.RunResponse(leave=wire.Leave()))
                case outcomes:
                    self._send(codec.outcomes_to_wire(outcomes))

    def refuse(self, error: NacreError) -> None:
        refused = wire.Refused(reason=error.reason, message=error.message)
        self._send(wire.RunResponse(refused=refused))

    def close(self) -> None:
        self._pipe.close()

    def _send(self, response: wire.RunResponse) -> None:
        self._pipe.send(wire.StreamResponse(run=response))
