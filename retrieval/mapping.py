"""How the columns of a table become the fields of items and events: the parts of a domain.toml that speak of columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from retrieval.tables.base import Source

Columns: TypeAlias = str | tuple[str, ...]
ORIGINAL = "original"  # the key of a title or text whose language the table does not say

TitleForm: TypeAlias = Literal["year", "article", "alternative"]


class Model(BaseModel):
    """Base of everything read from a domain.toml: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def as_columns(columns: Columns | None) -> tuple[str, ...]:
    """Return one or several column names as a tuple."""
    return () if columns is None else (columns,) if isinstance(columns, str) else tuple(columns)


class ItemMapping(Model):
    """Which columns hold the id, the titles and the texts.

    Attributes:
        id: one column, or several whose values are joined with ``|`` (for a table without ids: title and year).
        title: a column, or language code -> column. ``original`` is the title in the item's own language.
        text: a column, several (joined), or language code -> column or columns.
        language: a column that says which language the title and text of a row are in.
        picture: a column with a URL or the path of a file.
        title_forms: what stands in titles beside the title: ``year`` ("Heat (1995)"), ``article`` ("Game, The"),
            ``alternative`` ("Seven (a.k.a. Se7en)").
    """

    id: Columns
    title: str | Mapping[str, str]
    text: Columns | Mapping[str, Columns] = ()
    language: str | None = None
    picture: str | None = None
    title_forms: tuple[TitleForm, ...] = ()

    @property
    def titles(self) -> dict[str, str]:
        """Language code -> column."""
        return {ORIGINAL: self.title} if isinstance(self.title, str) else dict(self.title)

    @property
    def texts(self) -> dict[str, tuple[str, ...]]:
        """Language code -> columns."""
        if isinstance(self.text, Mapping):
            return {language: as_columns(columns) for language, columns in self.text.items()}
        return {ORIGINAL: as_columns(self.text)} if self.text else {}


class Cleaning(Model):
    """Which rules are off, and the thresholds of those that have one.

    Attributes:
        off: names of rules that do not run.
        text_about: a regular expression that a true description matches within its first 250 characters; a text without a
            match is of something else.
        text_not_about: a regular expression of what must not stand before that match ("is a novel").
        same_text: a text under so many different titles describes none of them.
        years: first and last year that can be true; the last defaults to five years from now.
    """

    off: tuple[str, ...] = ()
    text_about: str | None = None
    text_not_about: str | None = None
    same_text: int = Field(default=3, ge=2)
    years: tuple[int, int] | None = None


class EventMapping(Model):
    """Which columns of a log hold who did what with which item, when and how much.

    Attributes:
        files: patterns of the file names that this mapping is for; empty: any file that has the columns.
        source: how the file is read.
        user: column of the person.
        item: column or columns of the item, as in ``mapping.id``; a column of lists, or of ids parted by blanks, gives an
            event an id, in their order.
        kind: what every row is, or, with ``kinds``, the column that says it.
        kinds: value of the kind column -> kind.
        value: column of the rating, the count or the hours.
        scale: lowest and highest rating.
        unit: what the value of a view, play or purchase counts, for its confidence.
        half: the count or the hours at which confidence is one half.
        time: column of the time: seconds, milliseconds, microseconds or ISO text.
        text: column or columns of a review.
        session: column that names a session.
        session_gap: minutes without an event after which a new session begins, where no column says it.
        bot_per_day: more implicit events of a person in one day (UTC) are a program's: that day is set aside.
        burst_per_minute: implicit events of a person beyond so many in one minute are set aside.
        off: names of rules that do not run.
    """

    files: tuple[str, ...] = ()
    source: Source = Source()
    user: str
    item: Columns
    kind: str
    kinds: Mapping[str, str] = Field(default_factory=dict)
    value: str | None = None
    scale: tuple[float, float] | None = None
    unit: Literal["count", "hours"] = "count"
    half: float = Field(default=1.0, gt=0)
    time: str | None = None
    text: Columns = ()
    session: str | None = None
    session_gap: float = Field(default=30.0, gt=0)
    bot_per_day: int = Field(default=2000, ge=1)
    burst_per_minute: int = Field(default=120, ge=1)
    off: tuple[str, ...] = ()
