"""Reads domains: shipped ones by name, folders that hold a domain.toml, and mapping files that build on a shipped one."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from retrieval.domain import LANGUAGES, Domain
from retrieval.errors import DomainError
from retrieval.mapping import EventMapping

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

DOMAINS = Path(__file__).parent / "domains"
MAPPINGS = Path(__file__).parent / "mappings"
GENERAL = "general"  # the base of a mapping that names none
_OF_THE_BASE = (  # what is not inherited
    *("catalogue", "licence", "mapping", "source", "cleaning", "events", "recognise", "columns", "people", "starters", "title"),
)
_ABILITIES = ("freshness", "series", "companions", "repeat", "once")  # each rests on a facet
_VARIABLE = re.compile(r"\{(\w+)\}")


def load_domain(name_or_path: str | Path) -> Domain:
    """Read a domain by the name of a shipped one or of a ready mapping, by a folder with a domain.toml, or by a mapping file.

    Raises:
        DomainError: it does not exist or cannot be used; the message says which key.
    """
    path = _find(name_or_path)
    data = _read(path)
    if path.name != "domain.toml":
        data.setdefault("name", path.stem)
        data.setdefault("base", GENERAL)
    return make_domain(data, path)


def load_events(name_or_path: str | Path) -> tuple[EventMapping, ...]:
    """Read the ``[[events]]`` of a file that may hold nothing else.

    Raises:
        DomainError: it does not exist, cannot be used or has none.
    """
    path = _find(name_or_path)
    try:
        found = tuple(EventMapping.model_validate(entry) for entry in _read(path).get("events", ()))
    except ValidationError as error:
        raise DomainError(f"{path}: key 'events.{error.errors()[0]['loc'][0]}': {error.errors()[0]['msg']}") from error
    if not found:
        raise DomainError(f"{path}: has no [[events]], which say how a log is read.")
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise DomainError(f"{path}: not valid TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DomainError(f"{path}: cannot be read: {error}") from error


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path).expanduser()
    if path.suffix == ".toml":
        if path.is_file():
            return path
        raise DomainError(f"There is no mapping file {path}. 'zhiyin inspect FILE' writes one.")
    places = (path / "domain.toml", DOMAINS / path / "domain.toml", MAPPINGS / f"{path}.toml")
    for place in places:
        if place.is_file():
            return place
    raise DomainError(
        f"There is no domain '{name_or_path}'. Shipped: {', '.join(shipped_domains())}; ready mappings: "
        f"{', '.join(ready_mappings())}; or give a mapping file, or a folder that holds a domain.toml."
    )


def shipped_domains() -> list[str]:
    """Names of the domains that come with a catalogue."""
    return sorted(path.parent.name for path in DOMAINS.glob("*/domain.toml") if path.parent.name != GENERAL)


def ready_mappings() -> list[str]:
    """Names of the mappings of public data sets."""
    return sorted(path.stem for path in MAPPINGS.glob("*.toml"))


def make_domain(data: Mapping[str, Any], path: Path) -> Domain:
    """Build a domain from the content of a file; what it does not say comes from its base.

    Raises:
        DomainError: it cannot be used; the message says which key.
    """
    if base := data.get("base"):
        data = _inherit(data, _base(str(base), path))
    try:
        domain = Domain.model_validate({**data, "folder": path.parent})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DomainError(f"{path}: key '{where}': {first['msg']}") from error
    _check(domain, path)
    return domain


def _base(name: str, path: Path) -> dict[str, Any]:
    file = DOMAINS / name / "domain.toml"
    if not file.is_file():
        raise DomainError(f"{path}: key 'base': there is no shipped domain '{name}'. Shipped: {', '.join(shipped_domains())}.")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _inherit(data: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a mapping over its base. A facet of the base that the mapping does not name has no column, and goes."""
    own: dict[str, Any] = dict(data.get("facets") or {})
    facets = {name: _labelled(name, _over(_facet(base, name), facet)) for name, facet in own.items()}
    whole = {key: value for key, value in base.items() if key not in _OF_THE_BASE}
    whole |= {key: value for key, value in data.items() if key != "card"} | {"facets": facets}
    for key in ("headline", "ballot"):
        if key not in data:
            whole[key] = [name for name in base.get(key, ()) if name in facets] or _telling(facets, lists=key == "ballot")
    whole["essence"] = [name for name in whole.get("essence", ()) if name in facets]
    if whole.get("per_group") not in facets:
        whole.pop("per_group", None)
    for ability in _ABILITIES:
        if ability not in data and not _rests_on(whole.get(ability), facets):
            whole.pop(ability, None)
    whole["standing"] = [s for s in whole.get("standing", ()) if "standing" in data or _rests_on(s, facets)]
    whole["questions"] = [q for q in whole.get("questions", ()) if "questions" in data or q in facets]
    card: dict[str, Any] = {**base.get("card", {}), **(data.get("card") or {})}
    languages = whole.get("languages", LANGUAGES)
    whole["card"] = {lang: _card(str(card.get(lang, "")), facets, lang, own="card" in data) for lang in languages}
    return whole


def _facet(base: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A facet of the base without its columns, which are those of another table."""
    columns = ("column", "columns", "parts", "flags", "pattern", "separator")
    return {key: value for key, value in base.get("facets", {}).get(name, {}).items() if key not in columns}


def _over(base: dict[str, Any], own: Any) -> dict[str, Any]:
    if not isinstance(own, Mapping):
        return {"type": own}  # refused by the model, which names the key
    merged = {**base, **own}  # pyright: ignore[reportUnknownVariableType]
    if "values" in own and "values" in base:
        merged["values"] = {**base["values"], **own["values"]}  # pyright: ignore[reportUnknownArgumentType]
    return merged  # pyright: ignore[reportUnknownVariableType]


def _rests_on(ability: Any, facets: Mapping[str, Any]) -> bool:
    """Whether the facets that an ability of the base names are in a mapping too."""
    return isinstance(ability, Mapping) and all(ability[key] in facets for key in ("facet", "number") if key in ability)


def _labelled(name: str, facet: dict[str, Any]) -> dict[str, Any]:
    words = name.replace("_", " ")
    return {**facet, "label": {**dict.fromkeys(LANGUAGES, words), **facet.get("label", {})}}


def _telling(facets: Mapping[str, Mapping[str, Any]], *, lists: bool) -> list[str]:
    """Up to four facets that say most about an item at a glance."""
    order = ("list", "text") if lists else ("year", "list", "text", "people", "number", "date")
    return [name for kind in order for name, facet in facets.items() if facet.get("type") == kind][:4]


def _card(template: str, facets: Mapping[str, Mapping[str, Any]], language: str, *, own: bool) -> str:
    """A card over the facets there are: the base's lines without what is missing, and a line of whatever it does not name."""
    if own and template:
        return template
    named = set(_VARIABLE.findall(template))
    kept = _VARIABLE.sub(lambda m: m[0] if m[1] in facets or m[1] in ("title", "text") else "", template).strip()
    stop = "。" if language == "zh" else ". "
    more = stop.join(f"{{{name}}}" for name, facet in facets.items() if name not in named and facet.get("type") != "number")
    lines = kept.splitlines() or (["《{title}》" if language == "zh" else "{title}", "{text}"])
    at = next((n for n, line in enumerate(lines) if "{text}" in line), len(lines))
    return "\n".join([*lines[:at], *([more] if more else []), *lines[at:]])


def _check(domain: Domain, path: Path) -> None:
    for language in domain.languages:
        for what, table in (("[noun]", domain.noun), ("[example]", domain.example), ("[card]", domain.card)):
            if language not in table:
                raise DomainError(f"{path}: {what} has no entry for language '{language}'. Add one or remove the language.")
        for name in _VARIABLE.findall(domain.card[language]):
            if name not in domain.facets and name not in ("title", "text"):
                raise DomainError(
                    f"{path}: the {language} card names '{{{name}}}', which is no facet. Use title, text or a facet."
                )
    for key in ("headline", "ballot", "questions", "essence"):
        for name in getattr(domain, key):
            if name not in domain.facets:
                raise DomainError(f"{path}: {key} names '{name}', which is no facet.")
    _check_abilities(domain, path)
    if not domain.mapping.titles:
        raise DomainError(f'{path}: [mapping] title names no column. Add title = "...".')
    for name, facet in domain.facets.items():
        if not facet.sources and not facet.infer:
            raise DomainError(f"{path}: facet '{name}' names no column. Add column = \"...\" or columns = {{...}}.")
    _check_patterns(domain, path)


def _check_abilities(domain: Domain, path: Path) -> None:
    """Whether every facet that an ability rests on is there and of the type that it needs."""
    series, companions, fresh = domain.series, domain.companions, domain.freshness
    needed: list[tuple[str, str, tuple[str, ...]]] = [("freshness", fresh.facet, ("date",))] if fresh else []
    for standing in domain.standing:
        types = ("list", "text") if standing.op == "excludes" else ("number", "year")
        needed.append(("standing", standing.facet, types))
    needed += [("series", series.facet, ("list", "text")), ("series", series.number, ("number",))] if series else []
    needed += [("companions", companions.facet, ("list",))] if companions else []
    needed += [
        (key, bought.facet, ("list", "text")) for key, bought in (("repeat", domain.repeat), ("once", domain.once)) if bought
    ]
    for key, name, types in needed:
        facet = domain.facets.get(name)
        if facet is None or facet.type not in types:
            raise DomainError(f"{path}: [{key}] needs a facet '{name}' of type {' or '.join(types)}.")


def _check_patterns(domain: Domain, path: Path) -> None:
    patterns = {f"facets.{name}.pattern": facet.pattern for name, facet in domain.facets.items()}
    patterns |= {f"cleaning.{key}": getattr(domain.cleaning, key) for key in ("text_about", "text_not_about")}
    patterns |= {f"care.{key}": pattern for key, pattern in (domain.care.patterns if domain.care else ())}
    for where, pattern in patterns.items():
        try:
            groups = re.compile(pattern or "()").groups
        except re.error as error:
            raise DomainError(f"{path}: key '{where}': not a regular expression: {error}") from error
        if where.startswith("facets") and not groups:
            raise DomainError(f"{path}: key '{where}': has no group. Put what is the value in brackets: ( ).")
