"""Repairs of single values: markup, broken encodings, white space, years and numbers in words. Pure; each repair has a name.

Every function takes the value and a ``note`` to call with the name of each rule that changed it; ``Rules`` counts them and
knows which are switched off.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from functools import lru_cache

import ftfy
from dateutil import parser as dates
from ftfy.badness import is_bad

from retrieval.errors import DomainError

CHANGES = {
    "html_entities": "&amp; and its like became characters, also where they were escaped twice",
    "html_tags": "tags such as <br /> went",
    "mojibake": "text decoded with the wrong encoding was repaired (ftfy)",
    "unicode": "composed to NFC; control and zero-width characters and broken halves went",
    "whitespace": "runs of blanks and line ends became one blank, the ends were trimmed",
    "nan_text": "a word for nothing (NaN, NULL, N/A, \\N) is unknown",
    "number_as_text": "a number where a text stands (the title 1984) is text",
    "title_year": "the year after a title went from it",
    "title_article": "an article after a title moved before it",
    "title_alternative": "another title in brackets became a title of its own",
    "number_in_text": "a number was read out of words (117 min)",
    "year_in_date": "a year was read out of a date or words",
    "bad_number": "what is no number is unknown",
    "bad_date": "what is no date is unknown",
    "out_of_range": "a number or year that cannot be true is unknown",
    "unknown_value": "a value that the mapping calls unknown is unknown",
    "junk_value": "a list entry without a letter or digit went",
    "repeated_value": "a value twice in one list stands once",
    "empty_text": "the item has no description",
    "foreign_text": "a description of something else went",
    "same_text": "a description under many different titles went",
}
REJECTS = {
    "wrong_field_count": "more or far fewer fields than columns: the row is shifted",
    "broken_quotes": "a quotation mark that does not close",
    "undecodable": "bytes or characters that no encoding explains",
    "invalid_json": "no valid JSON",
    "not_an_object": "JSON, but no object",
    "wrong_column": "a word where a number or year belongs: the row is shifted",
    "no_id": "no id",
    "no_title": "no title",
    "duplicate_id": "the id stands above with other content",
}
MERGES = {
    "duplicate_row": "the same id with the same content",
    "same_item": "another id, but title and year are the same and nothing contradicts",
}
RULES = CHANGES | REJECTS | MERGES

_ALWAYS = REJECTS.keys() - {"wrong_column", "duplicate_id"}
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]+);|&(?:amp|quot|lt|gt|nbsp|#\d+)(?![A-Za-z0-9;=])")
_TAG = re.compile(
    r"</?(?:a|b|i|u|s|p|br|hr|em|strong|span|div|ul|ol|li|h[1-6]|img|sup|sub|font|small|big|cite|blockquote|q|code|pre|"
    r"table|tbody|thead|tr|td|th|center|section|article|wbr)\b[^<>]*/?>|<!--.*?-->|<(script|style)\b.*?</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)
_SPACES = re.compile(r"\s+")
_CONTROL = re.compile(
    r"[\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff\ufffe\uffff\ud800-\udfff]"
)
_LOST = re.compile(r"\ufffd{2,}")
_SUSPECT = re.compile("[\u0080-\u2fff]{2}|Ã\\?Â")  # broken UTF-8 leaves such pairs; Chinese lies above them
_HALF_DOUBLE = re.compile(r"Ã\?(?=Â)")  # UTF-8 twice, and the middle byte (0x83) was then lost
_NOTHING = frozenset(
    {"nan", "null", "none", "n/a", "#n/a", "na", "\\n", "undefined", "nil", "-", "--", "?", "unknown", "<na>", "nat"}
)
_NO_TITLE = frozenset({"nan", "null", "\\n", "#n/a", "<na>", "undefined"})  # a thing may well be called "None" or "Unknown"
_NUMBER = re.compile(r"[-+]?\d{1,3}(?:[,\u00a0 ]\d{3})+(?:\.\d+)?|[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")
_YEAR = re.compile(r"(?<![\d.])(-?\d{3,4})(?![\d])")
_ISO = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?月?年?)?(?:[T ].*)?\s*(?:\(.*\))?年?")

Note = Callable[[str], None]


class Rules:
    """Which rules run, and how often each did."""

    def __init__(self, off: Iterable[str] = ()) -> None:
        """Switch rules off by name.

        Raises:
            DomainError: there is no such rule, or it cannot be switched off because the item would not exist.
        """
        self.off = frozenset(off)
        self.counts: Counter[str] = Counter()
        if wrong := sorted(self.off - RULES.keys()):
            raise DomainError(f"There is no cleaning rule '{wrong[0]}'. Rules: {', '.join(RULES)}.")
        if fixed := sorted(
            self.off & {"no_id", "no_title", "invalid_json", "not_an_object", "undecodable", "wrong_field_count"}
        ):
            raise DomainError(f"The rule '{fixed[0]}' cannot be switched off: without it there is no item.")

    def on(self, rule: str) -> bool:
        """Whether a rule runs."""
        return rule not in self.off

    def note(self, rule: str) -> None:
        """Count a rule that did something."""
        self.counts[rule] += 1

    def text(self, value: str) -> str:
        """Clean one text: markup, encoding, Unicode, white space. Most texts are clean, so the checks come cheapest first."""
        off = self.off
        if "&" in value and "html_entities" not in off:
            value = self._changed("html_entities", value, _unescape(value))
        if "<" in value and "html_tags" not in off:
            value = self._changed("html_tags", value, _TAG.sub(" ", value))
        printable = value.isprintable()  # no control character, and no white space but the blank
        if not value.isascii():
            if "mojibake" not in off and _SUSPECT.search(value) and (is_bad(value) or "Ã?Â" in value):
                value = self._changed("mojibake", value, _fix_encoding(value))
                printable = value.isprintable()
            if "unicode" not in off and not (printable and unicodedata.is_normalized("NFC", value) and "\ufffd" not in value):
                fixed = unicodedata.normalize("NFC", _LOST.sub("\ufffd", _CONTROL.sub("", value)))
                value = self._changed("unicode", value, fixed)
        elif not printable and "unicode" not in off:
            value = self._changed("unicode", value, _CONTROL.sub("", value))
        if (not printable or "  " in value or value[:1] == " " or value[-1:] == " ") and "whitespace" not in off:
            value = self._changed("whitespace", value, _SPACES.sub(" ", value).strip())
        return value

    def _changed(self, rule: str, before: str, after: str) -> str:
        if after != before:
            self.counts[rule] += 1
        return after

    def is_nothing(self, text: str, *, title: bool = False) -> bool:
        """Whether a text is a word for nothing. Of titles, fewer words are."""
        if len(text) <= 9 and text.lower() in (_NO_TITLE if title else _NOTHING) and self.on("nan_text"):
            self.note("nan_text")
            return True
        return False


def _unescape(value: str) -> str:
    for _ in range(3):  # "&amp;amp;" was escaped twice
        fixed = _ENTITY.sub(lambda match: html.unescape(match[0]), value)
        if fixed == value:
            return value
        value = fixed
    return value


def _fix_encoding(value: str) -> str:
    return ftfy.fix_encoding(_HALF_DOUBLE.sub("Ãƒ", value))


def read_number(value: object) -> tuple[int | float | None, bool]:
    """Read a number; also out of words, thousands parted by commas ("1,234 g").

    Returns:
        The number or None, and whether it stood between words.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value) if abs(value) < 2**63 else float("inf")
        return (None if number != number or abs(number) == float("inf") else _whole(number)), False
    text = str(value).strip()
    try:
        number = float(text) if "_" not in text else float("nan")
    except ValueError:
        found = _NUMBER.search(text)
        if not found or not text.isprintable():
            return None, False
        number = float(re.sub(r"[,\u00a0 ]", "", found[0]))
        return (None if abs(number) == float("inf") else _whole(number)), True
    return (None if number != number or abs(number) == float("inf") else _whole(number)), False


def _whole(number: float) -> int | float:
    return int(number) if abs(number) < 2**53 and number.is_integer() else number  # larger floats are no whole numbers


def read_year(value: object) -> tuple[int | None, bool]:
    """Read a year from a number, a date or words.

    Returns:
        The year or None, and whether it stood in a date or between words.
    """
    number, in_words = read_number(value)
    if number is not None and not in_words:
        return (int(number), False) if number == int(number) and abs(number) < 10000 else (None, False)
    text = str(value)
    if iso := _ISO.fullmatch(text.strip()):
        return int(iso[1]), True
    found = _YEAR.findall(text)
    return (int(found[-1].lstrip("-")) if found else None), True


@lru_cache(maxsize=65536)
def read_date(text: str) -> str | None:
    """Read a date into ISO text as exact as it was: "2018-07-05", "1993-02" or "1961"; None when it is none."""
    text = text.strip()
    if iso := _ISO.fullmatch(text):
        year, month, day = iso[1], int(iso[2] or 0), int(iso[3] or 0)
        try:
            datetime(int(year), month or 1, day or 1, tzinfo=timezone.utc)
        except ValueError:
            return None
        return year + (f"-{month:02}" if month else "") + (f"-{day:02}" if day else "")
    if not re.search(r"\d{3,4}|'\d\d", text) or len(text) > 60:
        return None
    try:
        return dates.parse(text, default=datetime(1, 1, 1)).date().isoformat()
    except (ValueError, OverflowError, TypeError):
        return None
