"""The product over the shipped catalogue, in a data folder of its own that is thrown away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app import open_pipeline
from chatbot.catalogues import find_catalogue
from chatbot.pipeline import RecommendationPipeline
from chatbot.settings import Settings


@contextmanager
def shipped(**options: Any) -> Iterator[RecommendationPipeline]:
    """Open the pipeline; ``options`` are settings."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), **options)
        with open_pipeline(settings, find_catalogue(settings, None)) as pipeline:
            yield pipeline
