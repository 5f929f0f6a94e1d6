"""A database that is there and answers nothing: it must take along only what needs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from planets.models import Planet
from planetsite.database_away import RETRY_AFTER, Busy, Refused, connected
from planetsite.patience import PROBE_TIMEOUT, SEAT_WAIT, Patience, answers, patience
from tests.support.gunicorn import Site, served
from tests.support.interleave import elsewhere
from tests.support.silence import silence
from tests.support.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

GONE = OperationalError(2013, "Lost connection to server during query")


@pytest.mark.mysql
@pytest.mark.usefixtures("solar_system")
@pytest.mark.parametrize("threads", ["4", "1"])
def test_cached_pages_and_probes_go_on_and_others_are_a_quick_503(
    redis: Any, tmp_path: Path, threads: str
) -> None:
    """The waits of many uncached requests must not take every thread there is."""
    with served(tmp_path, THREADS=threads) as site:
        for _ in range(2):  # each thread gets its connection
            in_parallel(*(lambda: site.get("/planets/3/") for _ in range(8)))
        site.get("/")  # what all lists share, so that they do not wait for one another's load of it
        with silence():
            in_parallel_with(site, threads)
            asked = [site.get(f"/?q=later{n}") for n in range(5)]
            ready = site.get("/readyz")
        assert {answer.status for answer in asked} == {503}
        assert {answer.headers["Retry-After"] for answer in asked} == {str(RETRY_AFTER)}
        assert max(answer.seconds for answer in asked) < SEAT_WAIT
        assert ready.status == 503
        assert ready.seconds < SEAT_WAIT
        wait_until(lambda: site.get("/?q=again").status == 200)
        assert len([line for line in site.log if "The database is" in line]) == 2, site.log


def in_parallel(*calls: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]


def in_parallel_with(site: Site, threads: str) -> None:
    """Many uncached requests, and what must be served beside them."""
    with ThreadPoolExecutor(20) as pool:
        uncached = [pool.submit(site.get, f"/?q=first{n}") for n in range(12)]
        if threads == "1":  # then there is no thread beside, and the first failure ends the waiting
            assert {done.result().status for done in uncached} == {503}
            assert site.get("/planets/3/").seconds < SEAT_WAIT
            return
        time.sleep(0.1)  # not needed for the outcome; it lets the first ones be in the database
        for path in ("/healthz", "/planets/3/") * 4:
            answer = site.get(path)
            assert answer.status == 200
            # At worst behind others who wait for a seat, in the only thread that is left, until the
            # probe has failed.
            assert answer.seconds < 2 * SEAT_WAIT + PROBE_TIMEOUT
        assert {done.result().status for done in uncached} == {503}


def of(seats: int, answers: Callable[[], bool]) -> Patience:
    limited = Patience(answers)
    limited.limit(seats)
    return limited


class Database:
    """Says whether the database answers, as a test wants it; counts who asked."""

    def __init__(self, *, there: bool) -> None:
        self.there, self.asked = there, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.there


def test_who_finds_no_seat_is_refused_and_a_seat_comes_back() -> None:
    seats = of(1, Database(there=True))
    with seats.asking(), pytest.raises(Busy, match="1 threads wait"), seats.asking():
        pass
    with seats.asking():
        pass


def test_without_a_limit_all_may_wait_and_nobody_is_suspicious() -> None:
    database = Database(there=False)
    everybody = Patience(database)
    with everybody.asking(), pytest.raises(OperationalError), everybody.asking():
        raise GONE
    assert database.asked == 0


def test_who_waits_gets_the_seat_that_is_left() -> None:
    seats = of(1, Database(there=True))
    sat, leave = threading.Event(), threading.Event()

    def sit() -> None:
        with seats.asking():
            sat.set()
            assert leave.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(sit)
        assert sat.wait(PATIENCE)
        threading.Timer(0.05, leave.set).start()
        with seats.asking():
            assert leave.is_set()
        other.result()


def test_a_failure_of_the_connection_has_all_refused_until_the_database_answers() -> None:
    database = Database(there=False)
    seats = of(3, database)
    with pytest.raises(OperationalError), seats.asking():
        raise GONE
    wait_until(lambda: seats.away)
    with pytest.raises(Refused), seats.asking():
        pass
    assert not seats.is_there()
    database.there = True
    wait_until(lambda: not seats.away)
    with seats.asking():
        pass
    assert seats.is_there()
    connected()  # as the connection of a real probe has said


def test_the_end_of_one_connection_is_no_outage() -> None:
    """As by KILL: the database itself answers, so nobody else is refused."""
    seats = of(3, Database(there=True))
    with pytest.raises(OperationalError), seats.asking():
        raise GONE
    seats._thread.join(PATIENCE)  # type: ignore[union-attr]
    assert not seats.away


def test_a_fault_of_the_statement_raises_no_suspicion() -> None:
    database = Database(there=True)
    seats = of(3, database)
    with pytest.raises(OperationalError), seats.asking():
        raise OperationalError(1054, "Unknown column")
    assert database.asked == 0


def test_many_who_ask_whether_it_is_there_are_one_that_asks_the_database() -> None:
    asking, answer = threading.Event(), threading.Event()
    asked = []

    def database() -> bool:
        asked.append(1)
        asking.set()
        return answer.wait(PATIENCE)

    seats = of(3, database)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(seats.is_there)
        assert asking.wait(PATIENCE)
        assert [seats.is_there() for _ in range(5)] == [True] * 5
        answer.set()
        assert first.result()
    assert len(asked) == 1


@pytest.fixture
def one_seat(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """New connections are as those of a process that serves pages; one thread may wait for them."""
    if connection.vendor != "mysql":
        pytest.skip("it is about MariaDB")
    monkeypatch.setattr(patience, "_seats", 1)
    monkeypatch.setattr(patience, "_free", 1)
    yield
    if patience._thread:
        patience._thread.join(PATIENCE)


def test_connecting_and_each_statement_take_a_seat(one_seat: None) -> None:
    def ask() -> None:
        with patience.asking(), pytest.raises(Busy):
            connection.ensure_connection()
        with connection.cursor() as cursor:
            with patience.asking(), pytest.raises(Busy):
                cursor.execute("SELECT 1")
            cursor.execute("SELECT 1")
            assert cursor.fetchall() == ((1,),)
        with patience.asking():
            assert not connection.is_usable()
        assert connection.is_usable()

    elsewhere(ask)


def test_a_transaction_that_has_begun_goes_on(one_seat: None) -> None:
    """Others may wait for what it has locked, and would hold the seats for nothing."""

    def write() -> None:
        with transaction.atomic():
            Planet.objects.create(name="Vulcan")
            with patience.asking():
                Planet.objects.create(name="Pluto")

    elsewhere(write)
    assert Planet.objects.filter(name__in=["Vulcan", "Pluto"]).count() == 2


def test_a_probe_needs_no_seat(one_seat: None) -> None:
    def probe() -> bool:
        with patience.asking():
            return answers()

    assert elsewhere(probe)


def test_a_write_that_is_refused_leaves_its_tables_cached(
    redis: Any, solar_system: None, one_seat: None
) -> None:
    """Nothing was sent, so there is nothing to be in doubt about."""

    def write() -> None:
        Planet.objects.exists()
        with patience.asking():
            Planet.objects.filter(pk=3).update(name="Terra")

    with pytest.raises(Busy):
        elsewhere(write)
    assert not str(redis.get("gen:default:planet")).startswith("w:")
