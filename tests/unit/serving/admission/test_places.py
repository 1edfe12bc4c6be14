from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from serving.admission.limits import AdmissionConfig, Limits
from serving.admission.places import Places
from serving.admission.quotas import HELD, RESERVED, TAKEN, WAITING
from serving.admission.turn import LEASE_S, Asked
from serving.catalogue.database import Database, sqlite_url
from serving.catalogue.schema import metadata, places
from serving.catalogue.workers import DRAINED, WorkerBeat, Workers
from serving.errors import (
    CapacityExhaustedError,
    NacreError,
    QueueFullError,
    QuotaExceededError,
    ReservationNotFoundError,
)

START_S = 1_000 * 86_400.0


@dataclass(slots=True)
class Clock:
    now_s: float = START_S

    def __call__(self) -> float:
        return self.now_s


@dataclass(slots=True)
class House:
    """Workers with so many slots, and gateways in front of them."""

    database: Database
    clock: Clock
    config: AdmissionConfig
    num_slots: int = 0

    def gateway(self, name: str = "g-1") -> Places:
        return Places(self.database, self.config, name, self.clock)

    def slots(self, number: int, worker_id: str = "w-1") -> None:
        self.num_slots = number
        beat = WorkerBeat(
            worker_id=worker_id,
            model="fake",
            weights_sha256="0",
            num_slots=number,
            num_used_slots=0,
            state="up",
            started_s=START_S,
        )
        Workers(self.database, self.clock).beat(beat)

    def pass_s(self, seconds: float) -> None:
        self.clock.now_s += seconds
        if self.num_slots:
            self.slots(self.num_slots)

    def held(self) -> list[str]:
        with self.database.read() as connection:
            return list(connection.execute(select(places.c.place_id).where(places.c.state.in_(HELD))).scalars())


@pytest.fixture
def house(database: Database) -> House:
    return House(database, Clock(), AdmissionConfig(max_waiting=6, max_waiting_per_tenant=4))


def ask(gateway: Places, place_id: str, tenant_id: str = "a", **options: bool) -> str:
    return gateway.ask(Asked(place_id=place_id, tenant_id=tenant_id, **options)).state


def test_a_full_house_refuses_and_says_when_to_come_again(house: House) -> None:
    house.slots(1)
    gateway = house.gateway()
    assert ask(gateway, "s-1") == TAKEN
    with pytest.raises(CapacityExhaustedError) as caught:
        ask(gateway, "s-2")
    assert caught.value.retry_after_s == 5.0
    gateway.leave("s-1")
    assert ask(gateway, "s-2") == TAKEN


def test_a_tenant_at_its_own_limit_hears_of_which(house: House) -> None:
    house.slots(5)
    gateway = house.gateway()
    gateway.quotas.set("a", Limits(concurrent_sessions=1), None)
    ask(gateway, "s-1")
    with pytest.raises(QuotaExceededError) as caught:
        ask(gateway, "s-2")
    assert (caught.value.quota, caught.value.subject) == ("concurrent_sessions", "tenant:a")
    assert ask(gateway, "s-3", "b") == TAKEN, "another tenant has its own"


def test_whoever_waits_is_told_its_position_and_is_served_in_turn_at_any_gateway(house: House) -> None:
    house.slots(1)
    one, other = house.gateway("g-1"), house.gateway("g-2")
    ask(one, "s-1")
    for place_id, tenant_id in (("a-1", "a"), ("a-2", "a"), ("b-1", "b")):
        ask(other, place_id, tenant_id, may_wait=True)
    looked = other.look(["a-1", "a-2", "b-1"])
    assert {place_id: standing.position for place_id, standing in looked.items()} == {"a-1": 2, "b-1": 1, "a-2": 3}
    assert all(standing.num_waiting == 3 and standing.eta_s is None for standing in looked.values())
    one.leave("s-1")
    assert other.look(["b-1"])["b-1"].is_admitted


def test_how_long_it_takes_is_told_once_places_came_free(house: House) -> None:
    house.slots(1)
    gateway = house.gateway()
    for number in range(4):
        ask(gateway, f"s-{number}")
        house.pass_s(10.0)
        gateway.leave(f"s-{number}")
    ask(gateway, "s-9")
    ask(gateway, "s-10", may_wait=True)
    assert gateway.look(["s-10"])["s-10"].eta_s == pytest.approx(10.0)


def test_as_many_wait_as_may(house: House) -> None:
    house.slots(1)
    gateway = house.gateway()
    ask(gateway, "s-1")
    for number in range(4):
        ask(gateway, f"a-{number}", "a", may_wait=True)
    with pytest.raises(QueueFullError):
        ask(gateway, "a-4", "a", may_wait=True)
    for number in range(2):
        ask(gateway, f"b-{number}", "b", may_wait=True)
    with pytest.raises(QueueFullError):
        ask(gateway, "b-2", "b", may_wait=True)
    assert gateway.quotas.state("a").use.num_waiting == 4, "whoever was refused left nothing behind"


def test_a_reserved_place_is_held_for_its_time_and_taken_once(house: House) -> None:
    house.slots(1)
    gateway = house.gateway()
    assert ask(gateway, "r-1", is_reservation=True) == RESERVED
    with pytest.raises(CapacityExhaustedError):
        ask(gateway, "s-0", "b")
    with pytest.raises(ReservationNotFoundError):
        gateway.take_reserved("r-1", "s-1", "b")
    assert gateway.take_reserved("r-1", "s-1", "a").is_admitted
    with pytest.raises(ReservationNotFoundError):
        gateway.take_reserved("r-1", "s-2", "a")
    gateway.leave("s-1")
    ask(gateway, "r-2", is_reservation=True)
    house.pass_s(house.config.reservation_s)
    with pytest.raises(ReservationNotFoundError):
        gateway.take_reserved("r-2", "s-2", "a")
    assert ask(gateway, "s-3", "b") == TAKEN


def test_a_place_is_given_back_by_its_id_and_only_by_its_tenant(house: House) -> None:
    house.slots(1)
    gateway = house.gateway()
    ask(gateway, "r-1", is_reservation=True)
    assert not gateway.cancel("r-1", "b")
    assert gateway.cancel("r-1", "a")
    assert not gateway.cancel("r-1", "a")
    assert ask(gateway, "s-1") == TAKEN
    assert not gateway.cancel("s-1", "a"), "a session is ended, not cancelled"


def test_whoever_is_cut_off_finds_its_place_again_within_the_grace_time(house: House) -> None:
    house.slots(1)
    gateway = house.gateway()
    ask(gateway, "s-1")
    ask(gateway, "r-1", is_reservation=True, may_wait=True)
    ask(gateway, "r-2", is_reservation=True, may_wait=True)
    gateway.let_go("r-1")
    house.pass_s(9.0)
    gateway.beat({"s-1": "a"})
    gateway.look(["r-2"])
    other = house.gateway("g-2")
    assert other.ask(Asked(place_id="r-1", tenant_id="a", is_reservation=True, may_wait=True)).position == 1
    other.let_go("r-1")
    house.pass_s(11.0)
    gateway.beat({"s-1": "a"})
    assert gateway.look(["r-1", "r-2"]).keys() == {"r-2"}


def test_what_a_dead_gateway_held_comes_free_and_what_a_living_one_holds_does_not(house: House) -> None:
    house.slots(2)
    dead, living = house.gateway("g-1"), house.gateway("g-2")
    ask(dead, "s-1")
    ask(living, "s-2")
    house.pass_s(LEASE_S - 1)
    living.beat({"s-2": "a"})
    house.pass_s(1)
    assert ask(living, "s-3") == TAKEN
    with pytest.raises(CapacityExhaustedError):
        ask(living, "s-4")
    assert sorted(house.held()) == ["s-2", "s-3"]


def test_a_session_that_another_gateway_goes_on_with_keeps_one_place(house: House) -> None:
    house.slots(1)
    one, other = house.gateway("g-1"), house.gateway("g-2")
    ask(one, "s-1")
    assert ask(other, "s-1") == TAKEN
    one.leave("s-1")
    assert house.held() == ["s-1"]


def test_a_session_that_played_on_while_the_catalogue_was_away_gets_its_place_back(house: House) -> None:
    house.slots(1)
    gateway = house.gateway()
    ask(gateway, "s-1")
    house.pass_s(60.0)
    gateway.beat({"s-1": "a"})
    assert house.held() == ["s-1"]
    gateway.beat({})
    assert house.held() == [], "and no other place is kept by its gateway"


def test_a_worker_that_drains_has_no_place_to_give(house: House) -> None:
    house.slots(1)
    Workers(house.database, house.clock).want("w-1", DRAINED)
    with pytest.raises(CapacityExhaustedError):
        ask(house.gateway(), "s-1")


def test_where_no_worker_is_known_whoever_opens_the_session_finds_out(house: House) -> None:
    assert ask(house.gateway(), "s-1") == TAKEN


def test_seconds_are_counted_while_a_session_runs_and_refused_when_they_are_used_up(house: House) -> None:
    house.slots(3)
    gateway = house.gateway()
    gateway.quotas.set("a", Limits(session_seconds_per_day=30.0), None)
    ask(gateway, "s-1")
    ask(gateway, "s-2")
    house.pass_s(10.0)
    assert gateway.beat({"s-1": "a", "s-2": "a"}).left_s == {"a": pytest.approx(5.0)}, "for each of the two"
    assert gateway.quotas.state("a").use.session_seconds_today == pytest.approx(20.0)
    house.pass_s(3.0)
    gateway.leave("s-2")
    assert gateway.quotas.state("a").use.session_seconds_today == pytest.approx(23.0)
    assert gateway.beat({"s-1": "a"}).left_s == {"a": pytest.approx(4.0)}
    house.pass_s(4.0)
    assert gateway.beat({"s-1": "a"}).left_s == {"a": 0.0}
    with pytest.raises(QuotaExceededError) as caught:
        ask(gateway, "s-3", may_wait=True)
    assert (caught.value.quota, caught.value.retry_after_s) == ("session_seconds_per_day", 86_400.0 - 17.0)
    gateway.leave("s-1")
    house.pass_s(86_400.0)
    assert ask(gateway, "s-3") == TAKEN


def test_gateways_that_ask_at_the_same_instant_never_get_one_place_too_many(house: House) -> None:
    house.slots(5)
    Places(house.database, house.config, "g", house.clock).quotas.set("b", Limits(concurrent_sessions=2), None)
    numbers, start = itertools.count(), threading.Barrier(4)

    def come(name: str) -> int:
        gateway, num_admitted = house.gateway(name), 0
        start.wait()
        for _ in range(5):
            tenant_id = "b" if num_admitted % 2 else "a"
            try:
                num_admitted += ask(gateway, f"{name}-{next(numbers)}", tenant_id) == TAKEN
            except NacreError:
                num_admitted += 0
        return num_admitted

    with ThreadPoolExecutor(4) as pool:
        admitted = sum(pool.map(come, ("g-1", "g-2", "g-3", "g-4")))
    assert admitted == len(house.held()) <= 5
    with house.database.read() as connection:
        its = list(connection.execute(select(places.c.place_id).where(places.c.tenant_id == "b")).scalars())
    assert len(its) <= 2


class QueueMachine(RuleBasedStateMachine):
    """Anybody comes, waits, goes, or is forgotten, at two gateways; what should be so is kept beside it."""

    database: Database

    @initialize(num_slots=st.integers(1, 3), limit=st.none() | st.integers(0, 2))
    def begin(self, num_slots: int, limit: int | None) -> None:
        with self.database.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        self.house = House(self.database, Clock(), AdmissionConfig(max_waiting_per_tenant=3))
        self.house.slots(num_slots)
        self.gateways = {name: self.house.gateway(name) for name in ("g-1", "g-2")}
        self.gateways["g-1"].quotas.set("c", Limits(concurrent_sessions=limit), None)
        self.limit = limit
        self.where: dict[str, tuple[str, str]] = {}  # (gateway, tenant) of those who wait or have a place
        self.numbers = itertools.count()

    @rule(
        gateway=st.sampled_from(("g-1", "g-2")),
        tenant=st.sampled_from(("a", "b", "c")),
        may_wait=st.booleans(),
    )
    def come(self, gateway: str, tenant: str, may_wait: bool) -> None:
        place_id = f"{tenant}-{next(self.numbers)}"
        try:
            self.gateways[gateway].ask(Asked(place_id=place_id, tenant_id=tenant, may_wait=may_wait))
        except (CapacityExhaustedError, QuotaExceededError):
            return
        self.where[place_id] = (gateway, tenant)

    @precondition(lambda self: self.where)
    @rule(choice=st.integers(0, 50))
    def go(self, choice: int) -> None:
        place_id = sorted(self.where)[choice % len(self.where)]
        gateway, _ = self.where.pop(place_id)
        self.gateways[gateway].leave(place_id)

    @rule(seconds=st.sampled_from((1.0, 5.0)))
    def time_passes(self, seconds: float) -> None:
        self.house.pass_s(seconds)
        for name, gateway in self.gateways.items():
            states = self.states()
            gateway.beat({each: self.where[each][1] for each in self.its(name) if states[each] == TAKEN})
            gateway.look([each for each in self.its(name) if states[each] == WAITING])

    @rule(name=st.sampled_from(("g-1", "g-2")))
    def a_gateway_dies(self, name: str) -> None:
        for each in self.its(name):
            del self.where[each]
        with self.database.write() as connection:
            connection.execute(places.update().where(places.c.gateway_id == name).values(until_s=self.house.clock()))

    @rule()
    def nobody_is_left_waiting_for_ever(self) -> None:
        """When those who have places go one by one, all others come to theirs, and no tenant waits long."""
        while True:
            states = self.looked()
            held = sorted(place_id for place_id, state in states.items() if state == TAKEN)
            if not held:
                break
            self.gateways[self.where[held[0]][0]].leave(held[0])
            del self.where[held[0]]
        left = {self.where[place_id][1] for place_id in states}
        assert left <= ({"c"} if self.limit == 0 else set()), f"{left} starve"

    def its(self, gateway: str) -> list[str]:
        return [place_id for place_id, (where, _) in self.where.items() if where == gateway]

    def looked(self) -> dict[str, str]:
        for name, gateway in self.gateways.items():
            gateway.look(self.its(name))
        return self.states()

    def states(self) -> dict[str, str]:
        with self.database.read() as connection:
            query = select(places.c.place_id, places.c.state).where(places.c.until_s > self.house.clock())
            return {row[0]: row[1] for row in connection.execute(query)}

    @invariant()
    def no_more_are_admitted_than_there_are_slots(self) -> None:
        if not hasattr(self, "house"):
            return
        states = self.states()
        held = [place_id for place_id, state in states.items() if state in HELD]
        assert len(held) <= self.house.num_slots
        its = [place_id for place_id in held if place_id.startswith("c")]
        assert self.limit is None or len(its) <= self.limit

    @invariant()
    def nobody_lost_a_place(self) -> None:
        if hasattr(self, "house"):
            assert self.states().keys() == self.where.keys()


@pytest.fixture
def quick_database(tmp_path: Path) -> Iterator[Database]:
    with Database(sqlite_url(tmp_path / "queue.db")) as database:
        database.migrate()
        yield database


def test_whatever_happens_no_place_is_lost_given_twice_or_waited_for_in_vain(quick_database: Database) -> None:
    class Machine(QueueMachine):
        database = quick_database

    quick = settings(
        max_examples=25,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    run_state_machine_as_test(Machine, settings=quick)
