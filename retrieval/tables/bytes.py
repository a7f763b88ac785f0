"""The bytes of a file: unpacked when they are gzip, and decoded by the encoding that they turn out to have."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from charset_normalizer import from_bytes

from retrieval.errors import CatalogError

_GZIP = b"\x1f\x8b"
MARK = "retrieval.mark"  # the error handler: a byte that cannot be decoded becomes a half surrogate, which no text has
_CHUNK = 1 << 20
_PIECE = 1 << 16  # of a line, so that one of gigabytes does not fill the memory
_SAMPLE = 32_000  # bytes shown to the detector
_EVIDENCE = 1 << 20  # bytes outside ASCII after which the encoding is certain
_LONGEST_LINE = 64 << 20
_MARKED = re.compile("[\udc00-\udcff]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_RUN = re.compile(rb"[\x80-\xff]+")
# In the order in which they are preferred when the detector finds several equally good.
_WIDE = ("gb18030", "big5", "cp932", "euc_jp", "cp949")
_NARROW = ("cp1252", "latin_1", "cp1251", "koi8_r", "cp1250", "iso8859_2", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257")
_RARE = ("cp874", "mac_roman", "cp850", "cp437", "cp866")
_HEAD_START = {"gb18030": 0.04, "cp1252": 0.025}  # the detector finds them in few words as often as their neighbours
_NAMES = {"big5": "big5hkscs", "latin_1": "latin-1"}  # big5hkscs reads all of Big5 and the characters added to it since


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(MARK, _mark)


def is_packed(path: Path) -> bool:
    """Whether a file is gzip, whatever its name."""
    with io.FileIO(path) as file:
        return file.read(2) == _GZIP


@contextmanager
def opened(path: Path) -> Generator[tuple[io.BufferedReader, io.FileIO]]:
    """Open a file, gzip or not: the unpacked bytes, and the file itself to see how far they are read."""
    packed = is_packed(path)
    with io.FileIO(path) as file:
        inner = gzip.GzipFile(fileobj=file) if packed else file
        with io.BufferedReader(cast("Any", inner), _CHUNK) as data:
            yield data, file


@dataclass
class Place:
    """How far a reader has come, for its errors."""

    line: int | None = None


@contextmanager
def guarded(path: Path) -> Generator[Place]:
    """Turn whatever can go wrong while a file is read into a CatalogError."""
    place = Place()
    try:
        yield place
    except FileNotFoundError as error:
        raise CatalogError(path, None, None, "there is no such file") from error
    except PermissionError as error:
        raise CatalogError(path, None, None, "may not be read by this user. Change its permissions (chmod u+r).") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        problem = f"the gzip file is cut off or damaged ({error}). Fetch or pack it again."
        raise CatalogError(path, place.line, None, problem) from error
    except (OSError, ValueError) as error:  # ValueError: a path with NUL, a codec that decodes no text
        raise CatalogError(path, place.line, None, f"cannot be read: {error}") from error


def known_encoding(path: Path, name: str) -> str:
    """Return the name of an encoding.

    Raises:
        CatalogError: there is none of that name.
    """
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name).close()
        return "utf-8" if codecs.lookup(name).name == "utf-8" else name
    except (LookupError, ValueError) as error:
        raise CatalogError(path, None, None, f"'{name}' is no encoding. Give one such as utf-8, gb18030 or cp1252.") from error


@dataclass(frozen=True)
class Survey:
    """What a first reading of a text file found: its encoding, and the length of its longest line in bytes (about)."""

    encoding: str
    longest: int

    def check_lines(self, path: Path) -> None:
        """Refuse a file that has no lines to speak of.

        Raises:
            CatalogError: a line would fill the memory.
        """
        if self.longest > _LONGEST_LINE:
            problem = f"has a line of more than {_LONGEST_LINE >> 20} MB. Is it a table, with one record a line?"
            raise CatalogError(path, None, None, problem)


def survey(path: Path) -> Survey:
    """Read a text file once, without decoding what is ASCII, and tell its encoding; the same file is not read again."""
    status = path.stat()
    return _survey(path.absolute(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _survey(path: Path, size: int, changed: int) -> Survey:
    with opened(path) as (data, _):
        head = data.peek(4)[:4]
        encoding = next((name for mark, name in _BOMS if head.startswith(mark)), None)
        decoder = None if encoding else codecs.getincrementaldecoder("utf-8")()
        longest = run = 0
        while chunk := data.read(_CHUNK):
            end = b"\n" if b"\n" in chunk else b"\r"
            if (last := chunk.rfind(end)) >= 0:
                longest, run = max(longest, run + chunk.find(end)), len(chunk) - last
            else:
                run += len(chunk)
            if decoder and not (chunk.isascii() and decoder.getstate()[0] == b""):
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    decoder = None
        if decoder:
            try:
                decoder.decode(b"", True)
            except UnicodeDecodeError:
                decoder = None
    if encoding is None:
        encoding = "utf-8" if decoder else _other_encoding(path)
    return Survey(encoding, max(longest, run))


def _other_encoding(path: Path) -> str:
    """Tell the encoding of a file that is not UTF-8 throughout.

    Text in another encoding hardly ever has a sequence of bytes that is a character in UTF-8. A file where most are is UTF-8,
    and the rest of it is broken.
    """
    good = bad = 0
    sample: list[bytes] = []
    with opened(path) as (data, _):
        size = 0
        while (line := data.readline(_PIECE)) and good + bad < _EVIDENCE:
            if line.isascii():
                continue
            text = line.decode("utf-8", MARK)
            good += len(line) - len(text)  # the bytes after the first of every character
            if broken := len(_MARKED.findall(text)):
                bad += broken
                if size < _SAMPLE:
                    sample.append(line.rstrip(b"\r\n"))
                    size += len(line)
    return "utf-8" if bad * 3 <= good else _guess(sample)


def _guess(lines: Sequence[bytes]) -> str:
    """Tell the encoding of some lines by the detector."""
    runs = [len(run) for line in lines for run in _RUN.findall(line)]
    alone = runs.count(1) / sum(runs)  # an accent among ASCII letters is; of two-byte characters few have ASCII on both sides
    wide = _WIDE if alone < 0.8 else ()
    names = (*wide, *_NARROW, *_RARE)
    found = _matches(lines, names)
    for name in wide:  # which a broken line rules out, for the detector wants every byte to fit
        fitting = [line for line in lines if _fits(line, name)]
        if 0.95 * len(lines) <= len(fitting) < len(lines):
            found += _matches(fitting, (name,))
    if not found:
        return "cp1252" if all(_fits(line, "cp1252") for line in lines) else "latin-1"
    least = min(found)[0]
    near = {name for chaos, name in found if chaos <= least + _HEAD_START.get(name, 0.01)}
    name = next(name for name in names if name in near)
    return _NAMES.get(name, name)


def _matches(lines: Sequence[bytes], names: Sequence[str]) -> list[tuple[float, str]]:
    """Return (how much of it is no likely text, encoding) of the encodings that fit."""
    matches = from_bytes(b"\n".join(lines), cp_isolation=list(names))
    return [(match.chaos, name) for match in matches for name in match.could_be_from_charset if name in names]


def _fits(line: bytes, name: str) -> bool:
    try:
        line.decode(name)
    except UnicodeDecodeError:
        return False
    return True
