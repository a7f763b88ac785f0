"""What went wrong with a database, in words: which fault it is, where, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy import Engine, event, exc
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from retrieval.errors import StoreError

Fault: TypeAlias = Literal["busy", "full", "read_only", "lost", ""]

_ADVICE: dict[Fault, str] = {
    "busy": "is in use by another program or by too many at once. Nothing that was stored is lost. Try again in a moment; if "
    "it stays so, find out which program holds it.",
    "full": "cannot be written: the disk is full, or it fails. Nothing that was stored is lost. Make room, then try again.",
    "read_only": "can be read, but not written. Give this program the right to write to it.",
    "lost": "cannot be reached. Nothing that was stored is lost. Bring it back; the program goes on by itself then.",
    "": "failed. Look into the log of the database.",
}
_SAID: tuple[tuple[str, Fault], ...] = (  # parts of what SQLite says; SQLCipher's module has no codes of errors
    ("is locked", "busy"),
    ("database or disk is full", "full"),
    ("disk i/o error", "full"),  # also of a file that may not grow
    ("readonly database", "read_only"),
    ("unable to open database file", "lost"),
)
_STATES: tuple[tuple[str, Fault], ...] = (  # beginnings of the states that PostgreSQL tells (its manual, appendix A)
    ("55P03", "busy"),  # a lock was not available
    ("40", "busy"),  # a deadlock, or two that changed the same
    ("57014", "busy"),  # a time limit
    ("53300", "busy"),  # too many connections
    ("53", "full"),  # of disk or memory
    ("25006", "read_only"),
    ("08", "lost"),
    ("57P", "lost"),  # it shuts down, crashed or starts
)


def watch(engine: Engine) -> None:
    """Let every error of a database that is no bug of ours come as a :class:`StoreError`; lost connections are replaced."""
    where = engine.url.render_as_string()

    def translate(context: ExceptionContext) -> Exception | None:
        if context.is_pre_ping or not isinstance(context.sqlalchemy_exception, exc.DatabaseError | exc.InterfaceError):
            return None
        if isinstance(context.sqlalchemy_exception, exc.IntegrityError | exc.ProgrammingError | exc.DataError):
            return None
        return store_error(context.original_exception, where, lost=context.is_disconnect)

    event.listen(engine, "handle_error", translate)


def store_error(cause: BaseException, where: str, *, lost: bool = False) -> StoreError:
    """Return the error of a database.

    Args:
        cause: what its driver raised.
        where: the database, without a password.
        lost: the connection to it is.
    """
    fault: Fault = _fault(cause) or ("lost" if lost else "")
    key = f"error_store_{fault}" if fault else "error_store"
    error = StoreError(f"The user store {where} {_ADVICE[fault]} ({_short(cause)})", key=key)
    error.__cause__ = cause
    return error


def _fault(cause: BaseException) -> Fault:
    state, said = str(getattr(cause, "sqlstate", None) or ""), str(cause).lower()
    if isinstance(cause, exc.TimeoutError):  # no connection came free
        return "busy"
    for beginning, fault in _STATES:
        if state.startswith(beginning):
            return fault
    if not state and type(cause).__module__.startswith("psycopg"):  # it never spoke to the server
        return "lost"
    for part, fault in _SAID:
        if part in said:
            return fault
    return ""


def _short(cause: BaseException) -> str:
    return " ".join(str(cause).split())[:200] or type(cause).__name__


class Pool(QueuePool):
    """Connections of a database; that none comes free in time is a :class:`StoreError` too."""

    def connect(self) -> PoolProxiedConnection:
        """Take one."""
        try:
            return super().connect()
        except exc.TimeoutError as error:
            raise store_error(error, "(all connections)").with_traceback(None) from error


def keep_file(engine: Engine, path: Path) -> None:
    """Notice that the file of an SQLite database was moved away or replaced: what is written to the old one would be lost."""
    known = False  # once there was one, no empty one takes its place unseen

    def look() -> tuple[int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def gone() -> StoreError:
        problem = f"The file of the user store, {path}, is no longer there."
        return StoreError(f"{problem} Put it back; or start the program again, which begins a new one.", key="error_store_lost")

    def opening(_dialect: Any, _record: Any, _args: Any, _options: Any) -> None:
        if known and look() is None:
            raise gone()

    def opened(_connection: Any, record: Any) -> None:
        nonlocal known
        record.info["file"], known = look(), True

    def taken(_connection: Any, record: Any, _proxy: Any) -> None:
        now = look()
        if now is None:
            raise gone()
        if now != record.info["file"]:
            raise exc.DisconnectionError(f"{path} is another file")  # the pool opens the new one

    event.listen(engine, "do_connect", opening)
    event.listen(engine, "connect", opened)
    event.listen(engine, "checkout", taken)
