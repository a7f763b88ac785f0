"""Takes out of a message what reaches or names its writer: addresses, phone, card and identity numbers. Pure.

Phone numbers are found by the package phonenumbers (Google's metadata of every country); numbers that have a check digit count
only where it is right, so that years and titles stay. Names of people stay: many a wish is for somebody's work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import phonenumbers

_PHONES: Any = phonenumbers  # whose types are not known
_REGIONS = "CN", "US", "GB", "HK", "TW", "SG", "DE", "FR", "AU", "JP"  # of numbers without a country's code
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_CARD = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CHINESE_ID = re.compile(r"(?<!\d)\d{17}[\dXx](?![\dXx])")
_US_ID = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_STREET = re.compile(
    r"\b\d{1,5}[A-Za-z]?,? (?:[A-Z][\w'.]*\.? ){1,4}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|"
    r"Way|Place|Pl|Square|Sq|Terrace|Crescent)\b\.?(?:,? (?:Apt|Apartment|Flat|Unit|Suite|#) ?\w+)?"
    r"(?:(?:,? [A-Z][a-z]+){0,2},? (?:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|(?:[A-Z]{2} )?\d{5}))?"
)
_HOME = re.compile(r"\b(?:live|lives|living|reside|address|deliver|ship|send|post|mail|visit|find me|home is|house is)\b", re.I)
_HAN = r"(?:(?![在住是到去于的来寄送])[\u4e00-\u9fff])"
_CHINESE_STREET = re.compile(
    rf"(?:{_HAN}{{2,8}}?(?:省|市|区|县|镇|乡)){{0,4}}{_HAN}{{1,8}}?(?:路|街|大道|巷|弄|胡同|道)(?:\d+弄)?\d+号"
    r"(?:[\u4e00-\u9fff]{0,8}?\d*[A-Za-z]?(?:室|楼|栋|幢|单元|层|座))*(?:\d{2,5}室?)?"
)
_ISBN = re.compile(r"(?<![\d-])\d(?:-?\d){8}-?[\dXx](?![\d-])")
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_CHINESE_WEIGHTS = 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2
_NAMES = {
    "en": {"email": "email", "phone": "phone number", "card": "card number", "id": "identity number", "address": "address"},
    "zh": {"email": "邮箱", "phone": "电话", "card": "卡号", "id": "证件号", "address": "地址"},
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """Something in a text that names or reaches a person: email, phone, card, id or address."""

    kind: str
    start: int
    end: int


def may_identify(text: str) -> bool:
    """Whether a text has anything that an identifier has: a digit or an @. Most messages have neither."""
    return any(c.isdigit() or c == "@" for c in text)


def find_identifiers(text: str, kept: Sequence[tuple[int, int]] = ()) -> list[Identifier]:
    """Return what names or reaches a person, in the order of the text; nothing overlaps.

    Args:
        text: of a message.
        kept: (start, end) of what is something else, such as titles.
    """
    kept = [*kept, *_matches(_ISBN, text, is_isbn)]
    taken: list[Identifier] = []
    for kind, spans in (
        ("email", (m.span() for m in _EMAIL.finditer(text))),
        ("id", _matches(_CHINESE_ID, text, is_chinese_id)),
        ("id", _matches(_US_ID, text)),
        ("card", _matches(_CARD, text, is_card)),
        ("card", _matches(_IBAN, text, is_iban)),
        ("phone", _phones(text)),
        ("address", _matches(_STREET, text) if _HOME.search(text) else ()),
        ("address", _matches(_CHINESE_STREET, text)),
    ):
        for start, end in spans:
            if not _overlaps(start, end, ((i.start, i.end) for i in taken)) and not _overlaps(start, end, kept):
                taken.append(Identifier(kind, start, end))
    return sorted(taken, key=lambda i: i.start)


def deidentify(text: str, language: str, kept: Sequence[tuple[int, int]] = ()) -> tuple[str, tuple[str, ...]]:
    """Return a text with a word in brackets in the place of every identifier, and the kinds that were taken out."""
    found = find_identifiers(text, kept)
    for identifier in reversed(found):
        word = _NAMES[language][identifier.kind]
        text = f"{text[: identifier.start]}[{word}]{text[identifier.end :]}"
    return text, tuple(dict.fromkeys(i.kind for i in found))


def is_card(number: str) -> bool:
    """Whether the check digit of a payment card is right (Luhn; ISO/IEC 7812)."""
    digits = [int(c) for c in number if c.isdigit()]
    doubled = (d * by for d, by in zip(reversed(digits), cycle((1, 2)), strict=False))
    years = _YEAR.findall(number)
    return len(years) < 3 and len(set(digits)) > 1 and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_isbn(number: str) -> bool:
    """Whether the check digit of a ten-digit book number is right (ISO 2108): such a number names a book, and nobody."""
    digits = [10 if c in "xX" else int(c) for c in number if c.isalnum()]
    return sum(weight * digit for weight, digit in zip(range(10, 0, -1), digits, strict=True)) % 11 == 0


def is_iban(number: str) -> bool:
    """Whether the check digits of an international bank account are right (ISO 13616)."""
    plain = number.replace(" ", "")
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def is_chinese_id(number: str) -> bool:
    """Whether a citizen's number of mainland China has a possible day of birth and the right check digit (GB 11643)."""
    month, day = int(number[10:12]), int(number[12:14])
    total = sum(int(digit) * weight for digit, weight in zip(number, _CHINESE_WEIGHTS, strict=False))
    return 1 <= month <= 12 and 1 <= day <= 31 and "10X98765432"[total % 11] == number[-1].upper()


def _matches(pattern: re.Pattern[str], text: str, right: Callable[[str], bool] | None = None) -> Iterator[tuple[int, int]]:
    return (m.span() for m in pattern.finditer(text) if right is None or right(m.group()))


def _phones(text: str) -> Iterator[tuple[int, int]]:
    """Yield numbers that are valid in a country; those without a country's code need eight digits and no year as a group."""
    for region in _REGIONS:
        for match in _PHONES.PhoneNumberMatcher(text, region, leniency=_PHONES.Leniency.VALID):
            groups: list[str] = re.findall(r"\d+", match.raw_string)
            years = [group for group in groups if _YEAR.fullmatch(group)]
            abroad = match.raw_string.startswith("+")
            if abroad or (sum(map(len, groups)) >= 8 and len(years) * 2 < len(groups)):
                yield match.start, match.end


def _overlaps(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start < there_end and there_start < end for there_start, there_end in spans)
