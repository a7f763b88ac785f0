"""Which columns of a table are the id, the picture, the language and the year, and what stands in its titles. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from retrieval.inspection.columns import ColumnProfile
from retrieval.inspection.sample import Sample
from retrieval.inspection.words import (
    is_anonymous,
    is_of_facet,
    is_of_person,
    is_thing,
    people_names,
    role,
    says,
    tokens,
    words,
)  # fmt: skip
from retrieval.title_forms import take_apart

Profiles = Mapping[str, ColumnProfile]

YEAR_IN_TITLE = r"\((\d{4})\b"
_TITLED = re.compile(r"\((?:1[5-9]|20)\d\d(?:\s?[-–—/]\s?(?:\d{2,4})?)?\)\s*(?:\([A-Z]{1,3}\)\s*)?$")
_ALSO = re.compile(r"\((?:a\.?k\.?a|又名)", re.IGNORECASE)
_BEFORE_YEAR = re.compile(r"\)\s*\(\d{4}[^()]*\)\s*$")
_MOVED = re.compile(r", (?:The|An?|L[ae]|Les|Die|Der|Das|El|Il)(?: ?[(:]|$)", re.IGNORECASE)  # of these, several are no chance
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_UNIQUE = 0.99  # of the ids are different ones
_SAME = 0.95  # of the rows with an id that stood before have the same title, too
_KNOWN = 0.01  # of the rows may lack an id
_GOOD_KEY = 0.95  # of the keys made of title and year are different ones
_NAMED = 0.3  # a name of this weight means the role
_NO_ID = ("flag", "date", "picture", "text", "list", "url", "object", "objects")


def title_forms(titles: Sequence[str]) -> list[str]:
    """What stands in titles beside the title: the year, an article at the end, other titles."""
    titles = [title.strip() for title in titles]
    if not titles:
        return []
    forms: list[str] = []
    if sum(1 for title in titles if _TITLED.search(title)) >= 0.5 * len(titles):
        forms.append("year")
    moved = sum(1 for title in titles if _MOVED.search(title) and "title_article" in take_apart(title, ("year", "article"))[2])
    if moved >= max(2, 0.001 * len(titles)):
        forms.append("article")
    before_year = sum(1 for title in titles if _BEFORE_YEAR.search(title)) if forms[:1] == ["year"] else 0
    also = sum(1 for title in titles if _ALSO.search(title))
    if also >= max(2, 0.002 * len(titles)) or before_year >= max(2, 0.01 * len(titles)):
        forms.append("alternative")
    return forms


# -- the id -----------------------------------------------------------------------------------------------------------


def find_id(sample: Sample, profiles: Profiles, title: str) -> tuple[str | None, bool]:
    """The column of the id, or None; and whether an id stands in several rows."""
    scores = {name: score for name in profiles if (score := _id_score(sample, name)) > 0}
    ordered = sorted(scores, key=lambda name: -scores[name])  # stable: of equals the first column
    for name in ordered:
        if profiles[name].distinct >= _UNIQUE:
            return name, False
    for name in ordered:
        if scores[name] >= 0.5 and sample.same(name, title) >= _SAME:
            return name, True
    return None, False


def _id_score(sample: Sample, name: str) -> float:
    profile, named = sample.profiles[name], tokens(name)
    fractions = profile.type in ("number", "year") and not profile.whole and named != ("id",)  # arXiv's are 0704.0001
    if profile.missing > _KNOWN or profile.type in _NO_ID or fractions or is_of_person(named):
        return 0.0
    found = role(named, "id")
    if found < _NAMED:
        return _id_by_content(sample, name)
    own = tuple(part for part in named if not part.isdecimal())
    if len(own) > 1 and found >= 0.8:
        thing = is_thing(own[:-1], sample.base) or set(own[:-1]) & set(tokens(sample.path.name))
        return 0.95 if thing else 0.3 if is_of_facet(own[:-1], sample.base) else 0.6
    return found - 0.3 * says(named, "popularity")


def _id_by_content(sample: Sample, name: str) -> float:
    """A column whose name does not say it may be the id when it is the first, and every row has a code or number of its own."""
    profile, named = sample.profiles[name], tokens(name)
    alike = profile.type == "code" or (profile.type in ("number", "year") and profile.whole)
    place = list(sample.profiles).index(name)
    if not alike or profile.distinct < 1 or profile.missing or profile.known < 3 or place > is_anonymous(name):
        return 0.0
    other = any(says(named, kind) for kind in ("popularity", "place", "technical")) or role(named, "year") > 0
    return 0.0 if other or is_of_facet(named, sample.base) else 0.2


def composed_id(sample: Sample, profiles: Profiles, title: str, year: str | None) -> list[str]:
    """An id made of the title and what tells items of the same title apart: the year, an address, or who made it."""
    keys = [title, year] if year and year != title else [title]
    if sample.distinct(keys) >= _GOOD_KEY:
        return keys
    for name, profile in profiles.items():
        if profile.type == "url" and profile.missing <= _KNOWN and profile.distinct >= _UNIQUE:
            return [name]
    heads = people_names(sample.base)
    for name in profiles:
        if tokens(name) in heads or tokens(name)[-1:] in heads:
            return [*keys, name] if sample.distinct([*keys, name]) >= sample.distinct(keys) + 0.02 else keys
    return keys


# -- picture, language, year ------------------------------------------------------------------------------------------


def find_picture(profiles: Profiles) -> str | None:
    """The column with the picture of an item, rather a large one."""
    scores: dict[str, float] = {}
    for name, profile in profiles.items():
        named = tokens(name)
        found = max((role((part,), "picture") for part in named), default=0.0)
        alike = profile.type in ("picture", "url") or (profile.type == "constant" and profile.known <= 3)
        if alike and profile.missing <= 0.95 and (found >= _NAMED or profile.type == "picture"):
            size = 0.3 * says(named, "large") - 0.4 * says(named, "small")
            scores[name] = 0.5 + found + size - profile.missing
    return max(scores, key=lambda name: scores[name], default=None)


def find_language(sample: Sample, profiles: Profiles, title: str) -> str | None:
    """The column with the code of the language that a row's title and text are in."""
    codes = set(words().languages["codes"])
    for name, profile in profiles.items():
        named = tokens(name)
        if role(named, "language") < 0.8 or profile.type != "word" or says(named, "qualifier") or "spoken" in named:
            continue
        if all(re.split(r"[-_]", value)[0] in codes for value in profile.common) and _agrees(sample, name, title):
            return name
    return None


def _agrees(sample: Sample, column: str, title: str) -> bool:
    """Whether titles are in the language of the column: a Chinese title in a row that says Chinese, and in no other."""
    right = wrong = 0
    for row in sample.rows:
        chinese = str(row.get(column) or "").lower().startswith(("zh", "chi", "cmn", "cn"))
        written = bool(_CHINESE.search(str(row.get(title) or "")))
        right += chinese and written
        wrong += chinese != written
    return right >= wrong or wrong <= 0.005 * len(sample.rows)


def find_year(sample: Sample, profiles: Profiles, title: str) -> tuple[str, str | None] | None:
    """The column of the year, or of a date, or of titles that end with it; and the pattern that finds it there."""
    years, dates = dict[str, float](), dict[str, float]()
    for name, profile in profiles.items():
        named = tokens(name)
        if profile.missing > 0.9 or says(named, "technical"):
            continue
        found = role(named, "year")
        if found >= 0.4 and (profile.type in ("year", "date") or _may_be_years(profile)):
            years[name] = found + (profile.type == "year") - profile.missing
        elif profile.type == "date":
            dates[name] = max(role(named, "date"), 0.2) - profile.missing / 2
        elif profile.type == "year" and not found and not says(named, "popularity") and role(named, "id") < _NAMED:
            dates[name] = 0.3 - profile.missing / 2
    for scores in (years, dates):
        if scores:
            return max(scores, key=lambda name: scores[name]), None
    if "year" in title_forms([value for value in sample.values(title) if isinstance(value, str)]):
        return title, YEAR_IN_TITLE
    return None


def _may_be_years(profile: ColumnProfile) -> bool:
    if profile.lowest is None or profile.highest is None or not profile.whole:
        return False
    return profile.lowest >= -4000 and 1000 <= profile.highest <= 2100
