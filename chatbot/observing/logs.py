"""Logs on standard error: lines for people, or one JSON object a line. A person's words are at debug level alone."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from chatbot.settings import Settings

FORMAT = "%(asctime)s %(name)s %(levelname)s %(message)s"
AUDIT = "zhiyin.audit"
OWN = "zhiyin", "chatbot", "retrieval"
QUIET = {
    "bm25s": logging.ERROR,
    "chromadb": logging.ERROR,
    "httpx": logging.ERROR,
    "chatbot.store.faults.Pool": logging.WARNING,  # SQLAlchemy's, named so after a pool of ours
}
# Errors of libraries quote what they were given: SQLAlchemy the values of a statement, pydantic those of a field.
_GIVEN = re.compile(r"\n\[parameters: .*?(?=\n\(Background|\Z)|(?<=input_value=).*?(?=, input_type=)", re.DOTALL)


def configure_logs(settings: Settings | None, verbose: bool = False) -> None:
    """Set up the logs of the whole process.

    Args:
        settings: ``log`` is read; None where the settings themselves are wrong: text.
        verbose: the user's words and every rejected sentence too.
    """
    handler = logging.StreamHandler(sys.stderr)
    if settings is not None and settings.log == "json":
        handler.setFormatter(_json_formatter(verbose))
        logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
        logging.captureWarnings(True)
        threading.excepthook = _log_uncaught
    else:
        handler.setFormatter(logging.Formatter(FORMAT) if verbose else _WithoutInput(FORMAT))
        logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in OWN:
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)  # its lines hold addresses with what is searched for


def without_input(text: str) -> str:
    """Take out of an error's text what a library quotes of its input, which may be a person's words."""
    return _GIVEN.sub("…", text)


class _WithoutInput(logging.Formatter):
    """The usual lines, without the input that errors quote."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        return without_input(super().format(record))


def _log_uncaught(args: threading.ExceptHookArgs) -> None:
    """Log what ended a thread, instead of printing it."""
    if args.exc_type is not SystemExit and args.exc_value is not None:
        name = args.thread.name if args.thread else "?"
        logging.getLogger("zhiyin").error("the thread %s ended", name, exc_info=args.exc_value)


def _json_formatter(verbose: bool) -> logging.Formatter:
    """Return what makes JSON of a record: time, level, logger, event, what is bound to its context, and its exception."""
    import structlog

    exceptions = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
        ],
        processors=[
            _add_time,
            _open_audit,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.ExceptionRenderer(exceptions),
            *(() if verbose else (_drop_input,)),
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(default=str),  # ASCII: a terminal of any encoding can print it
        ],
    )


def _add_time(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say when the record was made, and put first what every line has."""
    event.pop("color_message", None)  # uvicorn's text once more, for terminals
    created = datetime.fromtimestamp(event["_record"].created, timezone.utc)
    first = {"time": created.isoformat(timespec="milliseconds"), **{k: event.get(k) for k in ("level", "logger", "event")}}
    return {**first, **{key: value for key, value in event.items() if key not in first}}


def _open_audit(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the record that an audit line is, as JSON already, into the object as such."""
    if event["logger"] == AUDIT:
        with suppress(ValueError):
            event["audit"] = json.loads(event["event"])
            event["event"] = "request"
    return event


def _drop_input(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out of the event and its exceptions what libraries quote of their input."""
    event["event"] = without_input(str(event["event"]))
    for trace in event.get("exception") or ():
        _clean(trace)
    return event


def _clean(trace: dict[str, Any]) -> None:
    trace["exc_value"] = without_input(str(trace["exc_value"]))
    trace["exc_notes"] = [without_input(str(note)) for note in trace.get("exc_notes") or ()]
    for group in trace.get("exceptions") or ():
        for inner in group:
            _clean(inner)
