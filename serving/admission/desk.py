"""Where the sessions of one gateway come by their places: asks for them, waits, keeps them and gives them back."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from serving.access.principal import current
from serving.admission.asking import Asking, asking
from serving.admission.grant import ControlRate, Grant
from serving.admission.keyed import KeyedRequests
from serving.admission.keyed_answers import KeyedAnswers
from serving.admission.limits import AdmissionConfig, Limits, check_storage
from serving.admission.places import DEFAULT_RETRY_S, Beat, Places
from serving.admission.queue_watch import AT_ONCE, REFUSED, QueueMetrics, Unmeasured, waiting
from serving.admission.quotas import Quotas
from serving.admission.turn import Asked, Standing
from serving.catalogue.asking import answer_of
from serving.catalogue.database import Database
from serving.catalogue.storage import worker_name
from serving.errors import CapacityExhaustedError, NacreError, StorageUnavailableError, UnavailableError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
# A place lasts for five beats.
BEAT_S = 3.0
# How soon somebody who waits hears of a place that another gateway gave back.
LOOK_S = 0.5


@dataclass(slots=True, kw_only=True, eq=False)
class _Waiter:
    place_id: str
    asked: Asking
    admitted: asyncio.Future[Standing]


class Desk:
    """Use `start` and `close`."""

    def __init__(
        self,
        database: Database | None,
        config: AdmissionConfig,
        clock: Callable[[], float] = time.time,
        metrics_of: Callable[[str], QueueMetrics] = lambda tenant_id: Unmeasured(),
    ) -> None:
        """Without a `database` everybody is let in, as far as there are slots. `metrics_of`: by tenant."""
        self.gateway_id = worker_name()
        self.keyed = KeyedRequests(KeyedAnswers(database, self.gateway_id, clock) if database else None)
        self.left_s: Mapping[str, float] = {}  # of today, for each session of tenants that are limited
        self.on_beat: Callable[[], None] = lambda: None
        self._places = Places(database, config, self.gateway_id, clock) if database else None
        self._metrics_of = metrics_of
        self._pool = ThreadPoolExecutor(1, "admission")
        self._tenants: dict[str, str] = {}  # by session, of those that have a place or ask for one
        self._grants: dict[str, Grant] = {}  # by session
        self._rates: dict[str, ControlRate] = {}  # by tenant
        self._waiting: list[_Waiter] = []  # one who came back may wait twice for a place
        self._leaving: list[str] = []
        self._has_rows = False  # the catalogue may know of places here
        self._woken = asyncio.Event()
        self._host_task: asyncio.Task[None] | None = None

    async def check_storage(self) -> None:
        """Before something is kept. Raises `QuotaExceededError`."""
        tenant_id, places = current().tenant_id, self._places
        if places is not None:
            state = await self.ask(lambda: places.quotas.state(tenant_id))
            check_storage(state.quota, state.use.storage_bytes)

    async def begin(self, session_id: str, opening: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do `opening` with a place for the session, which is kept until `left`. Raises what asking for a place does,
        and what `opening` does."""
        if self._places is None:
            return await opening()
        principal, asked = current(), asking()
        self._tenants[session_id] = principal.tenant_id
        try:
            if asked.reservation_id:
                standing = await self._take_reserved(asked.reservation_id, session_id, principal.tenant_id)
            else:
                standing = await self._take(session_id, principal.tenant_id, asked, is_reservation=False)
            self._grants[session_id] = self._grant(principal.tenant_id, standing.limits)
            return await opening()
        except BaseException:
            self.left(session_id)
            raise

    def grant(self, session_id: str) -> Grant:
        return self._grants.get(session_id) or Grant()

    def left(self, session_id: str) -> None:
        """It is over; its place is the next one's. Does nothing for one that had none."""
        if self._tenants.pop(session_id, None) is None:
            return
        grant = self._grants.pop(session_id, None)
        if grant is not None and all(each.tenant_id != grant.tenant_id for each in self._grants.values()):
            self._rates.pop(grant.tenant_id, None)
        self._leaving.append(session_id)
        self._woken.set()

    async def reserve(self, reservation_id: str, asked: Asking, *, is_kept: bool) -> Standing:
        """A place without a session. `is_kept`: whoever is cut off while it waits may come back to where it was."""
        tenant_id = current().tenant_id
        if self._places is None:
            raise UnavailableError("this service keeps no places")
        try:
            return await self._take(reservation_id, tenant_id, asked, is_reservation=True)
        except asyncio.CancelledError:
            places = self._places
            leave = places.let_go if is_kept else places.leave
            await asyncio.shield(self._quietly(lambda: leave(reservation_id)))
            raise

    @property
    def keeps_places(self) -> bool:
        return self._places is not None

    async def cancel(self, reservation_id: str) -> None:
        tenant_id, places = current().tenant_id, self._places
        if places is None:
            return
        await self.ask(lambda: places.cancel(reservation_id, tenant_id))
        self._woken.set()

    @property
    def quotas(self) -> Quotas:
        """Raises `UnavailableError`."""
        if self._places is None:
            raise UnavailableError("this service keeps no books")
        return self._places.quotas

    def start(self) -> None:
        # Owned by this object until it is closed.
        self._host_task = asyncio.create_task(self._host(), name="admission")

    async def _host(self) -> None:
        """Keep what is held here, and look for those who wait, for ever."""
        beaten_s = 0.0
        while True:
            await self._sleep()
            await self._give_back()
            if self._waiting:
                await self._look()
            now_s = time.monotonic()
            if self._has_rows and now_s - beaten_s >= BEAT_S:
                beaten_s = now_s
                await self._beat()

    async def close(self) -> None:
        """Give back all that is left."""
        await self.keyed.close()
        if self._host_task is not None:
            self._host_task.cancel()
            await asyncio.wait([self._host_task])
        self._tenants.clear()
        if self._has_rows:
            await self._beat()
        self._pool.shutdown(wait=False)

    # --- asking ---

    async def _take(self, place_id: str, tenant_id: str, asked: Asking, *, is_reservation: bool) -> Standing:
        assert self._places is not None, "asked before"
        places, loop = self._places, asyncio.get_running_loop()
        began_s = loop.time()
        wish = Asked(place_id=place_id, tenant_id=tenant_id, is_reservation=is_reservation, may_wait=asked.wait_s > 0)
        waiter = _Waiter(place_id=place_id, asked=asked, admitted=loop.create_future())
        self._begin_beating()
        await self._give_back()
        metrics = self._metrics_of(tenant_id)
        try:
            standing = await self.ask(lambda: places.ask(wish))
        except NacreError:
            metrics.place_asked(REFUSED)
            raise
        if standing.is_admitted:
            metrics.place_asked(AT_ONCE)
            return standing
        asked.tell(standing)
        self._waiting.append(waiter)
        self._woken.set()
        try:
            with waiting(metrics, loop.time):
                async with asyncio.timeout_at(began_s + asked.wait_s):
                    return await waiter.admitted
        except TimeoutError:
            await self._quietly(lambda: places.leave(place_id))
            raise self._too_late(asked) from None
        finally:
            self._waiting.remove(waiter)
            asked.waited_s = loop.time() - began_s

    async def _take_reserved(self, reservation_id: str, session_id: str, tenant_id: str) -> Standing:
        assert self._places is not None, "asked before"
        places = self._places
        self._begin_beating()
        return await self.ask(lambda: places.take_reserved(reservation_id, session_id, tenant_id))

    def _too_late(self, asked: Asking) -> NacreError:
        retry_s = asked.eta_s
        return CapacityExhaustedError(
            f"no place came free within {asked.wait_s:g} s",
            retry_after_s=DEFAULT_RETRY_S if retry_s is None else retry_s,
        )

    def _grant(self, tenant_id: str, limits: Limits) -> Grant:
        rate = self._rates.get(tenant_id)
        if rate is None:
            rate = self._rates[tenant_id] = ControlRate(tenant_id, limits.controls_per_second)
        return Grant(tenant_id=tenant_id, limits=limits, controls=rate)

    # --- keeping ---

    def _begin_beating(self) -> None:
        if not self._has_rows:
            self._has_rows = True
            self._woken.set()

    async def _sleep(self) -> None:
        """Until there is something to do: for ever where nothing is held and nobody waits."""
        timeout_s = LOOK_S if self._waiting or self._leaving else BEAT_S if self._has_rows else None
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _give_back(self) -> None:
        """All that was left, at once: who asks for a place after this finds what was free before."""
        places, leaving = self._places, [each for each in self._leaving if each not in self._tenants]
        self._leaving = []  # but for those that run again
        if places is not None and leaving and not await self._quietly(lambda: places.leave(*leaving)):
            self._leaving += leaving

    async def _look(self) -> None:
        places, place_ids = self._places, {waiter.place_id for waiter in self._waiting}
        assert places is not None, "somebody waits"
        try:
            standings = await self.ask(lambda: places.look(place_ids))
        except StorageUnavailableError as error:
            logger.warning("those who wait are not told how far they are: %s", error.message)
            return
        for waiter in self._waiting:
            if waiter.admitted.done() or waiter.place_id not in place_ids:
                continue
            standing = standings.get(waiter.place_id)
            if standing is None:
                waiter.admitted.set_exception(CapacityExhaustedError("the place in the queue was given back"))
            elif standing.is_admitted:
                waiter.admitted.set_result(standing)
            else:
                waiter.asked.tell(standing)

    async def _beat(self) -> None:
        places, tenants = self._places, {each: self._tenants[each] for each in self._tenants if each in self._grants}
        if places is None:
            return
        # Those that are about to be given a place are not taken it from in the same moment.
        asking_ids = self._tenants.keys() - tenants.keys()
        try:
            beat = await self.ask(lambda: places.beat(tenants, asking_ids))
        except StorageUnavailableError as error:
            logger.warning("the places of %d sessions are not renewed: %s", len(tenants), error.message)
            return
        self._has_rows = bool(self._tenants or self._waiting or self._leaving)
        self._share_out(beat)
        self.left_s = beat.left_s
        self.on_beat()

    def _share_out(self, beat: Beat) -> None:
        """A tenant's rate of controls, among the gateways that have its sessions."""
        here = Counter(grant.tenant_id for grant in self._grants.values())
        for tenant_id, rate in self._rates.items():
            if tenant_id in beat.limits:
                share = min(1.0, here[tenant_id] / max(1, beat.num_by_tenant.get(tenant_id, 0)))
                rate.limit(beat.limits[tenant_id].controls_per_second, share)

    # --- the catalogue ---

    async def ask(self, call: Callable[[], Answer]) -> Answer:
        """The catalogue. Raises `StorageUnavailableError`."""
        return await answer_of(self._pool, call)

    async def _quietly(self, call: Callable[[], object]) -> bool:
        """Whether it was done. What is left lasts no longer than a lease."""
        try:
            await self.ask(call)
        except StorageUnavailableError as error:
            logger.warning("a place is not given back yet: %s", error.message)
            return False
        return True
