"""What holds for every test: nothing leaves this machine, and no luck takes part."""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
import socket

import pytest
from hypothesis import HealthCheck, settings

# `quick` (for `make test`) and `full` (for `make check`) judge the same examples every
# time. `laws` looks at many more, and outside CI at new ones in each run; a
# counterexample is kept afterwards as an `@example`.
settings.register_profile(
    "quick", max_examples=10, derandomize=True, deadline=None, print_blob=True
)
settings.register_profile("full", settings.get_profile("quick"), max_examples=40)
settings.register_profile(
    "laws",
    max_examples=60,
    derandomize="CI" in os.environ,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine breaks no law
)
settings.load_profile("quick")


def pytest_addoption(parser):
    """Let one file of tests judge the service itself; see test_contract.py."""
    parser.addoption("--service", action="store_true", help="judge the service itself")
    parser.addoption("--spend", type=float, default=0.0, help="dollars it may cost")


def pytest_configure(config):
    """Let sockets reach loopback only, also in threads and in examples of the docs."""
    # What a shell starts in the background ignores Ctrl-C, and so would what it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name in ("SIXTYFOUR_API_KEY", "SIXTYFOUR_API_ENDPOINT"):
        config.stash[name] = os.environ.get(name, "")  # of the contract tests alone
    for name in [*os.environ]:  # of who starts the tests
        if name.startswith("SIXTYFOUR_") or name in ("FLOW64_ENV", "FLOW64_JOURNAL"):
            patch.delenv(name)
    if config.getoption("--service"):
        return
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    patch.setattr(socket.socket, "sendto", guarded(socket.socket.sendto, at=-1))
    patch.setattr(socket, "getaddrinfo", resolving(socket.getaddrinfo))


@pytest.fixture
def emulator():
    """An emulator on a port of this machine."""
    from flow64.emulator import Emulator

    with Emulator() as made:
        yield made


@pytest.fixture
def server():
    """A server that answers as a test tells it."""
    from tests.service.fault_server import FaultServer

    with FaultServer() as made:
        yield made


@pytest.fixture(scope="module")
def browser():
    """Chromium, driven by playwright, which only `make check` installs."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        words = "no chromium here: install Debian's package of that name"
        pytest.fail(words) if "CI" in os.environ else pytest.skip(words)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def tab(browser):
    """Give an empty tab of some size, which keeps its complaints and requests.

    The tests of a file share it: to open one takes thrice as long as to load a page.
    """
    tabs = {}

    def emptied(width=1280, height=900, *, bypass_csp=False, **media):
        if bypass_csp not in tabs:
            made = tabs[bypass_csp] = browser.new_context(
                bypass_csp=bypass_csp
            ).new_page()
            made.set_default_timeout(8_000)
            made.on("console", lambda message: made.complaints.append(message.text))
            made.on("pageerror", lambda error: made.complaints.append(str(error)))
            made.on("request", lambda request: made.asked.append(request.url))
        page = tabs[bypass_csp]
        page.goto("about:blank")
        page.complaints, page.asked = [], []
        page.mouse.move(0, 0)
        page.set_viewport_size({"width": width, "height": height})
        wishes = {"color_scheme": "light", "reduced_motion": "no-preference"}
        page.emulate_media(**wishes | media)
        return page

    return emptied


def guarded(method, at=0):
    def call(sock, *args):
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            refuse_beyond_loopback(args[at][0])
        return method(sock, *args)

    return call


LISTENING = ("0.0.0.0", "::")


def resolving(getaddrinfo):
    def call(host, *args, **kwargs):
        if host not in {None, "", *LISTENING}:
            refuse_beyond_loopback(host)
        return getaddrinfo(host, *args, **kwargs)

    return call


def refuse_beyond_loopback(host):
    # Failed is no Exception, so no retry and no `except` under test can swallow it.
    __tracebackhide__ = True
    host = host.decode() if isinstance(host, bytes) else host
    if not is_loopback(host):
        pytest.fail(f"a test reached for {host}: sockets go to loopback only")


def is_loopback(host):
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
