"""Bad requests over a socket stop nothing and print nothing."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import subprocess
import sys

import httpx
import pytest

from tests.emulator.support import NO_CERTIFICATES

LONGEST = 60
"""Seconds after which something that should have happened never will."""

PROGRAM = """
from flow64.emulator import Emulator
with Emulator() as emulator:
    print(emulator.url, flush=True)
    input()
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """An emulator in a process of its own: address, process and output."""
    said = tmp_path_factory.mktemp("sockets") / "stderr"
    with (
        said.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield process.stdout.readline().strip(), process, said
        process.communicate("\n", timeout=LONGEST)
    assert process.returncode == 0


@pytest.fixture
def address(served):
    """The address. After the test the emulator must still work."""
    url, process, said = served
    yield "127.0.0.1", int(url.rpartition(":")[2])
    reply = httpx.get(
        f"{url}/workflows",
        headers={"x-api-key": "k"},
        verify=NO_CERTIFICATES,
        timeout=LONGEST,
    )
    assert reply.status_code == 200
    assert process.poll() is None
    assert said.read_text() == ""


def exchange(address, sent, *, is_whole=True):
    """Return the statuses of all responses until the connection ends."""
    got = b""
    with (
        socket.create_connection(address, timeout=LONGEST) as raw,
        contextlib.suppress(ConnectionError),
    ):
        raw.sendall(sent)
        # What waits for the rest is told that there is none. It ends the connection.
        if not is_whole and not select.select([raw], [], [], 0.5)[0]:
            raw.shutdown(socket.SHUT_WR)
        while more := raw.recv(65536):
            got += more
    assert b"Traceback" not in got
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", got)]


def post(*headers, body=b""):
    """A request with a credential and a body, as bytes."""
    lines = [
        b"POST /workflows/create_workflow HTTP/1.1",
        b"Host: localhost",
        b"x-api-key: k",
        b"Content-Type: application/json",
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def get(path=b"/workflows", *headers):
    """The same without a body."""
    lines = [b"GET " + path + b" HTTP/1.1", b"Host: localhost", b"x-api-key: k"]
    return b"\r\n".join([*lines, *headers, b"Connection: close"]) + b"\r\n\r\n"


CHUNKED = b"Transfer-Encoding: chunked"

BROKEN = {
    "garbage": b"GARBAGE\r\n\r\n",
    "zeros": b"\0" * 1000,
    "noise": bytes(range(256)) * 10,
    "nothing": b"",
    "line breaks": b"\r\n" * 100,
    "tls": bytes.fromhex("16030100f4010000f00303") + b"\x41" * 200,
    "http 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no version": b"GET /\r\n",
    "no host": b"GET /workflows HTTP/1.1\r\nx-api-key: k\r\n\r\n",
    "two hosts": get(b"/workflows", b"Host: localhost"),
    "bad host": get().replace(b"localhost", b"["),
    "long host": get().replace(b"localhost", b"localhost/.evil.example"),
    "negative length": post(b"Content-Length: -1", body=b"{}"),
    "bad length": post(b"Content-Length: two", body=b"{}"),
    "huge length": post(b"Content-Length: " + b"9" * 30, body=b"{}"),
    "two lengths": post(b"Content-Length: 2", b"Content-Length: 3", body=b"{}a"),
    "length and chunks": post(b"Content-Length: 2", CHUNKED, body=b"0\r\n\r\n"),
    "bad chunk": post(CHUNKED, body=b"xyz\r\n{}\r\n"),
    "long chunk": post(CHUNKED, body=b"f" * 17 + b"\r\n{}\r\n"),
    "open chunk": post(CHUNKED, body=b"5\r\n{}"),
    "other encoding": post(b"Transfer-Encoding: gzip", body=b"{}"),
    "long header": get(b"/workflows", b"x-long: " + b"a" * 200_000),
    "long url": get(b"/workflows?a=" + b"a" * 200_000),
    "many headers": get(b"/workflows", *[b"x-%d: 1" % n for n in range(20_000)]),
    "nul header": get(b"/workflows", b"x-nul: a\0b"),
    "nul path": get(b"/work\0flows"),
    "nul in path": get(b"/workflows/%00"),
    "no utf-8": get(b"/workflows/%ff"),
    "bytes in path": get(b"/workflows/\xff"),
    "bad escape": get(b"/workflows/%zz"),
    "half a header": b"GET /workflows HTTP/1.1\r\nHost: loc",
    "half a body": post(b"Content-Length: 100", body=b'{"half'),
    "no body": post(b"Content-Length: 100"),
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=BROKEN)
def test_what_is_no_request_is_refused(address, sent):
    """Or the connection ends. The next request is served."""
    statuses = exchange(address, sent, is_whole=False)
    assert all(400 <= status <= 501 for status in statuses)


@pytest.mark.parametrize(
    "sent",
    [
        get(),
        get(b"/workflows", b"x-folded: a", b" b"),
        get(b"/workflows?%ff=%00"),
        get(b"http://localhost/workflows"),
        b"GET /workflows HTTP/1.0\r\nx-api-key: k\r\n\r\n",
    ],
)
def test_what_is_unusual_is_answered(address, sent):
    """The requests of these tests are refused only for their faults."""
    assert exchange(address, sent)[-1] == 200


def test_long_length_is_refused_at_once(address):
    """What follows need not be read to see that it is too long."""
    sent = post(b"Connection: close", b"Content-Length: " + b"9" * 20, body=b"{}")

    assert exchange(address, sent) == [413]


def test_second_request_of_two_is_answered(address):
    """Also if both arrive together, and the first is refused."""
    first = post(b"Content-Length: 2", body=b"[]")

    assert exchange(address, first + get()) == [422, 200]


def test_stalled_connections_hold_nobody_up(address):
    """Others are served while a hundred connections stall."""
    started = [
        b"",
        b"GET /workflows HTTP/1.1\r\nHost: lo",
        post(b"Content-Length: 1000", body=b"{"),
        post(CHUNKED, body=b"5\r\n{"),
    ]
    with contextlib.ExitStack() as open_ones:
        for number in range(100):
            raw = socket.create_connection(address, timeout=LONGEST)
            open_ones.enter_context(raw)
            raw.sendall(started[number % len(started)])

        assert exchange(address, get()) == [200]


def test_answers_that_nobody_reads_hold_nobody_up(address):
    """Connections are reset before their response."""
    for _ in range(20):
        with socket.create_connection(address, timeout=LONGEST) as raw:
            linger = b"\1\0\0\0\0\0\0\0"  # on, for no time: reset when closed
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            raw.sendall(get(b"/workflows/blocks"))

    assert exchange(address, get()) == [200]


def test_only_loopback_is_listened_on(address):
    """Another address of this machine is refused."""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", address[1]), timeout=LONGEST)
