"""The network: each call ends in time and in bounded memory, and leaks nothing."""

from __future__ import annotations

import gzip
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from itertools import repeat
from pathlib import Path

import httpx
import pytest

from flow64 import errors
from flow64.api import calls, network, threads
from flow64.api.auth import Key
from flow64.api.network import Network, Policy
from flow64.api.session import Session
from tests.service.credentials import write_certificate
from tests.service.fault_server import FaultServer, Hang, Reply
from tests.service.script import KEY

SOON = 1.0
"""Seconds after its deadline within which a call has to end."""

OPEN = Path("/proc/self/fd")
ZIP = {"content-encoding": "gzip"}


@pytest.fixture
def server():
    with FaultServer() as made:
        yield made


def open_session(server, deadline=0.6, **limits):
    limits = {"first_wait": 0.01, "timeout": 30, "deadline": deadline, **limits}
    return Session(server.url, Key(KEY), Policy(**limits))


def endless():
    return repeat(b" " * 1024)


def drip():
    return repeat(b" ")


SLOW = {
    "silence": Hang(),
    "dripping body": Reply(200, drip, size=1, pause=0.05, length=None),
    "endless body": Reply(200, endless, length=None),
    "endless error": Reply(500, drip, size=1, pause=0.05, length=None),
    "endless chunks": Reply(200, drip, size=1, pause=0.05, is_chunked=True),
    "endless gzip": Reply(
        200, lambda: repeat(gzip.compress(b"")[:10]), ZIP, length=None
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_slow_answer_ends_with_the_deadline(server, name):
    server.always("*", "*", SLOW[name])
    session, began = open_session(server), time.monotonic()
    with pytest.raises(errors.FlowError):
        calls.list_workflows(session)
    assert time.monotonic() - began < 0.6 + SOON


@pytest.mark.parametrize("name", ["silence", "dripping body"])
def test_a_slow_download_ends_with_its_deadline(server, name):
    server.always("*", "*", SLOW[name])
    session, began = open_session(server), time.monotonic()
    with (
        pytest.raises(errors.TransportError),
        session.open(f"{server.url}/file", 0.6) as download,
    ):
        list(download.iter_bytes())
    assert time.monotonic() - began < 0.6 + SOON


class RawServer:
    """Writes bytes one by one to each connection, for ever."""

    def __init__(self, parts, certificate=None):
        self.parts, self.listener = parts, socket.create_server(("127.0.0.1", 0))
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.listener = context.wrap_socket(self.listener, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._write, args=[connection], daemon=True).start()

    def _write(self, connection):
        try:
            for part in self.parts():
                connection.sendall(part)
                time.sleep(0.02)
        except OSError:
            connection.close()


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """A certificate that the clients of this test trust."""
    path = tmp_path / "tls.pem"
    write_certificate(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    network.load_certificates.cache_clear()
    yield path
    network.load_certificates.cache_clear()


@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    "parts",
    [
        lambda: repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
        lambda: iter([b"HTTP/1.1 200 OK\r\n", *[b"x"] * 10_000]),
    ],
    ids=["100-continues", "dripping headers"],
)
def test_headers_that_never_end_end_with_the_deadline(parts, is_tls, certificate):
    server = RawServer(parts, certificate if is_tls else None)
    session, began = open_session(server), time.monotonic()
    with pytest.raises(errors.TransportError, match="it took too long"):
        calls.list_workflows(session)
    assert 0.5 < time.monotonic() - began < 0.6 + SOON


def test_a_slow_look_up_ends_with_the_deadline(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_, **__: released.wait(20) and []
    )
    session = Session("https://slow.example", Key(KEY), Policy(deadline=0.5))
    began = time.monotonic()
    with pytest.raises(errors.TransportError) as raised:
        calls.list_workflows(session)
    released.set()
    assert not raised.value.sent
    assert time.monotonic() - began < 0.5 + SOON


def test_nothing_listens_is_tried_once_more(server):
    server.refuse()
    with pytest.raises(errors.TransportError) as raised:
        calls.list_workflows(open_session(server))
    error = raised.value
    assert (error.attempts, error.sent, error.is_refused) == (2, False, True)


# -- What is decoded ------------------------------------------------------------------


def bomb(layers):
    data = b"0" * 10**8
    for _ in range(layers):
        data = gzip.compress(data)
    return data


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (bomb(3), "gzip, gzip, gzip"),
        (b"x", "br"),
        (b"x", "zstd"),
        (zlib.compress(b"[]"), "deflate"),
        (b"no gzip", "gzip"),
        (gzip.compress(b"[]")[:-9], "gzip"),
    ],
    ids=["bomb", "br", "zstd", "deflate", "no gzip", "cut"],
)
def test_only_one_gzip_is_decoded(server, body, encoding):
    server.always("*", "*", Reply(200, body, {"content-encoding": encoding}))
    with pytest.raises(errors.TransportError, match="cannot be decoded"):
        calls.list_workflows(open_session(server, deadline=9, retries=0))


@pytest.mark.parametrize(
    "headers", [{}, ZIP, {"content-encoding": "identity"}], ids=["none", "gzip", "own"]
)
def test_identity_and_gzip_are_read(server, headers):
    content = b'[{"id": "w"}]'
    body = gzip.compress(content) if headers == ZIP else content
    server.always("*", "*", Reply(200, body, headers))
    assert calls.list_workflows(open_session(server))[0].id == "w"


def test_a_bomb_does_not_fill_the_memory(server):
    """An error is cut, an answer is refused, a download comes in pieces."""
    session = open_session(server, deadline=60)
    big = gzip.compress(b"0" * 3 * 10**8)
    server.always("GET", "/workflows", Reply(400, big, ZIP))
    server.always("GET", "/file", Reply(200, big, ZIP))
    tracemalloc.start()
    try:
        with pytest.raises(errors.ApiError):
            calls.list_workflows(session)
        with session.open(f"{server.url}/file", 60) as download:
            assert sum(map(len, download.iter_bytes())) == 3 * 10**8
            assert download.extensions["is_framed"]
        assert tracemalloc.get_traced_memory()[1] < 2 * 10**7
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("reply", "is_framed"),
    [
        (Reply(200, b"a"), True),
        (Reply(200, b"a", is_chunked=True), True),
        (Reply(200, b"a", length=None), False),
    ],
)
def test_a_download_says_whether_its_end_is_proven(server, reply, is_framed):
    server.always("*", "*", reply)
    with open_session(server).open(f"{server.url}/file", 60) as download:
        assert b"".join(download.iter_bytes()) == b"a"
        assert download.extensions["is_framed"] == is_framed


# -- Threads and interrupts -----------------------------------------------------------


def count_descriptors():
    return len([*OPEN.iterdir()]) if OPEN.exists() else 0


def test_32_threads_share_a_session(server):
    server.always("*", "*", Reply(200, b"[]"))
    before = count_descriptors()
    session, results = open_session(server, deadline=20), []

    def work():
        results.extend(calls.list_workflows(session) for _ in range(5))

    workers = [threading.Thread(target=work) for _ in range(32)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    session.close()
    server.settle()
    assert results == [[]] * 160
    assert count_descriptors() <= before + 1


def test_gather_begins_nothing_after_a_failure(server):
    """Those under way end, and the first failure in order is raised."""
    begun = []

    def job(number):
        begun.append(number)
        time.sleep(0.02 * (5 - number))
        if number in (1, 2):
            raise errors.ConfigError(str(number))
        return number

    jobs = [lambda number=number: job(number) for number in range(50)]
    with pytest.raises(errors.ConfigError, match="1"):
        threads.gather(jobs, 3)
    assert len(begun) < 10
    assert threads.gather(jobs[3:5], 3) == [3, 4]


INTERRUPTED = """
import os, signal, sys, threading, time
from contextlib import closing
from flow64.api import calls, network, threads
from flow64.api.auth import Key
from flow64.api.network import Policy
from flow64.api.session import Session

def interrupt(wait):
    go.wait()
    time.sleep(wait)
    os.kill(os.getpid(), signal.SIGINT)

def open_session():
    return Session(sys.argv[1], Key("sk_test_not_a_real_key"), Policy(deadline=5))

session = open_session()
calls.list_workflows(session)
time.sleep(1)
before = threading.active_count(), len(os.listdir("/proc/self/fd"))
seen = 0
for number in range(200):
    go = threading.Event()
    killer = threading.Thread(target=interrupt, args=[number % 20 / 4000])
    killer.start()
    try:
        go.set()
        with closing(open_session()) as other:
            calls.list_workflows(other)
        calls.list_workflows(session)
        threads.gather([lambda: calls.list_workflows(session)] * 4, 2)
        time.sleep(1)
    except KeyboardInterrupt:
        seen += 1
    killer.join()
assert seen == 200, seen
calls.list_workflows(session)
time.sleep(1)
after = threading.active_count(), len(os.listdir("/proc/self/fd"))
assert after[0] == before[0] and after[1] <= before[1] + 3, (before, after)
print("ok")
"""


@pytest.mark.skipif(not OPEN.exists(), reason="counts descriptors")
def test_200_interrupts_leave_nothing_behind(server):
    server.always("*", "*", Reply(200, b"[]", delay=0.002))
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


WRITING = """
import sys
from flow64.api.auth import Key
from flow64.api.session import Session

session = Session(sys.argv[1], Key("sk_test_not_a_real_key"))
try:
    session.send("POST", "/x", json={})
    print("answered")
except KeyboardInterrupt:
    print("interrupted")
    session.send("GET", "/later")
"""


@pytest.mark.parametrize("times", [1, 2])
def test_a_write_under_way_is_waited_for_once(server, times):
    """Nothing is sent twice, and a second Ctrl-C does not wait."""
    server.on("POST", "/x", Reply(200, b"{}", delay=4))
    server.always("GET", "/later", Reply(200, b"{}"))
    child = subprocess.Popen(
        [sys.executable, "-c", WRITING, server.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not server.requests:
        time.sleep(0.01)
    began = time.monotonic()
    for _ in range(times):
        child.send_signal(signal.SIGINT)
        time.sleep(0.2)
    out, err = child.communicate(timeout=20)
    seconds = time.monotonic() - began
    assert (out, err) == ("interrupted\n", "")
    assert (seconds > 3.5) == (times == 1)
    assert len(server.of("POST")) == 1


def test_threads_that_begin_at_once_share_one_transport():
    """Of several, all but one would never be closed."""
    network = Network(None, uses_proxies=False)
    url, gate, chosen = httpx.URL("http://127.0.0.1:9"), threading.Barrier(16), []

    def choose():
        gate.wait()
        chosen.append(network._choose(url))

    workers = [threading.Thread(target=choose) for _ in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    network.close()

    assert len({*map(id, chosen)}) == 1
