"""Other ways to ask than for one letter of ten bare lines: ballots with a line of each text, yes or no of a card, a title.

The likelihood of a title as the recommender's next words is read with transformers: llama.cpp's server tells no
log-probabilities of what it is given.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch

from benchmarks.yes_no import log_odds
from chatbot.llm.base import LanguageModel, Prompt
from chatbot.llm.chat_format import encode
from chatbot.llm.convert import convert
from chatbot.llm.manifest import resolve
from chatbot.pipeline import RecommendationPipeline
from chatbot.reranking import LABELS, Answer, Poll, ask, ballot_line, tally, vote_prompt
from chatbot.settings import Settings
from chatbot.statements import description_sentences
from chatbot.types import Request
from chatbot.writing import by_nearness
from retrieval.domain import Domain
from retrieval.types import Candidate, Item

LABELED, LINED, FIT, TITLE = NAMES = ("labels", "lined", "fit", "title")
FITS = {
    "en": Prompt("You match films with a wish. Answer Yes or No.", "Film: {line}\nWish: {wish}\nDoes the film fit the wish?"),
    "zh": Prompt("你判断电影合不合心意，回答是或否。", "电影：{line}\n心意：{wish}\n这部电影合心意吗？"),
}
SAYS = {
    "en": Prompt("You recommend films.", "{wish}", prefix="You should watch"),
    "zh": Prompt("你推荐电影。", "{wish}", prefix="推荐你看《"),
}
ANYTHING = {"en": "Recommend me a film.", "zh": "推荐一部电影。"}


def card_line(item: Item, domain: Domain, request: Request) -> str:
    """Write what a ballot writes, and the sentence of the text that is nearest to the wish."""
    sentences = description_sentences(item.text(request.language), request.language)
    nearest = by_nearness(sentences, request.query or request.text, request.language, domain.noun_words)
    line = ballot_line(item, domain, request)
    return f"{line}. {sentences[nearest[0]]}" if nearest else line


def lined(model: LanguageModel, request: Request, candidates: Sequence[Candidate], domain: Domain) -> dict[str, float]:
    """Log-probabilities of the letters of a ballot whose lines have a sentence of the text each."""
    labels = LABELS[: len(candidates)]
    scores = model.score(vote_prompt(request, candidates, domain, "", line=card_line), labels)
    return {c.item.id: scores[label] for label, c in zip(labels, candidates, strict=True)}


def fit(model: LanguageModel, request: Request, candidates: Sequence[Candidate], domain: Domain) -> dict[str, float]:
    """Log-odds that a card fits the wish, each asked by itself."""
    asked = FITS[request.language]
    texts = {c.item.id: asked.user.format(line=card_line(c.item, domain, request), wish=request.text) for c in candidates}
    return {item: log_odds(model, Prompt(asked.system, text), request.language) for item, text in texts.items()}


class TitleReader:
    """Mean log-likelihood of each title as what a recommender says next."""

    def __init__(self, settings: Settings) -> None:
        """Load the model of the settings, a GGUF file, as safetensors."""
        transformers: Any = importlib.import_module("transformers")
        path = convert(Path(resolve(settings.model, "generator", settings.weights_folder)), settings.weights_folder)
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True)
        self._model: Any = transformers.AutoModelForCausalLM.from_pretrained(
            path, dtype=torch.float32, local_files_only=True
        ).eval()

    def read(self, request: Request, candidates: Sequence[Candidate], wish: str = "") -> dict[str, float]:
        """Return item id -> natural log-likelihood a token of its title after the wish."""
        says = SAYS[request.language]
        opened = encode(
            self._tokenizer, Prompt(says.system, says.user.format(wish=wish or request.text), prefix=says.prefix), ""
        )
        titles = [self._ids(c.item.title(request.language), request.language) for c in candidates]
        longest = max(map(len, titles))
        with torch.inference_mode():
            first = self._model(input_ids=torch.tensor([opened]), use_cache=True)
            cache = first.past_key_values
            cache.batch_repeat_interleave(len(titles))
            padded = torch.tensor([ids + [0] * (longest - len(ids)) for ids in titles])
            after = self._model(input_ids=padded, past_key_values=cache).logits
            logits = torch.cat([first.logits[:, -1:].expand(len(titles), -1, -1), after[:, :-1]], dim=1)
            rows = torch.log_softmax(logits.float(), dim=-1).gather(2, padded.unsqueeze(2)).squeeze(2)
        return {c.item.id: float(row[: len(ids)].mean()) for c, row, ids in zip(candidates, rows, titles, strict=True)}

    def _ids(self, title: str, language: str) -> list[int]:
        text = f"{title}》" if language == "zh" else f" {title}."
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


class _Timed:
    """A model that notes how long each vote took."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.ms: list[float] = []

    def score(self, prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
        before = time.perf_counter()
        found = self._model.score(prompt, labels)
        self.ms.append(1000 * (time.perf_counter() - before))
        return found


def labeled(model: LanguageModel, request: Request, candidates: Sequence[Candidate], domain: Domain) -> dict[str, Any]:
    """Ask for letters in both orders, with the wish and without."""
    timed: Any = _Timed(model)
    answers = ask(timed, request, candidates, domain, Poll(orders=2, calibrated=True))
    return {
        "scores": [answer.scores for answer in answers],
        "priors": [answer.prior for answer in answers],
        "ms": timed.ms[::2],
        "prior_ms": timed.ms[1::2],
    }


class Asker:
    """Asks in any way; the model that reads titles is loaded when it is wanted."""

    def __init__(self, pipeline: RecommendationPipeline) -> None:
        """Take the product's model."""
        self._pipeline = pipeline
        self._reader: TitleReader | None = None

    def ask(self, way: str, request: Request, candidates: Sequence[Candidate]) -> dict[str, Any]:
        """Return what was said, and the milliseconds that it took."""
        asked = (self._pipeline.model, request, candidates, self._pipeline.index.domain)
        before = time.perf_counter()
        if way == LABELED:
            return labeled(*asked)
        if way == TITLE:
            self._reader = self._reader or TitleReader(Settings())
            before = time.perf_counter()
            said = {"scores": self._reader.read(request, candidates),
                    "prior": self._reader.read(request, candidates, ANYTHING[request.language])}  # fmt: skip
        else:
            said = {"scores": (lined if way == LINED else fit)(*asked)}
        return {**said, "ms": [1000 * (time.perf_counter() - before)]}


def _polled(poll: Poll, said: Mapping[str, Any]) -> dict[str, float]:
    """What a poll would have found, from what was said in both orders."""
    pairs = list(zip(said["scores"], said["priors"], strict=True))[: poll.orders]
    return tally([Answer(scores, prior if poll.calibrated else {}) for scores, prior in pairs])


def _less_prior(said: Mapping[str, Any]) -> dict[str, float]:
    """What the wish adds to a title's likelihood."""
    return {item: value - said["prior"][item] for item, value in said["scores"].items()}


# name of an order -> the way of asking, and the votes that it makes of what was said
VOTES: dict[str, tuple[str, Callable[[Mapping[str, Any]], Mapping[str, float]]]] = {
    "labels": (LABELED, partial(_polled, Poll())),
    "labels, calibrated": (LABELED, partial(_polled, Poll(calibrated=True))),
    "labels, two orders": (LABELED, partial(_polled, Poll(orders=2))),
    "labels, two orders, calibrated": (LABELED, partial(_polled, Poll(orders=2, calibrated=True))),
    "labels, with a line of each text": (LINED, itemgetter("scores")),
    "yes or no of each card": (FIT, itemgetter("scores")),
    "likelihood of the title": (TITLE, itemgetter("scores")),
    "likelihood of the title, less its prior": (TITLE, _less_prior),
}
