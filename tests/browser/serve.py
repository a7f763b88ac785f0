"""Serves the page over the real pipeline on the demo catalogue, with a hashing embedder and a scripted model.

python serve.py PORT DATABASE_URL [--load-seconds S] [--delay S] [--fail] [--password P] [--single-user]
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pydantic import SecretStr

from chatbot.loading import Loader
from chatbot.ui.access import Access
from chatbot.ui.page import build_page
from chatbot.ui.rooms import rooms_of
from chatbot.ui.serving import launch
from retrieval.domain_files import load_domain
from retrieval.errors import EngineError, WeightsError


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("database")
    parser.add_argument("--load-seconds", type=float, default=0.0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--fail", action="store_true")
    parser.add_argument("--break", dest="breaks", choices=["engine", "crash"])
    parser.add_argument("--password", default="")
    parser.add_argument("--single-user", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)

    def load(report):
        for part, stage in enumerate(("libraries", "embedder", "index", "model")):
            report(stage, part / 4)
            time.sleep(options.load_seconds / 4)
        if options.fail:
            raise WeightsError("No model file at /nowhere. Run 'python app.py weights' to fetch it.", key="error_weights")
        from chatbot.llm.scripted import ScriptedModel

        class Breaking(ScriptedModel):
            """Fails after a word."""

            def stream(self, prompt, **options):
                for n, piece in enumerate(super().stream(prompt, **options)):
                    if n:
                        raise self.error
                    yield piece

        from chatbot.pipeline import RecommendationPipeline
        from chatbot.store import SqlUserStore
        from retrieval.catalog import read_catalog
        from retrieval.embedder import HashingEmbedder
        from retrieval.index import build_in_memory
        from retrieval.vector_store import InMemoryVectorStore

        domain = load_domain("movies")
        items = list(read_catalog(domain.catalogue_path, domain))
        index = build_in_memory(domain, items, HashingEmbedder(), InMemoryVectorStore())
        # what the script says proves nothing, so every reason is quoted from the card: real, and the same each time
        model = (Breaking if options.breaks else ScriptedModel)(lambda _: "word " * 30, delay=options.delay)
        model.error = {"engine": EngineError("It went away.", key="error_engine"), "crash": RuntimeError("boom")}.get(
            options.breaks
        )
        return RecommendationPipeline(index, model, SqlUserStore(options.database))

    loader = Loader(load)
    loader.start()
    [room] = rooms_of([load_domain("movies")])
    access = Access(SecretStr(options.password), options.single_user)
    launch(build_page(loader, access=access, room=room), "127.0.0.1", options.port, access=access)


if __name__ == "__main__":
    main()
