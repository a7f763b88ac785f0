"""Any server with the OpenAI chat API: vLLM, SGLang, llama-server, transformers serve. The one engine that uses a network.

No part chooses it by itself: an owner points it at a server with ``ZHIYIN_SERVER_URL``, and it speaks to that server alone. It
follows no redirects, and sends nothing but the request and the key: the client library's own headers about this machine, and
what it finds for other services in the environment, are left out.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import queue
import threading
import time
import weakref
from collections.abc import Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, TypeAlias, cast

from pydantic import SecretStr

from chatbot.llm.base import POLL_SECONDS, Inbox, Prompt, check_log_probabilities, first_object, until_stop
from retrieval.errors import EngineError, SettingsError

try:
    import httpx2
    import openai
except ImportError as error:
    problem = "The engine 'openai' needs a package that is not installed. Run: pip install 'zhiyin[server]'"
    raise SettingsError(problem, key="error_settings") from error

Fields: TypeAlias = Mapping[str, Any]
logger = logging.getLogger(__name__)
MOST, LEAST = 100, 20  # log-probabilities asked for: vLLM allows 20 unless it was started with more, as the original API does
RETRIES = 2  # by the client library, with exponential backoff: no connection, 429 and 5xx, before an answer has begun
CONNECT_SECONDS = 10.0
HEADERS = {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding"}
# vLLM and SGLang need the first to go on with the last message, llama-server does so by itself; vLLM and llama-server refuse
# it beside a generation prompt, which is their default.
CONTINUE: Fields = {"continue_final_message": True, "add_generation_prompt": False}
# vLLM and SGLang would take the penalties that a model was published with; transformers serve reads frequency_penalty instead
GREEDY: Fields = {"repetition_penalty": 1.0}
NO_THINKING: Fields = {"chat_template_kwargs": {"enable_thinking": False}}  # hybrid models would think aloud first


class OpenAIModel:
    """A model on a server of the owner's. Calls run side by side, in an event loop in a thread: so they can be dropped."""

    lets_go = True  # a caller of stream() or fill() is let go soon after cancel, also when the engine hangs

    def __init__(self, url: str, model: str = "default", *, key: SecretStr | None = None, timeout: float = 120.0) -> None:
        """Ask the server which models it has.

        Args:
            url: base URL of the API; ends in ``/v1``.
            model: its name on the server; ``default`` means the first that the server lists.
            key: of the server, if it wants one.
            timeout: seconds to wait for the next piece of an answer, attempts included.

        Raises:
            SettingsError: the URL or the key cannot be used, or the server has no such model.
            EngineError: the server cannot be reached, refuses the key or fails.
        """
        self._url, self._key, self._timeout = _check_url(url), _check_key(key), timeout
        self._client = _make_client(self._url, self._key, timeout)
        self._loop, ended = _start(self._client)
        weakref.finalize(self, self._loop.call_soon_threadsafe, ended.set)
        self._model = self._choose(model)

    @property
    def description(self) -> Mapping[str, str]:
        """Engine and name; llama-server names a model by its path, of which the file name is enough."""
        name = self._model.rstrip("/").rpartition("/")[2] if self._model.startswith("/") else self._model
        return {"engine": "openai", "name": name}

    def stream(
        self, prompt: Prompt, *, max_tokens: int, stop: Sequence[str] = (), cancel: threading.Event | None = None
    ) -> Generator[str, None, None]:
        """Yield text as it comes. Closing this generator drops the connection, at which servers stop computing.

        A server that cannot go on with a given answer prefix (transformers serve) begins anew; a repeated prefix is left out.
        """
        if max_tokens <= 0:
            return
        ends = {"stop": list(stop)} if stop else {}
        with closing(self._pieces(prompt, [], cancel, max_tokens=max_tokens, **ends)) as pieces:
            yield from until_stop(without_prefix(pieces, prompt.prefix), stop)  # some servers send the stop text too

    def fill(self, prompt: Prompt, schema: Mapping[str, Any], *, max_tokens: int, cancel: threading.Event | None = None) -> str:
        """Decode up to the end of the first JSON object. vLLM, SGLang and llama-server hold it to the schema; some do not."""
        form = {"type": "json_schema", "json_schema": {"name": "form", "schema": dict(schema), "strict": True}}
        with closing(self._pieces(prompt, [{"response_format": form}], cancel, max_tokens=max_tokens)) as pieces:
            return first_object(pieces)

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        """Read the log-probabilities of the likeliest first tokens of the answer, with or without a blank before the label.

        A server tells those of the likeliest 20 to 100 tokens alone. A label that is not among them gets the lowest of them,
        which is the most that it can have: labels that the model finds that unlikely tie. transformers serve tells none.
        """
        if bad := [label for label in labels if len(label.split()) != 1]:
            raise EngineError(f"A label must be one token, not {bad}. Use single letters as labels.")
        request = self._create(prompt, [{"top_logprobs": MOST}], max_tokens=1, logprobs=True, top_logprobs=LEAST)
        answer = self._wait(request)
        try:
            entries = [(str(e.token).strip(), float(e.logprob)) for e in answer.choices[0].logprobs.content[0].top_logprobs]
        except (AttributeError, IndexError, TypeError, ValueError):
            entries = []
        if not entries:
            problem = f"The server at {self._url} tells no log-probabilities. Use vLLM, SGLang or llama-server."
            raise EngineError(problem, key="error_engine")
        found: dict[str, float] = {}
        for token, value in entries:  # best first: the first token that spells a label counts
            found.setdefault(token, value)
        if not any(label.strip() in found for label in labels):
            problem = f"None of {list(labels)} is among the {len(entries)} likeliest tokens of {self.description['name']}."
            raise EngineError(f"{problem} vLLM tells {MOST} when started with '--max-logprobs {MOST}'; or use a larger model.")
        bound = min(value for _, value in entries)
        return check_log_probabilities({label: found.get(label.strip(), bound) for label in labels})

    async def _names(self) -> list[str]:
        return [str(entry.id) for entry in (await self._client.models.list()).data]

    def _choose(self, model: str) -> str:
        known: list[str] = self._wait(self._names())
        if model == "default" and not known:
            raise SettingsError(f"The server at {self._url} lists no model. Name one with --model.", key="error_settings")
        if model != "default" and known and model not in known:
            there = ", ".join(known[:20])
            problem = f"The server at {self._url} has no model '{model}'. It has: {there}. Name one of them with --model."
            raise SettingsError(problem, key="error_settings")
        return known[0] if model == "default" else model

    async def _create(self, prompt: Prompt, optional: Sequence[Fields], **fields: Any) -> Any:
        """Ask; while the server refuses (400, 422), optional fields are left off: those that it names, or else the first.

        vLLM, SGLang and llama-server ignore fields that they do not know; transformers serve refuses them with 422.
        """
        left = [*optional, *([CONTINUE] if prompt.prefix else []), GREEDY, NO_THINKING]
        fields |= {"model": self._model, "messages": prompt.messages(), "temperature": 0, "frequency_penalty": 0}
        while True:
            more = {name: value for part in left for name, value in part.items()}  # wins where both have a field
            try:
                return await cast("Any", self._client.chat.completions.create)(**fields, extra_body=more)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not left:
                    raise
                said = self._said(error)
                named = [part for part in left if any(name in said for name in part)]
                refused = named if 0 < len(named) < len(left) else left[:1]  # all of them: it repeats the whole request
                logger.debug("the server refuses a request, tried again without %s: %s", refused, said)
                left = [part for part in left if part not in refused]

    async def _receive(self, inbox: Inbox, prompt: Prompt, optional: Sequence[Fields], fields: Fields) -> None:
        finished = False
        try:
            async with await self._create(prompt, optional, stream=True, **fields) as chunks:
                async for chunk in chunks:
                    for choice in chunk.choices or ():
                        finished = finished or choice.finish_reason is not None
                        if text := choice.delta and choice.delta.content:
                            inbox.put(str(text))
            inbox.put(None if finished else EngineError(f"The server at {self._url} broke off in the middle of an answer."))
        except Exception as error:
            inbox.put(error)

    def _pieces(
        self, prompt: Prompt, optional: Sequence[Fields], cancel: threading.Event | None, **fields: Any
    ) -> Generator[str, None, None]:
        """Yield pieces until the answer ends or soon after cancel."""
        if cancel is not None and cancel.is_set():
            return
        inbox: Inbox = queue.SimpleQueue()
        task = asyncio.run_coroutine_threadsafe(self._receive(inbox, prompt, optional, fields), self._loop)
        try:
            while (piece := self._take(inbox, cancel)) is not None:
                yield piece
        finally:
            task.cancel()

    def _take(self, inbox: Inbox, cancel: threading.Event | None) -> str | None:
        deadline = time.monotonic() + self._timeout
        while cancel is None or not cancel.is_set():
            try:
                piece = inbox.get(timeout=POLL_SECONDS)
            except queue.Empty:
                # the client's own limit begins anew at each attempt and at each sign of life
                if time.monotonic() > deadline:
                    raise self._explain(TimeoutError()) from None
                continue
            if isinstance(piece, Exception):
                raise self._explain(piece) from piece
            return piece
        return None

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return task.result(self._timeout)
        except Exception as error:
            raise self._explain(error) from error
        finally:
            task.cancel()

    def _said(self, error: openai.APIError) -> str:
        """What the server said, without the key, which some repeat."""
        body = error.body
        if isinstance(body, Mapping):
            known = cast("Mapping[str, Any]", body)
            body = known.get("message") or known.get("detail") or known
        text = str(body or error.message)
        return " ".join((text.replace(self._key, "***") if self._key else text).split())[:300]

    def _explain(self, error: Exception) -> EngineError:
        """Say what failed and what to do."""
        server = f"The server at {self._url}"
        match error:
            case EngineError():
                return error
            case openai.APIConnectionError(__cause__=httpx2.ConnectError() | httpx2.ConnectTimeout() as cause):
                text = f"{server} cannot be reached ({cause or 'no answer'}). Start it, or correct ZHIYIN_SERVER_URL."
            case openai.APITimeoutError() | TimeoutError() | concurrent.futures.TimeoutError():
                text = f"{server} did not answer within {self._timeout:g} s. Is it busy? Wait, or raise ZHIYIN_SERVER_TIMEOUT."
            case openai.APIConnectionError():
                text = f"{server} broke off the connection ({error.__cause__}). Look into its log."
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                text = f"{server} refuses the key ({error.status_code}). Set ZHIYIN_SERVER_KEY to a key of this server."
            case openai.NotFoundError():
                text = f"{server} does not know this address or model ({self._said(error)}). Does ZHIYIN_SERVER_URL end in /v1?"
            case openai.APIStatusError():
                text = f"{server} answers {error.status_code}: {self._said(error)}"
            case openai.APIError():
                text = f"{server} failed: {self._said(error)}"
            case _:
                text = f"{server} sent what is no answer of the OpenAI API ({type(error).__name__}). Is it such a server?"
        return EngineError(text, key="error_engine")


def without_prefix(pieces: Iterator[str], prefix: str) -> Iterator[str]:
    """Pass pieces on; a prefix that a server repeats at the beginning of its answer is left out."""
    repeated, held = prefix.strip(), ""
    while len(held.lstrip()) < len(repeated) and repeated.startswith(held.lstrip()) and (piece := next(pieces, "")):
        held += piece
    yield held.lstrip().removeprefix(repeated) if repeated and held.lstrip().startswith(repeated) else held
    yield from pieces


def _check_url(url: str) -> str:
    try:
        parts = httpx2.URL(url.strip())
        good = parts.scheme in ("http", "https") and bool(parts.host) and not parts.query and not parts.fragment
    except httpx2.InvalidURL:
        good = False
    if "@" in url:  # not repeated: there may be a password before it
        problem = "ZHIYIN_SERVER_URL holds a name or a password. Take it out and put the key into ZHIYIN_SERVER_KEY."
    elif not url.strip():
        problem = "The engine 'openai' needs the URL of a server. Set ZHIYIN_SERVER_URL, as in http://127.0.0.1:8000/v1."
    elif not good:
        problem = f"ZHIYIN_SERVER_URL is no URL of a server: '{url}'. It looks like http://127.0.0.1:8000/v1."
    else:
        return url.strip().rstrip("/")
    raise SettingsError(problem, key="error_settings")


def _check_key(key: SecretStr | None) -> str:
    text = key.get_secret_value().strip() if key else ""
    if not (text.isascii() and text.isprintable()):  # the HTTP library's own message would show the key
        problem = "ZHIYIN_SERVER_KEY holds a line break or a character beyond ASCII. Copy the key again."
        raise SettingsError(problem, key="error_settings")
    return text


def _make_client(url: str, key: str, timeout: float) -> openai.AsyncOpenAI:
    async def tidy(request: httpx2.Request) -> None:
        for name in [name for name in request.headers if name not in HEADERS]:
            del request.headers[name]
        request.headers["user-agent"] = "zhiyin"
        if key:
            request.headers["authorization"] = f"Bearer {key}"

    http = httpx2.AsyncClient(event_hooks={"request": [tidy]})
    timeouts = httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS))
    # the library insists on a key; the hook sends the true one or none
    return openai.AsyncOpenAI(api_key="none", base_url=url, timeout=timeouts, max_retries=RETRIES, http_client=http)


def _start(client: openai.AsyncOpenAI) -> tuple[asyncio.AbstractEventLoop, asyncio.Event]:
    """Run an event loop in a thread of its own until the event is set."""
    started: concurrent.futures.Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = concurrent.futures.Future()

    async def live() -> None:
        ended = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), ended))
        async with client:
            await ended.wait()

    threading.Thread(target=lambda: asyncio.run(live()), name="openai-loop", daemon=True).start()
    return started.result()
