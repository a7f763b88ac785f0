"""Fixtures that many tests share: weights on disk and the public data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from chatbot.keeper import Keeper
from chatbot.llm.scripted import ScriptedModel
from chatbot.llm.weights import fetch
from chatbot.pipeline import RecommendationPipeline
from chatbot.reranking import Poll
from chatbot.settings import Settings
from chatbot.store import InMemoryUserStore
from retrieval.catalog import read_catalog
from retrieval.domain_files import load_domain
from retrieval.embedder import HashingEmbedder
from retrieval.index import build_in_memory
from retrieval.vector_store import InMemoryVectorStore

# Shared machines stall now and then: no time limit for one example, and the same examples every time.
hypothesis.settings.register_profile("zhiyin", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("zhiyin")


# Weights, browsers and trainings: two of them at once are slower than one after the other.
HEAVY = (
    "tests/browser/",
    "tests/contracts/",
    "tests/integration/test_offline",
    "tests/integration/test_quality_sequence",
    "tests/integration/test_real",
    "tests/unit/test_enriching",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process do the tests with weights, browsers and large data, one after the other, and begin with them.

    Beside it another does the light ones, file by file (``make test`` runs two). The groups that xdist has (3.8) do nothing
    in pytest 9.
    """
    from xdist.scheduler import LoadScopeScheduling

    class OneHeavyProcess(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "heavy" if nodeid.startswith(HEAVY) else nodeid.partition("::")[0]

    return OneHeavyProcess(config, log)


@pytest.fixture(scope="session")
def weights_folder() -> Path:
    """Where weights lie: the real cache, so that they are fetched once a machine."""
    return Settings().weights_folder


@pytest.fixture(scope="session")
def smollm_path(weights_folder: Path) -> Path:
    """The small generator for tests, 98 MB; fetched if it is absent."""
    return fetch("smollm2-135m-instruct", weights_folder)


@pytest.fixture(scope="session")
def qwen_path(weights_folder: Path) -> Path:
    """The default generator, 1.1 GB; fetched if it is absent."""
    return fetch("qwen2.5-coder-1.5b-instruct", weights_folder)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The public data beside the repository."""
    path = Path(os.environ.get("ZHIYIN_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"no public data at {path}; set ZHIYIN_SHARED_DATA")
    return path


@pytest.fixture(scope="session")
def movies():
    """The films domain and its whole catalogue, indexed in memory with hashed words."""
    domain = load_domain("movies")
    return build_in_memory(domain, read_catalog(domain.catalogue_path, domain), HashingEmbedder(), InMemoryVectorStore())


@pytest.fixture(scope="session")
def make_pipeline(movies):
    """Wire a pipeline on the films with a scripted model and a fresh store: make_pipeline(script, poll=Poll(...), ...)."""

    def make(script=(), *, model=None, store=None, votes=None, log=None, **options):
        model = model or ScriptedModel(script, votes=votes)
        options.setdefault("poll", Poll(0.5))
        store = store or InMemoryUserStore()
        return RecommendationPipeline(movies, model, store, keeper=Keeper(store, log=log), **options)

    return make


@pytest.fixture(scope="session")
def pipeline(make_pipeline):
    """One pipeline on the films whose model says nothing, so that every reason comes from the card."""
    return make_pipeline()


@pytest.fixture(scope="session")
def movies_domain(movies):
    """The films domain."""
    return movies.domain


@pytest.fixture(scope="session")
def items(movies):
    """The films of the catalogue, by id."""
    return movies.items


@pytest.fixture(scope="session")
def real_data(tmp_path_factory, weights_folder: Path) -> Path:
    """A data folder with the films' index by the default embedder; copy it, for one process may hold an index."""
    data = tmp_path_factory.mktemp("real")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ZHIYIN_") or k == "ZHIYIN_HOME"}
    fetch("use-multilingual-v3", weights_folder)
    command = [sys.executable, Path(__file__).resolve().parents[1] / "app.py", "index"]
    subprocess.run(command, env={**environment, "ZHIYIN_DATA": str(data)}, check=True, timeout=300)
    return data
