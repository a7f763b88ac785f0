"""The recommender's own parts, put together for conversations about films."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.quality.conversations import Moment
from benchmarks.quality.films import FilmCatalogue
from chatbot.embedding import build_embedder
from chatbot.learning import query_of
from chatbot.lexicon import Lexicon
from chatbot.llm.base import LanguageModel
from chatbot.llm.factory import build_language_model
from chatbot.reranking import Poll, rerank
from chatbot.settings import make_settings
from chatbot.types import Request
from retrieval.collaborative import ItemItemIndex
from retrieval.ease import ease_index
from retrieval.fusion import RRF_K
from retrieval.index import build_in_memory
from retrieval.learned import Learned
from retrieval.titles import NameIndex
from retrieval.training import Example, Trainer
from retrieval.types import Candidate, Query, Wish
from retrieval.vector_store import InMemoryVectorStore

VOTE_WEIGHT = 0.5  # half a channel's


class Reader(Protocol):
    """Makes examples of moments."""

    def example(self, moment: Moment) -> Example:
        """Return the example of a moment."""
        ...


class DialogueParts:
    """Index, trainer and readers over one catalogue of films.

    Attributes:
        trainer: learns from examples.
        given: reads moments by the entities in the file.
        linked: reads moments by what our own linking finds in the text.
    """

    def __init__(self, films: FilmCatalogue, folders: Sequence[Path], tell: Callable[[str], None]) -> None:
        """Index the catalogue and learn what the log says."""
        self.films = films
        domain, items = films.domain, list(films.items.values())
        tell("embedding the items")
        index = build_in_memory(domain, items, build_embedder(make_settings()), InMemoryVectorStore())
        log = films.likes(list(folders))
        index = replace(
            index,
            rows={domain.card_language("en"): index.vectors_of(list(index.items), "en")},
            collaborative=ItemItemIndex.from_matrix(list(index.items), log) if log is not None else None,
            ease=ease_index(list(index.items), log) if log is not None else None,
        )
        self.trainer = Trainer(index, log, lambda stage, fraction: tell(f"{stage} {fraction:.0%}"))
        self._encoder_trainer: Any = None
        lexicon = Lexicon(domain)
        self.given, self.linked = GivenReader(films, lexicon), LinkedReader(films, lexicon, NameIndex(items, domain))

    def train(self, examples: Sequence[Example]) -> Learned:
        """Learn from examples, if there are any; the log is learned once."""
        if not examples:
            trainer, none = self.trainer, np.zeros(len(self.trainer.table), np.float32)
            return Learned(trainer.table, trainer.vectors, None, none, none, None)
        if self._encoder_trainer is None:
            wishes = [(name, value) for name in ("genres", "moods") for value in self.trainer.index.domain.facets[name].values]
            self._encoder_trainer = self.trainer.encoder_trainer(wishes)
        return self.trainer.train(examples, self._encoder_trainer)

    def model(self) -> LanguageModel:
        """Load the language model that votes."""
        return build_language_model(make_settings())

    def vote(self, model: LanguageModel, query: Query, ranked: Sequence[str]) -> list[str]:
        """Return the ranked items as the model's vote reorders them, at half a channel's weight."""
        candidates = [Candidate(self.films.items[item], 1 / (RRF_K + n)) for n, item in enumerate(ranked, 1)]
        request = Request("recommend", "en", query.text or "?", query.text, liked=query.liked, wishes=query.wishes)
        titles = ", ".join(self.films.items[item].title("en") for item in query.liked[-3:])
        voted = rerank(model, request, candidates, self.films.domain, Poll(VOTE_WEIGHT), liked=titles)
        return [candidate.item.id for candidate in voted]


class GivenReader:
    """Trusts the entities of the file; wishes are the genres that they or the messages name, and the people."""

    def __init__(self, films: FilmCatalogue, lexicon: Lexicon) -> None:
        self._films, self._lexicon = films, lexicon
        self._people: dict[str, dict[Wish, None]] = {}
        for item in films.items.values():
            for facet in films.domain.people_facets:
                for name in map(str, item.values(facet)):
                    self._people.setdefault(name.lower(), {})[Wish(facet, name)] = None

    def example(self, moment: Moment) -> Example:
        """Return the example of a moment."""
        return self.made(moment, moment.mentioned, moment.names)

    def made(self, moment: Moment, liked: Sequence[str], names: Sequence[str]) -> Example:
        """Return an example of what is liked and named."""
        people = [wish for name in names for wish in self._people.get(name.lower(), ())]
        named = query_of(names, (), self._lexicon).wishes
        query = query_of(moment.said, liked, self._lexicon, [*named, *people])
        return Example(moment.dialogue, query, moment.targets, moment.recommender and bool(moment.said))


class LinkedReader(GivenReader):
    """Finds titles and people in the text alone."""

    def __init__(self, films: FilmCatalogue, lexicon: Lexicon, names: NameIndex) -> None:
        super().__init__(films, lexicon)
        self._index = names
        self._found: dict[str, list[tuple[str, str]]] = {}

    def example(self, moment: Moment) -> Example:
        """Return the example of a moment."""
        found = [pair for text in moment.said for pair in self._find(text)]
        liked = dict.fromkeys(target for kind, target in found if kind == "item")
        people = dict.fromkeys(target for kind, target in found if kind != "item")
        return self.made(moment, list(liked), list(people))

    def _find(self, text: str) -> list[tuple[str, str]]:
        if text not in self._found:
            self._found[text] = [(m.kind, m.target) for m in self._index.find(text)]
        return self._found[text]
