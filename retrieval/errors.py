"""Every error that Zhiyin raises on purpose.

::

    ZhiyinError
    ├── SettingsError          a setting, an option or a file given by the user is wrong
    ├── DomainError            a domain.toml cannot be used
    ├── CatalogError           a catalogue row is broken (file, line, field)
    ├── IndexError_
    │   ├── IndexMissingError    there is no index for this domain yet
    │   ├── IndexMismatchError   the index was built by another embedder, card or version
    │   ├── IndexLockedError     another process has it open
    │   ├── VectorServerError    the Chroma server cannot be reached or fails
    │   └── ArtifactError        what was published cannot be read or written
    ├── TrainingError          there is nothing to learn from
    ├── WeightsError           weights are missing, broken or cannot be fetched
    ├── EngineError            a language model cannot be loaded or run
    ├── StoreError             the user store refuses (another user's conversation, a bad file)
    ├── ProfileError           a document that is no exported profile
    └── MessageError           a message cannot be answered (empty, too long)

A message says what is wrong, where, and what to do. ``key`` and ``values`` let a page say it in another language.
"""

from __future__ import annotations

from typing import Any


class ZhiyinError(Exception):
    """Base of the tree. ``key`` names a text of the page's language files; ``values`` fill it."""

    def __init__(self, message: str, *, key: str = "error_generic", **values: Any) -> None:
        """Store the English message and what a translation needs."""
        super().__init__(message)
        self.key = key
        self.values: dict[str, Any] = {"message": message, **values}


class SettingsError(ZhiyinError):
    """A setting, an option or an input file is wrong."""


class DomainError(ZhiyinError):
    """A domain.toml is missing or cannot be used."""


class CatalogError(ZhiyinError):
    """A catalogue row is broken; the message names file, line and field."""

    def __init__(self, path: object, line: int | None, field: str | None, problem: str) -> None:
        """Build the message from its place and its problem."""
        place = f"{path}" + (f", line {line}" if line else "") + (f", field '{field}'" if field else "")
        super().__init__(f"{place}: {problem}", key="error_catalog", place=place, problem=problem)
        self.path, self.line, self.field = path, line, field


class IndexError_(ZhiyinError):
    """Something is wrong with an index."""


class IndexMissingError(IndexError_):
    """There is no index yet."""


class IndexMismatchError(IndexError_):
    """The index does not belong to this embedder, card template or version."""


class IndexLockedError(IndexError_):
    """Another process has the index open: Chroma allows one process a folder."""


class VectorServerError(IndexError_):
    """The server that holds the vectors cannot be reached or fails."""


class ArtifactError(IndexError_):
    """A published index cannot be written, reached or used."""


class TrainingError(ZhiyinError):
    """There is nothing to learn from; the message says what to import."""


class WeightsError(ZhiyinError):
    """Weights are missing, broken, or cannot be fetched."""


class EngineError(ZhiyinError):
    """A language model cannot be loaded or run."""


class StoreError(ZhiyinError):
    """The user store refuses an operation."""


class ProfileError(ZhiyinError):
    """A document cannot be read as an exported profile."""


class MessageError(ZhiyinError):
    """A message that cannot be answered."""


def missing(package: str, extra: str) -> SettingsError:
    """Return the error of a package that is optional and absent."""
    return SettingsError(f"The package {package} is missing. Install it: pip install 'zhiyin[{extra}]'.")
