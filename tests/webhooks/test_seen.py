"""Events that come several times, and are handled once."""

from __future__ import annotations

import json
import pickle
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest
from attrs import define, evolve
from hypothesis import example, given
from hypothesis import strategies as st

from flow64.errors import ArgumentError, ConfigError, DuplicateEventError
from flow64.webhooks import SeenEvents, handling, sign, verify
from tests.webhooks.support import AT, BODY, NEW, OLD

RUN = {"event_id": "e-1", "run_id": "r-1", "results": []}
JOB = {"task_id": "t-1", "status": "completed"}
OTHER = {"news": 1}


@define
class HandClock:
    """A clock that a test moves."""

    now: float = 1000.0

    def __call__(self):
        return self.now


def receive(data, seen=None, at=AT, **headers):
    """The event of a delivery."""
    body = json.dumps(data).encode()
    return verify(body, {**sign(body, NEW, at), **headers}, NEW, now=at, seen=seen)


def again(data, seen, at=AT, **headers):
    """What a delivery of an event that was seen is refused with."""
    with pytest.raises(DuplicateEventError) as caught:
        receive(data, seen, at, **headers)
    return caught.value


# -- W6: replays ----------------------------------------------------------------------


@pytest.mark.parametrize("data", [RUN, JOB, OTHER])
def test_recording_is_a_duplicate_whatever_its_headers_say(data):
    """What is not signed takes no part in which event it is."""
    seen = SeenEvents()
    with handling(receive(data, seen, **{"Sixtyfour-Event-Id": "1"}), seen):
        pass

    error = again(data, seen, **{"Sixtyfour-Event-Id": "2"})

    assert (error.is_done, error.answer) == (True, 200)


def test_recording_passes_without_a_store():
    """Within the tolerance nobody can tell it."""
    assert receive(RUN) == receive(RUN)


@pytest.mark.parametrize("data", [RUN, JOB, OTHER])
def test_key_is_short_and_signed(data):
    """It fits any table, and says nothing of what is in the event."""
    first = receive(data, **{"Sixtyfour-Event-Id": "1"})
    second = receive(data, **{"Sixtyfour-Event-Id": "2"})

    assert first.key == second.key
    assert len(first.key) == 64


# -- W7: retries ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [RUN, JOB, {"event_id": "e-1"}, {**JOB, "status": "failed"}]
)
def test_retry_is_the_same_event(data):
    """Signed anew a minute later, and with a new link in it."""
    seen = SeenEvents()
    with handling(receive(data, seen), seen):
        pass

    link = {"results_download_url": "https://storage.example/2"}
    error = again({**data, **link}, seen, at=AT + 60)

    assert error.is_done


def test_other_events_are_new():
    """By their ids; without one, by what is signed, so that none is lost."""
    seen = SeenEvents()
    events = [
        receive(RUN, seen),
        receive({**RUN, "event_id": "e-2"}, seen),
        receive({**RUN, "event_id": "t-1"}, seen),
        receive(JOB, seen),
        receive({**JOB, "status": "failed"}, seen),
        receive({**JOB, "task_id": "t-2"}, seen),
        receive(OTHER, seen),
        receive(OTHER, seen, at=AT + 1),
        receive({"news": 2}, seen),
    ]

    assert len({event.key for event in events}) == len(events)


@given(*[st.text(min_size=1)] * 4)
@example("a", "bc", "ab", "c")
def test_no_two_jobs_are_taken_for_one(task_id, status, other_id, other_status):
    """Whatever stands in their ids."""
    one = receive({"task_id": task_id, "status": status})
    two = receive({"task_id": other_id, "status": other_status})

    is_same = (task_id, status) == (other_id, other_status)
    assert (one.key == two.key) is is_same


def test_half_a_surrogate_pair_in_an_id_is_no_trouble():
    """JSON can spell it, so it may come."""
    assert receive({**RUN, "event_id": "\ud800"}).event_id == "\ud800"


def test_event_that_is_being_handled_is_asked_for_again():
    """Answered with 200, it would be lost if handling it failed."""
    seen = SeenEvents()
    with handling(receive(RUN, seen), seen):
        during = again(RUN, seen)
    after = again(RUN, seen)

    assert (during.is_done, during.answer) == (False, 503)
    assert (after.is_done, after.answer) == (True, 200)


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt()])
def test_event_whose_handler_fails_comes_through_again(error):
    """Also where the handler was stopped."""
    seen = SeenEvents()
    with pytest.raises(type(error)), handling(receive(RUN, seen), seen):
        raise error

    with handling(receive(RUN, seen, at=AT + 60), seen):
        pass
    assert again(RUN, seen).is_done


def test_refused_delivery_is_not_remembered():
    """Who cannot sign can keep no event from coming."""
    seen = SeenEvents()
    body = json.dumps(RUN).encode()

    for headers in (sign(body, OLD, AT), sign(body, NEW, AT - 999), {}):
        with suppress(Exception):
            verify(body, headers, NEW, now=AT, seen=seen)

    assert receive(RUN, seen).event_id == "e-1"


def test_concurrent_duplicates_are_handled_once():
    """Eight deliveries at one moment, of each of many events."""

    def slow_clock():
        time.sleep(0.0002)  # lets other threads in where no lock is held
        return 0.0

    seen = SeenEvents(clock=slow_clock)
    at_once = Barrier(8)
    handled, refused = [], []

    def deliver(_):
        for number in range(20):
            at_once.wait()
            try:
                event = receive({**RUN, "event_id": f"e-{number}"}, seen)
            except DuplicateEventError:
                refused.append(number)
                continue
            with handling(event, seen):
                handled.append(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, range(8)))

    assert handled == list(range(20))
    assert len(refused) == 140


def test_event_can_be_sent_elsewhere():
    """To a worker process, which handles it."""
    event = receive(RUN, SeenEvents())

    assert pickle.loads(pickle.dumps(event)) == event
    assert evolve(event, attempt=2) != event


# -- The store ------------------------------------------------------------------------


def test_store_forgets_after_a_while():
    """From the first delivery on, whatever became of it."""
    clock = HandClock()
    seen = SeenEvents(keep=600, clock=clock)
    assert [seen.claim(key) for key in "ab"] == ["new", "new"]
    clock.now += 300
    seen.finish("b")
    seen.claim("c")
    clock.now += 299

    assert [seen.claim(key) for key in "abc"] == ["open", "done", "open"]
    clock.now += 1
    assert [seen.claim(key) for key in "cab"] == ["open", "new", "new"]


def test_store_is_bounded():
    """The oldest event gives way."""
    seen = SeenEvents(max_events=3)
    for key in "abcd":
        seen.claim(key)

    assert len(seen._events) == 3
    assert [seen.claim(key) for key in "dcb"] == ["open"] * 3
    assert seen.claim("a") == "new"


def test_handled_event_stays_handled():
    """Releasing it late changes nothing, nor does releasing what was never seen."""
    seen = SeenEvents()
    seen.claim("a")
    seen.finish("a")
    seen.release("a")
    seen.release("b")

    assert (seen.claim("a"), seen.claim("b")) == ("done", "new")


def test_event_that_was_forgotten_while_it_was_handled_is_done():
    """It is known now that it was."""
    seen = SeenEvents(max_events=1)
    seen.claim("a")
    seen.claim("b")
    seen.finish("a")

    assert seen.claim("a") == "done"


@pytest.mark.parametrize(
    "given",
    [{"keep": 0}, {"keep": None}, {"max_events": 0}, {"max_events": 1.5}],
)
def test_store_has_to_hold_something(given):
    """Neither limit can be switched off."""
    with pytest.raises(ConfigError, match=f"{next(iter(given))} has to be"):
        SeenEvents(**given)


def test_store_shows_no_events():
    """And an empty one is true, as `seen or None` may ask."""
    seen = SeenEvents(keep=600)
    seen.claim("key-of-an-event")

    assert repr(seen) == "SeenEvents(max_events=100000, keep=600)"
    assert SeenEvents()


@define
class Table:
    """A store of one's own, in a database."""

    database: sqlite3.Connection

    def claim(self, key):
        added = self.database.execute(
            "insert or ignore into seen values (?, 'open')", [key]
        )
        if added.rowcount:
            return "new"
        query = "select state from seen where key = ?"
        return self.database.execute(query, [key]).fetchone()[0]

    def finish(self, key):
        self.database.execute("update seen set state = 'done' where key = ?", [key])

    def release(self, key):
        self.database.execute("delete from seen where key = ?", [key])


def test_store_can_be_a_table():
    """Three statements are enough."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("create table seen (key text primary key, state text)")
    seen = Table(database)
    with suppress(RuntimeError), handling(receive(RUN, seen), seen):
        raise RuntimeError
    with handling(receive(RUN, seen), seen):
        during = again(RUN, seen)

    assert (during.is_done, again(RUN, seen).is_done) == (False, True)
    database.close()


@pytest.mark.parametrize(("given", "kind"), [(True, "bool"), (None, "NoneType")])
def test_store_has_to_say_what_became_of_an_event(given, kind):
    """What is no claim lets nothing pass."""

    class Wrong(SeenEvents):
        def claim(self, key):
            return given

    with pytest.raises(ArgumentError, match=f"'done', not a {kind}"):
        receive(RUN, Wrong())


def test_vector_with_a_store():
    """The documented one is an event like any other."""
    seen = SeenEvents()
    event = verify(BODY, sign(BODY, NEW, AT), NEW, now=AT, seen=seen)

    assert seen.claim(event.key) == "open"
