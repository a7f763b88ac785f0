"""Under which keys a name is found: folded words, without article or subtitle, with numbers in one form. Pure functions."""

from __future__ import annotations

import re
import unicodedata

# A word ends where Chinese begins ("想看像Interstellar那样的"); an accent may be a character of its own.
WORD = re.compile(r"(?:[^\W_\u3400-\u9fff]|[\u0300-\u036f])+(?:['’][^\W_\u3400-\u9fff]+)?")
HAN = re.compile(r"[\u3400-\u9fff]")
DOT = re.compile(r"[·・•‧．]")  # between the parts of a name in Chinese
_PART = re.compile(r"\s*[:：(（]|\s+[-–—]\s+")
_HAN_PART = re.compile(r"\s*[:：(（—]+")
_HAN_SIGNS = re.compile(r"[^\w\u3400-\u9fff]+")
_ARTICLES = ("the ", "a ", "an ")
_MIN_HAN_PART = 3
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBERS = {
    **{word: str(n) for n, word in enumerate([*_UNITS.split(), "nineteen"])},
    **{word: str(10 * n) for n, word in enumerate(_TENS.split(), 2)},
}
_ROMAN = {word: str(n) for n, word in enumerate("ii iii iv v vi vii viii ix x xi xii xiii xiv xv".split(), 2)}
_LEET = str.maketrans("0134578", "oleasvb")  # "Se7en"
_MIXED = re.compile(r"[a-z]+\d[a-z]+")
_HAN_DIGITS = {**{str(n): han for n, han in enumerate("一二三四五六七八九", 1)}, "Ⅱ": "二", "Ⅲ": "三", "Ⅳ": "四"}
_LAST_NUMBER = re.compile(r"(?<=[\u3400-\u9fff])(\d|I{1,3}|IV|V|[Ⅱ-Ⅳ])$")


def fold(text: str) -> str:
    """Lower-case, unaccented, one form a character; keeps the length of ordinary text."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("’", "'")


def word_key(text: str) -> str:
    """The folded words, one space between two; people type "schindlers list"."""
    return " ".join(WORD.findall(fold(text))).replace("'", "")


def number_word(word: str) -> str:
    """A word in the one form that numbers have: "eleven" and "11", "II" and "2", "se7en" and "seven"."""
    if number := _NUMBERS.get(word) or _ROMAN.get(word):
        return number
    if _MIXED.fullmatch(word):
        return word.translate(_LEET)
    return word


def word_keys(name: str, *, title: bool) -> tuple[list[str], list[str], list[str]]:
    """Return the keys of a name as it is, in other forms (without article, with digits), and those of a title's parts.

    Parts are what stands before a colon or a bracket ("2001"), and what follows it in three words or more ("Fellowship of the
    Ring").
    """
    whole = [word_key(name)]
    if not title:
        return whole, [], []
    if "&" in name:
        whole.append(word_key(name.replace("&", " and ")))
    parts: list[str] = []
    if (found := _PART.search(name)) and found.start():
        short, rest = word_key(name[: found.start()]), word_key(name[found.end() :])
        parts = [short, *([rest] if rest.count(" ") > 1 else [])]
    forms = [form for form in _forms(whole) if form not in whole]
    known = {*whole, *forms}
    return whole, forms, [part for part in _forms(parts) if part not in known]


def _forms(keys: list[str]) -> list[str]:
    keys = [*keys, *(key.removeprefix(article) for key in keys for article in _ARTICLES if key.startswith(article))]
    keys += [key.replace(" and ", " ") for key in keys if key.count(" and ") == 1 and key.count(" ") > 1]
    keys += [" ".join(map(number_word, key.split())) for key in keys if " " in key or _MIXED.fullmatch(key)]
    return [key for key in dict.fromkeys(keys) if key]


def han_keys(name: str, *, title: bool) -> tuple[list[str], list[str], list[str]]:
    """Return the keys of a name in Chinese as it is, in other forms (without signs, 异形二), and those of a title's parts."""
    plain = re.sub(r"\s", "", name)
    forms = [_HAN_SIGNS.sub("", plain), plain.lower()]
    if not title:
        return [plain], [form for form in dict.fromkeys(forms) if form not in ("", plain)], []
    whole = [plain, *forms]
    whole += [_LAST_NUMBER.sub(lambda m: _han_digit(m[1]), key) for key in whole]
    whole += [key[:-1] + digit for key in whole for digit, han in _HAN_DIGITS.items() if key[-1:] == han and digit.isdigit()]
    parts = [_HAN_SIGNS.sub("", part) for part in _HAN_PART.split(plain)]
    parts = [part for part in parts if len(part) >= _MIN_HAN_PART and HAN.search(part) and part not in whole]
    return [plain], [key for key in dict.fromkeys(whole) if key not in ("", plain)], list(dict.fromkeys(parts))


def _han_digit(number: str) -> str:
    roman = {"I": "一", "II": "二", "III": "三", "IV": "四", "V": "五"}
    return roman.get(number) or _HAN_DIGITS.get(number, number)
