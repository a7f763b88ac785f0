"""Which columns of a table become facets, under which name and of which type. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from retrieval.facet import FacetType
from retrieval.inspection.columns import AUTOMATIC, ColumnProfile
from retrieval.inspection.proposal import Choice
from retrieval.inspection.sample import Sample
from retrieval.inspection.words import Base, Tokens, facet_of_values, fit, is_anonymous, role, says, tokens, words

_FIT = 0.8  # how well a name must be that of a facet
_RARE = 0.95  # missing in so many rows, a column says too little
_SPARSE = 0.8  # the same for a column whose name tells nothing
_SOFT = 0.2  # a list with so many different entries names details, not kinds
_VALUES = (2, 300)  # different values of a text facet that is one by content alone
_FLAGS = 3  # columns of 0 and 1 in a row that are one list
_RESERVED = ("title", "text")  # what a card's template means by them
_SHAPES: Mapping[FacetType, tuple[str, ...]] = {
    "list": ("list", "word", "name", "code", "constant"),
    "people": ("list", "word", "name", "constant"),
    "text": ("word", "name", "list", "code", "constant"),
    "number": ("number", "year"),
    "year": ("year", "number", "date"),
    "date": ("date",),
}


@dataclass(frozen=True)
class _Wish:
    """A facet that a column could be."""

    name: str
    type: FacetType
    fit: float
    known: bool = True  # to the base or to words.toml, so that it has words of its own


def propose_facets(sample: Sample, choice: Choice) -> dict[str, dict[str, Any]]:
    """Make the facets; notes in ``choice.taken`` what each column became."""
    facets: dict[str, dict[str, Any]] = {}
    if choice.year:
        _year(sample, choice, facets)
    columns = [name for name in choice.rest if name not in choice.taken]
    for group in _numbered(sample, columns):
        _parts(sample, group, facets, choice)
    for run in _flag_runs(sample):
        _flags(sample, [name for name in run if name in columns], facets, choice)
    wishes = {name: wish for name in columns if name not in choice.taken if (wish := _wish(sample, name))}
    for name in sorted(wishes, key=lambda name: -wishes[name].fit):  # stable: of equals the first column
        _add(sample, name, wishes[name], facets, choice)
    order = {name: place for place, name in enumerate(sample.profiles)}
    return dict(sorted(facets.items(), key=lambda item: (item[0] != "year", min(order.get(c, 0) for c in _columns(item[1])))))


def _columns(facet: Mapping[str, Any]) -> Iterable[str]:
    return [facet["column"]] if "column" in facet else facet.get("parts") or facet.get("flags") or [""]


def _year(sample: Sample, choice: Choice, facets: dict[str, dict[str, Any]]) -> None:
    assert choice.year is not None
    column, pattern = choice.year
    facet: dict[str, Any] = {"type": "year", "column": column}
    if pattern:
        facet["pattern"] = pattern
    elif sample.profiles[column].zeros:
        facet["unknown"] = ["0"]
    facets["year"] = facet | _speech(sample.base, "year", known=True)
    choice.take([column], "facet year")


def _wish(sample: Sample, name: str) -> _Wish | None:
    """Which facet a column could be: by its name, else by its content."""
    profile, named = sample.profiles[name], tokens(name)
    if profile.missing > _RARE or role(named, "user") >= 0.5 or says(named, "place") or says(named, "technical"):
        return None
    if profile.type in ("number", "year") and (says(named, "popularity") or role(named, "id") >= 0.4):
        return None
    wish = _by_name(sample, named)
    if wish and _fits(profile, wish.type):
        return wish
    return _by_values(sample, name) if is_anonymous(name) else _by_content(profile, named)


def _fits(profile: ColumnProfile, wanted: FacetType) -> bool:
    return profile.type in _SHAPES[wanted] and not (profile.type == "constant" and profile.lowest is not None)


def _by_name(sample: Sample, named: Tokens) -> _Wish | None:
    own = tuple(part for part in named if not part.isdecimal())
    if len(own) > 1 and own[-1] in ("name", "list", "text", "value", "名", "名称"):
        own = own[:-1]
    base = sample.base
    best: _Wish | None = None
    for facet, names in base.names.items():
        found = max(fit(own, phrase) for phrase in names)
        if found >= _FIT and (best is None or found > best.fit):
            best = _Wish(facet, base.types[facet], found)
    for facet, listed in words().facets.items():
        found = max(fit(own, phrase) for phrase in listed.names)
        if found >= _FIT and (best is None or found > best.fit):
            target = next((name for name in (facet, *listed.instead) if name in base.types), facet)
            best = _Wish(target, base.types.get(target, listed.type), found)
    return None if best and best.name == "year" else best


def _by_content(profile: ColumnProfile, named: Tokens) -> _Wish | None:
    name = slug(profile.name)
    if not name or profile.missing > _SPARSE or role(named, "id") >= 0.7 or role(named, "text") >= 0.5:
        return None
    if profile.type == "list" and not says(named, "popularity") and not _of_numbers(profile.common):
        return _Wish(name, "list", 0.3, known=False)
    if profile.type == "word" and _VALUES[0] <= profile.distinct * profile.known <= _VALUES[1]:
        return _Wish(name, "text", 0.2, known=False)
    if profile.type == "number" and role(named, "id") < 0.4 and profile.highest != profile.lowest:
        return _Wish(name, "number", 0.1, known=False)
    return None


def _of_numbers(values: Iterable[str]) -> bool:
    listed = list(values)
    return sum(value.replace(".", "").lstrip("-").isdecimal() for value in listed) > 0.5 * len(listed)


def _by_values(sample: Sample, name: str) -> _Wish | None:
    """A column without a name is the facet whose words its values are, or tags."""
    profile = sample.profiles[name]
    if profile.type not in ("list", "word") or profile.missing > _SPARSE:
        return None
    if facet := facet_of_values(sample.base, profile.common):
        return _Wish(facet, sample.base.types[facet], 0.3)
    return _Wish("tags", "list", 0.2) if profile.type == "list" else None


def _add(sample: Sample, column: str, wish: _Wish, facets: dict[str, dict[str, Any]], choice: Choice) -> None:
    profile, name = sample.profiles[column], wish.name
    if name in facets or name in _RESERVED:
        name = slug(profile.name)
    kind: FacetType = "list" if profile.type == "list" and wish.type == "text" and profile.key else wish.type
    if sample.base.types.get(name, kind) != kind:  # the base's words for it are of numbers, and here it is a text
        name = f"{name}_{kind}"
    if not name or name in facets or name in _RESERVED:
        return
    facet: dict[str, Any] = {"type": kind, "column": profile.name}
    if kind in ("list", "people"):
        if profile.separator and profile.separator not in AUTOMATIC:
            facet["separator"] = profile.separator
        if profile.key and profile.key != "name":
            facet["key"] = profile.key
    if unknown := _unknown(profile, kind):
        facet["unknown"] = unknown
    facet |= _speech(sample.base, name, known=wish.known and name == wish.name)
    if kind == "list" and profile.distinct >= _SOFT and not wish.known:
        facet["match"] = "soft"
    facets[name] = facet
    choice.take([profile.name], f"facet {name}")


def _unknown(profile: ColumnProfile, kind: FacetType) -> list[str]:
    if kind == "number":
        real = set(tokens(profile.name)) & {part for word in words().unknown["zero_is_real"] for part in tokens(word)}
        return ["0"] if profile.zeros >= 0.003 and profile.gap and not real else []
    listed = words().unknown["values"]
    return [value for value in listed if value in profile.common]


def _speech(base: Base, name: str, *, known: bool) -> dict[str, Any]:
    """The words for a facet that the base has none for: those of words.toml, else its name, to be edited."""
    if known and name in base.types:
        return {}
    listed = words().facets.get(name) if known else None
    if listed is None:
        return {"label": dict.fromkeys(("en", "zh"), name.replace("_", " "))}
    found: dict[str, Any] = {"label": dict(listed.label)}
    if listed.match:
        found["match"] = listed.match
    for key, phrases in (("less", listed.less), ("more", listed.more)):
        if phrases:
            found[key] = {language: list(said) for language, said in phrases.items()}
    return found


def slug(name: str) -> str:
    """A column's name as that of a facet, which a card's template can hold."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.rsplit(":", 1)[0] if ":" in name else name)
    found = re.sub(r"\W+", "_", spaced.lower()).strip("_")
    return found if re.fullmatch(r"\w+", found) else ""


# -- several columns that are one facet -------------------------------------------------------------------------------


def _numbered(sample: Sample, columns: Iterable[str]) -> list[list[str]]:
    """Columns that differ by a number alone: actor_1_name, actor_2_name."""
    groups: dict[Tokens, dict[int, str]] = {}
    for name in columns:
        named = tokens(name)
        digits = [part for part in named if part.isdecimal() and len(part) <= 4]
        if (
            len(digits) == 1
            and len(named) > 1
            and not is_anonymous(name)
            and sample.profiles[name].type in ("word", "name", "list")
        ):
            groups.setdefault(tuple("#" if part.isdecimal() else part for part in named), {})[int(digits[0])] = name
    ordered = [[group[number] for number in sorted(group)] for group in groups.values() if min(group) <= 1]
    return [group for group in ordered if len(group) > 1]


def _parts(sample: Sample, group: list[str], facets: dict[str, dict[str, Any]], choice: Choice) -> None:
    own = tuple(part for part in tokens(group[0]) if not part.isdecimal())
    wish = _by_name(sample, own)
    if wish is None or wish.type not in ("list", "people"):
        plain = own[:-1] if len(own) > 1 and own[-1] == "name" else own
        wish = _Wish(slug(" ".join(plain)), "list", 0.5, known=False)
    if not wish.name or wish.name in facets or wish.name in _RESERVED:
        return
    facets[wish.name] = {"type": wish.type, "parts": group, **_speech(sample.base, wish.name, known=wish.known)}
    choice.take(group, f"facet {wish.name}")


def _flag_runs(sample: Sample) -> list[list[str]]:
    """Columns of 0 and 1 that stand side by side and have names."""
    runs: list[list[str]] = [[]]
    for name, profile in sample.profiles.items():
        if profile.type == "flag" and not is_anonymous(name):
            runs[-1].append(name)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) >= _FLAGS]


def _flags(sample: Sample, run: list[str], facets: dict[str, dict[str, Any]], choice: Choice) -> None:
    if len(run) < _FLAGS:
        return
    prefix = _prefix(run)
    values = {name: (name[len(prefix) :] if prefix else name).replace("_", " ").strip() or name for name in run}
    name = facet_of_values(sample.base, values.values()) or slug(prefix) or "features"
    if name in facets or name in _RESERVED or name in ("is", "has"):
        name = "features"
    if name in facets or sample.base.types.get(name, "list") != "list":
        return
    facets[name] = {"type": "list", "flags": values, **_speech(sample.base, name, known=True)}
    choice.take(run, f"facet {name}")


def _prefix(names: list[str]) -> str:
    """What names begin with in common, up to a sign: genre_ of genre_action and genre_drama."""
    first, last = min(names), max(names)
    size = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    found = re.match(r".*[_\-. ]", first[:size])
    return found[0] if found else ""
