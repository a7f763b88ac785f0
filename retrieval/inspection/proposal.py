"""Which columns of a table are the title, the texts, and what goes with them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from retrieval.inspection.columns import ColumnProfile
from retrieval.inspection.keys import Profiles, composed_id, find_id, find_language, find_picture, find_year
from retrieval.inspection.sample import Sample
from retrieval.inspection.words import Base, is_anonymous, is_of_facet, is_of_person, language_of, role, says, tokens
from retrieval.mapping import ORIGINAL

_NAMED = 0.3  # a name of this weight means the role
_SAME = 0.95  # of the rows of one item have the same value in a column that is the item's
_TEXT_LENGTH = 25  # characters that a column named as text has on average, at least
_SENTENCES = 0.6  # of the texts have common English words
_CHINESE_WIDTH = 1.5  # that a Chinese character counts for beside its own
_NO_TITLE = ("flag", "list", "url", "picture", "constant")
_ODD_TITLE = ("text", "date", "number", "year", "code")  # titles only by a clear name


@dataclass
class Choice:
    """What was chosen.

    Attributes:
        titles: language -> column.
        texts: language -> column.
        keys: the columns of the id.
        picture: a column.
        language: a column.
        year: the column of the year, and the pattern that finds it in a title.
        repeats: whether several rows are of one item.
        taken: column -> what it is taken as.
        rest: columns that may become facets.
    """

    titles: dict[str, str] = field(default_factory=dict[str, str])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    keys: list[str] = field(default_factory=list[str])
    picture: str | None = None
    language: str | None = None
    year: tuple[str, str | None] | None = None
    repeats: bool = False
    taken: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    rest: list[str] = field(default_factory=list[str])

    def take(self, columns: Iterable[str], use: str) -> None:
        """Note what columns are taken as."""
        for column in columns:
            self.taken.setdefault(column, []).append(use)


def choose(sample: Sample) -> Choice:
    """Choose the columns. Without a title there is no proposal, and the choice is empty."""
    choice = Choice()
    usable = {name: profile for name, profile in sample.profiles.items() if _usable(name, profile)}
    choice.titles = _titles(usable, sample.base)
    if not choice.titles:
        return choice
    title = next(iter(choice.titles.values()))
    rest = _without(usable, choice.titles.values())
    single, choice.repeats = find_id(sample, rest, title)
    rest = _without(rest, [single] if single else [])
    if choice.repeats and single:  # such as the reviews of a product: what differs between them is not the product's
        rest = {name: profile for name, profile in rest.items() if sample.same(single, name) >= _SAME}
    choice.texts = _texts(rest, sample.base)
    rest = _without(rest, choice.texts.values())
    choice.picture = find_picture(rest)
    choice.language = find_language(sample, rest, title)
    _settle_languages(choice)
    rest = _without(rest, [column for column in (choice.picture, choice.language) if column])
    choice.year = find_year(sample, rest, title)
    choice.keys = [single] if single else composed_id(sample, rest, title, choice.year[0] if choice.year else None)
    choice.take(choice.keys, "id")
    for use, columns in (("title", choice.titles), ("text", choice.texts)):
        for language, column in columns.items():
            choice.take([column], use if language == ORIGINAL else f"{use} ({language})")
    choice.take([choice.picture] if choice.picture else [], "picture")
    choice.take([choice.language] if choice.language else [], "language")
    choice.rest = list(rest)
    return choice


def _without(profiles: Profiles, columns: Iterable[str]) -> dict[str, ColumnProfile]:
    gone = set(columns)
    return {name: profile for name, profile in profiles.items() if name not in gone}


def _usable(name: str, profile: ColumnProfile) -> bool:
    """Whether a mapping can name a column: it has a name that TOML can hold, and plain values."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return bool(name) and profile.type not in ("empty", "object", "objects")


# -- titles -----------------------------------------------------------------------------------------------------------


def _titles(profiles: Profiles, base: Base) -> dict[str, str]:
    few = max((profile.known for profile in profiles.values()), default=0) <= 3  # rows: any column may be constant
    scores: dict[str, float] = {}
    for name, profile in profiles.items():
        if profile.type in _NO_TITLE and not (profile.type == "constant" and few):
            continue
        if (score := _title_score(name, profile, base)) > 0:
            scores[name] = score
    return _by_language(scores, profiles, "title")


def _title_score(name: str, profile: ColumnProfile, base: Base) -> float:
    _, named = language_of(tokens(name))
    if is_of_person(tokens(name)) or profile.missing > 0.5:
        return 0.0
    found = role(named, "title")
    content = profile.distinct - 2 * profile.missing
    if found < _NAMED:
        alike = profile.type == "name" and profile.distinct >= 0.7 and profile.missing <= 0.1 and profile.known >= 3
        alike = alike and any(c.isalpha() for example in profile.examples for c in example)
        other = any(says(named, kind) for kind in ("technical", "place")) or is_of_facet(named, base) or role(named, "id") > 0.4
        return (0.0 if other or not alike else content * 0.5) if is_anonymous(name) else content * 0.3 * (alike and not other)
    if profile.type in _ODD_TITLE and found < 0.8:
        return 0.0
    penalty = 0.3 * says(tokens(name), "qualifier") + 1.2 * is_of_facet(named, base) + 0.3 * (profile.type in ("text", "date"))
    penalty += 0.1 * (named != tokens(name))  # "Name" before "English name", which is often missing or "Unknown"
    return max(2 * found + content - penalty, 0.01)


# -- texts ------------------------------------------------------------------------------------------------------------


def _texts(profiles: Profiles, base: Base) -> dict[str, str]:
    scores = {name: score for name, profile in profiles.items() if (score := _text_score(name, profile, base)) > 0}
    return _by_language(scores, profiles, "text")


def _text_score(name: str, profile: ColumnProfile, base: Base) -> float:
    named = language_of(tokens(name))[1]
    wide = profile.length * (1 + _CHINESE_WIDTH * profile.chinese)
    prose = profile.type == "text"
    if profile.missing > 0.98 or profile.type not in ("text", "name", "word", "constant"):
        return 0.0
    found = role(named, "text")
    if found >= 0.2 and not is_of_person(tokens(name)) and (prose or wide >= _TEXT_LENGTH):
        return max(2 * found + prose - profile.missing, 0.01)
    names = is_of_facet(named, base) and profile.speech[1] < _SENTENCES  # a long list of people, without a word between
    if prose and not names and not says(named, "technical"):
        return max(0.5 + min(wide / 1000, 0.3) - profile.missing / 2 - 0.3 * is_of_person(tokens(name)), 0.01)
    return 0.0


# -- languages --------------------------------------------------------------------------------------------------------


def _by_language(scores: Mapping[str, float], profiles: Profiles, wanted: str) -> dict[str, str]:
    """The best column, and beside it those that say the same in another language."""
    ordered = sorted(scores, key=lambda name: -scores[name])  # stable: of equals the first column
    if not ordered:
        return {}
    best = ordered[0]
    stem = language_of(tokens(best))[1]
    found: dict[str, str] = {}
    for name in ordered:
        mark, rest = language_of(tokens(name))
        if name != best and (mark is None or not (rest == stem or role(rest, wanted) >= 0.9)):
            continue
        found.setdefault(mark or spoken(profiles[name]), name)
    return {language: found[language] for language in ("en", "zh", ORIGINAL) if language in found}


def spoken(profile: ColumnProfile) -> str:
    """The language of a column's texts: "en", "zh", or that of the item where they are mixed or in another."""
    chinese, english = profile.speech
    return "zh" if chinese >= 0.5 else "en" if english >= 0.6 and chinese < 0.05 else ORIGINAL


def _settle_languages(choice: Choice) -> None:
    """Where a column says the language of a row, one title and one text are in it; titles follow texts of an unknown one."""
    if choice.language:
        choice.titles = {ORIGINAL: _plainest(choice.titles)}
        choice.texts = {ORIGINAL: _plainest(choice.texts)} if choice.texts else {}
    elif [*choice.texts] == [ORIGINAL] and len(choice.titles) == 1 and language_of(tokens(_plainest(choice.titles)))[0] is None:
        choice.titles = {ORIGINAL: _plainest(choice.titles)}


def _plainest(columns: Mapping[str, str]) -> str:
    return next((name for language, name in columns.items() if language != ORIGINAL), next(iter(columns.values())))
