"""Organisations by key, and the rate limit."""

from __future__ import annotations

import pytest

from flow64.emulator import Switches
from tests.emulator.support import LEADS, create


def test_keys_can_share_an_organisation(serve, connect):
    """A mapping names the organisation of each key: several environments in one."""
    emulator, _ = serve(
        api_keys={"ada": "org_prod", "bob": "org_prod", "ci": "org_test"}
    )
    own = create(connect(emulator, "ada"), LEADS)

    statuses = {
        key: connect(emulator, key).get(f"/workflows/{own}").status_code
        for key in ("ada", "bob", "ci", "eve")
    }

    assert statuses == {"ada": 200, "bob": 200, "ci": 404, "eve": 401}
    found = connect(emulator, "bob").get(f"/workflows/{own}").json()
    assert found["org_id"] == "org_prod"


def test_rate_is_limited_by_the_minute(serve, connect):
    """One more than the limit is 429, for each key, until the clock has moved on."""
    emulator, client = serve(switches=Switches(rate_limit=3))
    other = connect(emulator)

    statuses = [client.get("/workflows").status_code for _ in range(4)]
    statuses.append(other.get("/workflows").status_code)
    emulator.clock.advance(61)
    statuses.append(client.get("/workflows").status_code)

    assert statuses == [200, 200, 200, 429, 200, 200]


def test_window_slides(serve):
    """A request of half a minute ago still counts."""
    emulator, client = serve(switches=Switches(rate_limit=2))
    client.get("/workflows")
    emulator.clock.advance(40)
    client.get("/workflows")
    emulator.clock.advance(40)

    statuses = [client.get("/workflows").status_code for _ in range(2)]

    assert statuses == [200, 429]


@pytest.mark.parametrize("is_said", [False, True])
def test_limit_can_say_when_to_come_again(serve, is_said):
    """The header is off by default, since no document describes it."""
    _, client = serve(switches=Switches(rate_limit=1, retry_after=is_said))
    client.get("/workflows")

    reply = client.get("/workflows")

    assert reply.status_code == 429
    assert reply.json() == {"detail": "Rate limit exceeded"}
    assert ("retry-after" in reply.headers) == is_said
    assert not is_said or 0 < int(reply.headers["retry-after"]) <= 60


def test_nothing_is_limited_unless_asked(client):
    """By default there is no limit."""
    statuses = {client.get("/workflows/blocks").status_code for _ in range(20)}

    assert statuses == {200}


def test_limit_of_nothing_lets_nobody_in(serve):
    """A limit of zero refuses every request."""
    _, client = serve(switches=Switches(rate_limit=0))

    assert client.get("/workflows").status_code == 429


def test_balance_is_enough_unless_limited(client):
    """A number of credits."""
    assert client.get("/check-balance").json()["credits"] > 1000
