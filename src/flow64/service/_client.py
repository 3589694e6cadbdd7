"""The client: plays conversations over httpx, with one credential for one origin."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Final, NoReturn, Self, TypeVar

import httpx

from ..errors import AnswerError, ConfigError, TransportError
from .api import Answer, Conversation, Request, Sleep

T = TypeVar("T")

DEFAULT_ENDPOINT: Final = "https://api.sixtyfour.ai"
"""Base URL of the service (documented)."""

TIMEOUT: Final = 60.0
"""Seconds for one request."""

MAX_ANSWER: Final = 256 * 2**20
"""Bytes of the largest answer that is read."""

NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
)
"""Failures before anything reached the service: no connection to it was made."""


class Client:
    """Talks to the service: one API key, one endpoint.

    Args:
        api_key: The key; by default that of `SIXTYFOUR_API_KEY`.
        base_url: The endpoint; by default that of `SIXTYFOUR_API_ENDPOINT`, then
            `SIXTYFOUR_API_BASE_URL`, then the service itself.
        timeout: Seconds for one request; for a download, seconds without a byte.
        transport: Something else than the network, such as an ASGI transport.

    Raises:
        ConfigError: The key or the endpoint cannot be used; the key is never shown.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._auth: Final = _KeyAuth(api_key)
        del api_key  # an error from here on may show the locals of its frames
        self.endpoint: Final = _endpoint(base_url)
        self._auth.require_usable()
        self._timeout: Final = timeout
        self._http: Final = httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            transport=transport,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            # What is sent to this machine does not pass through anybody's proxy.
            trust_env=not self.is_local,
        )

    def play(self, conversation: Conversation[T]) -> T:
        """Do what a conversation asks for until it is over, and give its result."""
        reply: Any = None
        while True:
            try:
                if isinstance(reply, AnswerError | TransportError):
                    step = conversation.throw(reply)
                else:
                    step = conversation.send(reply)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(step, Sleep):
                time.sleep(step.seconds)
                reply = None
            else:
                reply = self._answer(step)

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine."""
        return is_loopback(httpx.URL(self.endpoint).host)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        # Tracebacks show also a client that was refused while it was made.
        return f"Client({getattr(self, 'endpoint', None)!r})"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "a Client is neither copied nor pickled, since it holds the key: "
            "make another one"
        )

    # Failures are returned and not raised, so that no traceback leads into frames that
    # hold headers, bodies or signed links.
    def _answer(self, asked: Request) -> Answer | AnswerError | TransportError:
        """What came back, or what went wrong."""
        method, path = asked.method, asked.path
        try:
            request = self._request(asked)
            if request is None:
                return AnswerError(method, path, "a link that is no https address")
            # Without a credential of its own, a signed link gets an empty `Auth`, as
            # httpx would make one of a user name in the link.
            auth = self._auth if asked.url is None else httpx.Auth()
            response = self._http.send(request, auth=auth, stream=True)
            try:
                content = self._read(response, is_download=asked.url is not None)
            finally:
                response.close()
        except httpx.HTTPError as error:
            host = httpx.URL(self.endpoint).host if asked.url is None else "the store"
            reason = f"no answer from {host} ({type(error).__name__})"
            sent = not isinstance(error, NOT_SENT)
            return TransportError(method, path, reason, sent=sent)
        if content is None:
            problem = f"an answer of more than {MAX_ANSWER // 2**20} MiB"
            return AnswerError(method, path, problem)
        if response.status_code >= 300:  # an error repeats what the service says
            content = self._auth.masked(content)
        headers = {name.lower(): text for name, text in response.headers.items()}
        return Answer(response.status_code, headers, content)

    def _request(self, asked: Request) -> httpx.Request | None:
        """The request of httpx; None for a link that is not followed."""
        if asked.url is not None:
            try:
                url = _SignedURL(asked.url)
            except httpx.InvalidURL:
                return None
            is_here = self.is_local and is_loopback(url.host)
            if not url.host or not (
                url.scheme == "https" or (url.scheme == "http" and is_here)
            ):
                return None
            request = self._http.build_request("GET", url)
            request.url = url
            return request
        headers = {"accept": "application/json"}
        content = None
        if asked.body is not None:
            text = json.dumps(asked.body, ensure_ascii=False, separators=(",", ":"))
            content = text.encode()
            headers["content-type"] = "application/json"
        if asked.idempotency_key is not None:
            headers["idempotency-key"] = asked.idempotency_key
        return self._http.build_request(
            asked.method,
            self.endpoint + asked.path,
            params=dict(asked.query),
            content=content,
            headers=headers,
        )

    def _read(self, response: httpx.Response, *, is_download: bool) -> bytes | None:
        """The body; None where it is too large."""
        ends = time.monotonic() + self._timeout
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_ANSWER:
                return None
            if not is_download and time.monotonic() > ends:
                raise httpx.ReadTimeout("the body took too long")
        return bytes(content)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine; of names, `localhost` alone is taken for it."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class _KeyAuth(httpx.Auth):
    """Puts the key on requests; what lists attributes does not find it."""

    __slots__ = ("_key",)

    def __init__(self, given: str | None) -> None:
        self._key = os.environ.get("SIXTYFOUR_API_KEY") if given is None else given

    def require_usable(self) -> None:
        """Refuse a key that is missing or that cannot be one."""
        if self._key is None:
            raise ConfigError(
                'no API key: set SIXTYFOUR_API_KEY, or pass Client(api_key="...")'
            )
        # "!" to "~": what is printed, and no space.
        if not self._key or not all("!" <= sign <= "~" for sign in self._key):
            raise ConfigError(
                "the API key is empty, or has spaces, line breaks or other characters "
                "that no key has; copy it again (it is not shown here)"
            )

    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the key, as documented, in `x-api-key`."""
        request.headers["x-api-key"] = self._key or ""
        yield request

    def masked(self, content: bytes) -> bytes:
        """A text without the key."""
        return content.replace((self._key or "").encode(), b"***")

    def __reduce__(self) -> NoReturn:
        raise ConfigError("a key is neither copied nor pickled")


class _SignedURL(httpx.URL):
    """A link whose query is a secret for as long as it lives: httpx logs addresses."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}/(signed link)"

    __repr__ = __str__


def _endpoint(given: str | None) -> str:
    names = ("SIXTYFOUR_API_ENDPOINT", "SIXTYFOUR_API_BASE_URL")
    name = next((name for name in names if os.environ.get(name)), "")
    source = "base_url=" if given else name
    text = str(given or os.environ.get(name) or DEFAULT_ENDPOINT).rstrip("/")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ConfigError("the endpoint is no URL") from None
    if url.userinfo:
        raise ConfigError("the endpoint has a user name or password in it; remove it")
    is_plain = url.scheme in ("http", "https") and url.host and " " not in text
    if not is_plain or url.query or url.fragment:
        raise ConfigError(
            f"the endpoint given by {source} is no plain https address, such as "
            f"{DEFAULT_ENDPOINT}"
        )
    if url.scheme == "http" and not is_loopback(url.host):
        raise ConfigError(
            f"the endpoint http://{url.host} given by {source} would let the key "
            "travel in the clear; "
            "write https (http is for this machine alone)"
        )
    return text
