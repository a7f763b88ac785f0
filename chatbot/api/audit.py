"""Who asked the API for what of whom: one line a request that touched a person, without a word of what was said."""

from __future__ import annotations

import json
import logging
import os
import time
from datetime import datetime, timezone
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

from chatbot.api.callers import Caller
from chatbot.portable import pseudonym

logger = logging.getLogger("zhiyin.audit")
_FILE_BYTES, _FILES = 10_000_000, 10


class _OwnersFile(RotatingFileHandler):
    """Its files can be read by their owner alone."""

    def _open(self) -> IO[str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return open(os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")


class Audit:
    """The log. Give every process a file of its own: two cannot rotate one."""

    def __init__(self, data_folder: Path | None = None, path: str = "") -> None:
        """Begin to log.

        Args:
            data_folder: that the key of the pseudonyms is in; None: it is not said whom a request touched.
            path: of a file of JSON lines, which is rotated; empty: lines of the logger ``zhiyin.audit``.
        """
        self._folder = data_folder
        self._file: _OwnersFile | None = None
        if path:
            Path(path).expanduser().parent.mkdir(parents=True, exist_ok=True)
            self._file = _OwnersFile(Path(path).expanduser(), maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8")

    def note(self, caller: Caller, request_id: str, method: str, route: str, status: int, milliseconds: float) -> None:
        """Write a line, if the request touched somebody.

        Args:
            caller: who asked, and whom it touched.
            request_id: of the request.
            method: of HTTP.
            route: the route's template, without what was filled in.
            status: of the answer.
            milliseconds: until the end of the answer.
        """
        if not caller.touched:
            return
        line = {
            "time": datetime.fromtimestamp(time.time(), timezone.utc).isoformat(timespec="milliseconds"),
            "request": request_id,
            "key": caller.key.id if caller.key else "",
            "key_name": "" if caller.name in caller.touched else caller.name,  # a key may be called as its user is
            "method": method,
            "route": route,
            "users": sorted(pseudonym(self._folder, user) for user in caller.touched) if self._folder else [],
            "status": status,
            "ms": round(milliseconds, 1),
        }
        text = json.dumps(line, ensure_ascii=False)
        if self._file is None:
            logger.info("%s", text)
        else:
            self._file.handle(logging.makeLogRecord({"name": logger.name, "levelno": logging.INFO, "msg": text}))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
