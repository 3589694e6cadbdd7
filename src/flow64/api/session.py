"""A session sends requests to one endpoint: credential, deadline, pace, retries."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlsplit

import httpx

from ..definition import load_json
from ..endpoints import host_of, is_followed, is_loopback
from ..errors import (
    AnswerError,
    ApiError,
    BuildError,
    ConfigError,
    FlowError,
    TransportError,
)
from ..secrets import Secrets, mask
from ..text import shortened
from . import answers, threads
from .auth import Key, OAuth
from .network import MAX_ANSWER, Network, Pace, Policy, Repeat, is_unsent

T = TypeVar("T")

LONG: Final = 2.0
"""Seconds of a wait that is worth a warning."""

MAX_ERROR: Final = 64 * 2**10
"""Most bytes to read of the body of an error."""

REQUEST_LOG: Final = "flow64.requests"
"""Name of the log that each request is a line of, at the level DEBUG."""

_UNSENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

_NO_JSON: Final = object()

_log = logging.getLogger("flow64")


class Session:
    """Sends requests to one endpoint. Threads may share it.

    Args:
        endpoint: Base URL, as `endpoint_of` returns it.
        auth: The credential: `Key` or `OAuth`. It is sent to the endpoint alone.
        policy: Deadlines, retries and pace.
        transport: Sends in place of the network, such as `httpx.MockTransport`.
        organisation: The organisation that the credential must belong to; None for any.
            Each answer that names one is compared. If none has before something is
            written or started, a list is read first.
        place: Name of the endpoint in journals; the default is the endpoint itself.
    """

    def __init__(
        self,
        endpoint: str,
        auth: Key | OAuth,
        policy: Policy = Policy(),  # noqa: B008 - it is frozen
        transport: httpx.BaseTransport | None = None,
        *,
        organisation: str | None = None,
        place: str | None = None,
    ) -> None:
        self.endpoint: Final = endpoint
        self.auth: Final = auth
        self.policy = policy
        self.place: Final = place or normalize_endpoint(endpoint)
        self.secrets: Final = Secrets()
        self.service_time: str | None = None
        """The `Date` of the last answer."""
        self._organisation: Final = organisation
        self._is_organisation_known = organisation is None
        self._pace: Final = Pace(policy.requests_per_minute)
        self._network: Final = Network(transport, uses_proxies=not self.is_local)
        self._http: Final = httpx.Client(
            auth=auth,
            transport=self._network,
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )
        self._pid: Final = os.getpid()

    @property
    def is_local(self) -> bool:
        """True if the endpoint is on this machine."""
        return is_loopback(host_of(self.endpoint))

    def close(self) -> None:
        """Close all connections. Nothing more can be sent."""
        if self._pid == os.getpid():
            self._http.close()

    def mask(self, text: str) -> str:
        """Return a text of the service without secrets."""
        self.secrets.add(self.auth.secrets)
        return mask(self.secrets.mask(text))

    # -- Requests ---------------------------------------------------------------------

    def get(self, kind: type[T], path: str, **params: Any) -> T:
        """Send a GET, and return the typed answer; no parameter that is None."""
        return answers.structure(
            self.send("GET", path, params=params), kind, "GET", path
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeat: Repeat = "if refused",
        look: Callable[[FlowError], Any] | None = None,
    ) -> Any:
        """Send a request until it is answered, and return the JSON of its answer.

        What was not sent is sent again. So is what may be repeated, after a failure
        that may pass. Each try has the same body and headers.

        Args:
            method: HTTP method.
            path: Path below the endpoint, with ids quoted.
            json: The body.
            params: Query parameters; those that are None are left out.
            headers: More headers.
            repeat: When to send again what was sent. A GET always is, and what may
                spend never.
            look: Looks for the outcome before what was sent is sent again. It returns
                what the answer would have said; None if there is no outcome.

        Raises:
            ApiError: The service answered with an error.
            TransportError: No answer came.
            AnswerError: The answer is not JSON.
        """
        threads.require_sending()
        self._require_open()
        request = self._make_request(method, path, json, params, headers)
        del json, headers
        if method == "GET":
            repeat = "always"
        elif not self._is_organisation_known:
            self.send("GET", "/workflows")
            self._is_organisation_known = True  # or there is no workflow to compare
        failures, was_sent, was_renewed = 0, False, False
        with threads.deadline(self.policy.deadline):
            while True:
                outcome = self._try(request, path, is_read=method == "GET")
                if not isinstance(outcome, FlowError):
                    return outcome
                failures += 1
                was_sent = was_sent or not is_unsent(outcome)
                wait = self.policy.choose_wait(outcome, failures, repeat=repeat)
                if self._drop_token(request, outcome) and not was_renewed:
                    # A write that may spend is not sent again after any answer.
                    was_renewed, wait = True, None if repeat == "never" else 0.0
                if wait is None or threads.now() + wait >= threads.ENDS.get():
                    raise _with_facts(outcome, failures, was_sent=was_sent)
                self._note_failure(outcome, wait)
                threads.sleep(wait)
                if look is not None and not is_unsent(outcome):
                    answer = look(outcome)
                    if answer is not None:
                        return answer

    def _require_open(self) -> None:
        if self._pid != os.getpid():
            raise ConfigError(
                "this client belongs to the process that forked this one: make another "
                "one here"
            )
        if self._http.is_closed:
            raise ConfigError("this client is closed: make another one")

    def _make_request(
        self,
        method: str,
        path: str,
        json: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Request:
        sent_headers = {**_make_headers(), **(headers or {})}
        sent_params = {
            name: value for name, value in (params or {}).items() if value is not None
        }
        try:
            return httpx.Request(
                method,
                self.endpoint + path,
                params=sent_params,
                headers=sent_headers,
                json=json,
            )
        except (ValueError, TypeError, httpx.InvalidURL) as error:
            problem = type(error).__name__
        del json, headers, sent_headers
        raise BuildError(f"{method} {path} cannot be sent ({problem})")

    def _try(self, request: httpx.Request, path: str, *, is_read: bool) -> Any:
        """Send a request once, and return the JSON of its answer, or an error."""
        now = threads.now()
        remaining = threads.ENDS.get() - now
        wait = self._pace.reserve(now, remaining) if remaining > 0 else None
        if wait is None:
            reason = (
                f"the deadline of {self.policy.deadline:g} s is over"
                if remaining <= 0
                else "held back by the client's own pace until after the deadline"
            )
            return answers.transport_error(
                request.method, path, reason, sent=False, is_final=True
            )
        threads.sleep(wait)
        seconds = min(self.policy.timeout, threads.ENDS.get() - threads.now())

        def exchange() -> Any:
            threads.require_sending()
            with threads.deadline(seconds), threads.setting(threads.IS_READ, is_read):
                return self._exchange(request, path, seconds)

        return threads.run_aside(exchange, is_patient=not is_read)

    def _exchange(self, request: httpx.Request, path: str, seconds: float) -> Any:
        method, began = request.method, threads.now()
        request.extensions = {"timeout": {"read": seconds}, "endpoint": self.endpoint}
        status: object = "no answer"
        try:
            response = self._http.send(request, stream=True)
            try:
                status = response.status_code
                self.service_time = response.headers.get("date")
                content = _read_body(response)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            return self._lost_error(method, path, error)
        except RuntimeError:  # it was closed meanwhile
            return answers.transport_error(
                method, path, "this client is closed", is_final=True
            )
        except FlowError as error:  # there was no token
            return error.with_traceback(None)
        finally:
            seconds = 1000 * (threads.now() - began)
            _log_request(status, f"{method} {path}", seconds)
        if content is None:
            problem = f"an answer of more than {MAX_ANSWER // 2**20} MiB"
            return answers.answer_error(method, path, problem, is_final=True)
        if response.status_code >= 300:
            return answers.api_error(method, path, response, content, self.mask)
        return self._read_json(method, path, response, content)

    def _read_json(
        self, method: str, path: str, response: httpx.Response, content: bytes
    ) -> Any:
        if not content.strip() and method == "DELETE":
            return None
        data = load_json(content, _NO_JSON)
        if data is _NO_JSON:
            kind = self.mask(response.headers.get("content-type", "no content type"))
            problem = f"it is not JSON ({kind}, {len(content)} bytes)"
            return answers.answer_error(method, path, problem)
        for organisation in _find_organisations(data):
            if self._organisation not in (None, organisation):
                return ConfigError(
                    f"{method} {path} answered for organisation "
                    f"{shortened(organisation)}, and org_id of the environment is "
                    f"{shortened(self._organisation)}: no more was sent",
                    hint="use the key of that organisation, or correct org_id",
                )
            self._is_organisation_known = True
        masked = mask_messages(data, self.mask)
        return answers.Body(masked) if isinstance(masked, dict) else masked

    def _drop_token(self, request: httpx.Request, error: FlowError) -> bool:
        """Drop a token that was refused; return False if none was."""
        is_refused = isinstance(error, ApiError) and error.status == 401 and error.sent
        if not is_refused or not isinstance(self.auth, OAuth):
            return False
        self.auth.expire(request)
        return True

    def _note_failure(self, error: FlowError, wait: float) -> None:
        """Log a wait, and let all users of the client wait after a 429."""
        level = logging.INFO if wait < LONG else logging.WARNING
        # Without its advice, which is for a caller who gets the error.
        shown = error.message if isinstance(error, ApiError) else error
        _log.log(level, "%s; trying again in %.3g s", shown, wait)
        if isinstance(error, ApiError) and error.status == 429:
            self._pace.hold(threads.now() + wait)

    def _lost_error(
        self, method: str, path: str, error: Exception, where: str | None = None
    ) -> TransportError:
        """Return the error of a request that got no answer."""
        url = urlsplit(self.endpoint)
        is_plain = where is None and self.is_local and url.scheme == "http"
        is_refused = is_plain and isinstance(error, httpx.ConnectError)
        is_slow = isinstance(error, httpx.TimeoutException)
        reason = "it took too long" if is_slow else "the connection broke"
        if isinstance(error, _UNSENT):
            reason = "no connection in time" if is_slow else "no connection"
        elif isinstance(error, httpx.DecodingError):
            reason = "what came cannot be decoded"
        return answers.transport_error(
            method,
            path,
            f"no answer from {where or url.netloc} ({reason})",
            sent=not isinstance(error, _UNSENT),
            port=(url.port or 80) if is_refused else None,
        )

    # -- Downloads --------------------------------------------------------------------

    @contextmanager
    def open(self, url: str, seconds: float) -> Generator[httpx.Response]:
        """Open a signed link, without credential, cookie and redirect.

        Args:
            url: The link.
            seconds: The most seconds for all of it.

        Raises:
            AnswerError: The link may not be opened.
            TransportError: No answer came, or it broke off.
        """
        threads.require_sending()
        self._require_open()
        if not is_followed(url, self.endpoint):
            problem = f"a link to {host_of(url) or 'no host'}, which may not be opened"
            raise answers.answer_error("GET", "(signed link)", problem, is_final=True)
        extensions = {"timeout": {"read": self.policy.timeout}}
        headers = {**_make_headers(), "accept": "*/*"}
        request = httpx.Request("GET", url, headers=headers, extensions=extensions)
        del url  # no traceback shows it
        began = threads.now()
        try:
            with threads.deadline(seconds), threads.setting(threads.IS_READ, True):
                # Not by httpx.Client, which logs addresses.
                response = self._network.handle_request(request)
                _log_request(
                    response.status_code,
                    "GET (signed link)",
                    1000 * (threads.now() - began),
                )
                try:
                    yield response
                finally:
                    response.close()
            return
        except (httpx.HTTPError, httpx.StreamError) as error:
            lost = self._lost_error("GET", "(signed link)", error, "the store")
        raise lost

    def __repr__(self) -> str:
        return f"Session({self.endpoint!r})"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "a client is neither copied nor pickled, since it holds a credential: make "
            "another one"
        )


def _find_organisations(data: Any) -> Iterator[str]:
    """Yield the organisations that an answer, or the items of a list, name.

    Anything deeper is data, such as a row with a column of that name.
    """
    for item in data if isinstance(data, list) else [data]:
        organisation = item.get("org_id") if isinstance(item, dict) else None
        if isinstance(organisation, str) and organisation:
            yield organisation


def mask_messages(data: Any, mask: Callable[[str], str]) -> Any:
    """Return an answer with its messages masked: an error may repeat a secret.

    Workflows and rows stay as they are.
    """
    if isinstance(data, list):
        return [mask_messages(item, mask) for item in data]
    if not isinstance(data, dict):
        return data
    return {
        name: mask(item)
        if isinstance(item, str) and name.endswith(_MESSAGES)
        else item
        if name in _DATA
        else mask_messages(item, mask)
        for name, item in data.items()
    }


_MESSAGES: Final = ("message", "reason", "step", "error")
_DATA: Final = frozenset({"workflow_definition", "results", "specs_schema"})


def normalize_endpoint(endpoint: str) -> str:
    """Return an endpoint in its one spelling, for comparisons.

    >>> normalize_endpoint("HTTP://LocalHost:80/")
    'http://127.0.0.1'
    """
    url = urlsplit(endpoint)
    host = "127.0.0.1" if is_loopback(url.hostname or "") else url.hostname or ""
    host = f"[{host}]" if ":" in host else host
    is_default = url.port in (None, {"http": 80, "https": 443}.get(url.scheme))
    port = "" if is_default else f":{url.port}"
    return f"{url.scheme}://{host}{port}{url.path.rstrip('/')}"


def _with_facts(error: FlowError, attempts: int, *, was_sent: bool) -> FlowError:
    """Return an error with the facts of all tries."""
    if not isinstance(error, AnswerError | ApiError | TransportError):
        return error
    error.attempts = attempts
    # One of the tries may have arrived, whatever became of the last one.
    if isinstance(error, TransportError) and was_sent and not error.sent:
        facts = error.method, error.path, error.reason
        doubt = answers.transport_error(*facts)
        error.sent, error.hint, error.option = True, doubt.hint, doubt.option
    elif isinstance(error, ApiError):
        error.sent = was_sent
    if attempts > 1:
        first, *lines = error.message.split("\n")
        error.message = "\n".join([f"{first} ({attempts} attempts)", *lines])
    return error


def _read_body(response: httpx.Response) -> bytes | None:
    """Return the body; None if it is too large. Errors are cut instead."""
    content, is_error = bytearray(), response.status_code >= 300
    limit = MAX_ERROR if is_error else MAX_ANSWER
    for part in response.iter_raw():
        content += part
        if len(content) > limit:
            return bytes(content[:limit]) if is_error else None
    return bytes(content)


def _log_request(status: object, asked: str, milliseconds: float) -> None:
    """Log a request, without what may be secret: query, headers, body and link."""
    logging.getLogger(REQUEST_LOG).debug("%s %s (%.0f ms)", status, asked, milliseconds)


@cache
def _make_headers() -> Mapping[str, str]:
    flow64, python = version("flow64"), ".".join(platform.python_version_tuple()[:2])
    return {
        "accept": "application/json",
        "accept-encoding": "gzip",
        "user-agent": f"flow64/{flow64} python/{python} httpx/{httpx.__version__}",
    }
