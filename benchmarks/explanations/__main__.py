"""``python -m benchmarks.explanations``: what is said of recommended items. README.md says what each column is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.explanations import entailment, free, labels, measures, turns
from benchmarks.explanations.measures import Text
from benchmarks.explanations.turns import Recorder, Told
from benchmarks.explanations.wishes import wishes
from benchmarks.quality.files import shared_data
from benchmarks.quality.report import add_json
from benchmarks.shipped import shipped
from benchmarks.understanding.report import tell
from chatbot.grounding import Evidence, Grounder
from chatbot.pipeline import RecommendationPipeline
from chatbot.settings import go_offline
from chatbot.types import Language


def main() -> None:
    """Run the turns, measure the rows and print them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explanations", description=__doc__)
    parser.add_argument("--turns", type=int, default=200, help="wishes a language, half of them over the large catalogues")
    parser.add_argument("--skip", type=int, default=0, help="so many wishes a language first: for texts that nobody has read")
    parser.add_argument("--shipped", action="store_true", help="over the shipped catalogue alone")
    parser.add_argument("--free", type=int, default=10, help="of them so many a language also by the plain prompt")
    parser.add_argument("--parallel", type=int, default=4, help="conversations at once")
    parser.add_argument("--threads", type=int, default=0, help="of the engine")
    parser.add_argument("--labels", action="store_true", help="the checker against the labelled sample alone: no model runs")
    parser.add_argument("--judges", type=int, default=0, metavar="N", help="other judges, on N labelled sentences a language")
    parser.add_argument("--write", type=Path, help="write every text, to be read")
    parser.add_argument("--whole", action="store_true", help="hear sentences to their end that will be refused: to be labelled")
    add_json(parser)
    options = parser.parse_args()
    go_offline()
    if options.labels:
        tell({"labels": labels.measure()}, options.json)
        return
    if options.judges:
        with shipped(threads=options.threads) as opened:
            tell({"judges": entailment.measure(opened.index.embedder, opened.model, options.judges)}, options.json)
        return
    hearing = patch.object(Grounder, "stray", return_value="") if options.whole else nullcontext()
    with hearing, shipped(threads=options.threads) as opened:
        recorder = Recorder(opened.model)
        found = _turns(turns.recorded(opened.index, recorder), recorder, options)
        rows = [row for language in ("en", "zh") for row in _rows(found, language)]
        rows += [row for language in ("en", "zh") for row in _free_rows(found, language, recorder, options.free)]
    tell({"texts": rows, "labels": labels.measure()}, options.json)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _turns(demo: RecommendationPipeline, recorder: Recorder, options: Any) -> list[Told]:
    data = shared_data()
    found: list[Told] = []
    for language in ("en", "zh"):
        asked = wishes(language, options.skip + options.turns)[options.skip :]
        half = len(asked) // 2 if data.is_dir() and not options.shipped else 0
        _say(f"{language}: {len(asked) - half} wishes over the shipped catalogue")
        found += _written(turns.run(demo, recorder, asked[half:], f"shipped-{language}", options.parallel), options.write)
        if half:
            name = turns.LARGE[language][0]
            _say(f"{language}: {half} wishes over {name}")
            large = turns.recorded(turns.large_index(language, data), recorder)
            found += _written(turns.run(large, recorder, asked[:half], name, options.parallel), options.write)
    return [told for told in found if told.recommendation.item.text(told.turn.request.language)]


def _written(found: list[Told], path: Path | None) -> list[Told]:
    if path:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(_line(told), ensure_ascii=False) + "\n" for told in found)
    return found


def _rows(found: Sequence[Told], language: Language) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    told = [t for t in found if t.turn.request.language == language]
    for catalogue in dict.fromkeys(t.catalogue for t in told):
        part = [t for t in told if t.catalogue == catalogue]
        count = len({t.turn.id for t in part})
        ours = _row("ours", catalogue, language, [_ours(t) for t in part], count)
        ours["fallback"] = sum(_written_by(t) == "template" for t in part) / len(part)
        cited = [(r.text, r.sources, t.evidence, _history(t)) for t in part for r in t.recommendation.reasons]
        ours["citations"] = measures.citation_precision(cited)
        rows += [
            ours,
            _row("ours, unchecked", catalogue, language, [_raw(t) for t in part if t.tries and t.tries[0][1]], count),
        ]
    return rows


def _written_by(told: Told) -> str:
    """Who wrote what to expect of an item."""
    reasons = told.recommendation.reasons
    return next((reason.written_by for reason in reasons if "card.summary" in reason.sources), "template")


def _row(system: str, catalogue: str, language: str, texts: Sequence[Text], count: int) -> dict[str, Any]:
    judged = [t.supported for t in texts if t.supported is not None]
    return {
        "system": system, "catalogue": catalogue, "language": language, "turns": count, "texts": len(texts),
        "proved": sum(judged) / len(judged) if judged else None,
        "right_language": sum(map(measures.right_language, texts)) / max(len(texts), 1),
        "personal": sum(t.personal for t in texts) / max(len(texts), 1),
        "distinct2": measures.distinct(texts), "repeated_openings": measures.repeated_openings(texts),
        "length": measures.length(texts),
    }  # fmt: skip


def _ours(told: Told) -> Text:
    r = told.recommendation
    personal = any(source == "user.message" or source.startswith("history.") for x in r.reasons for source in x.sources)
    return Text(
        told.turn.id, told.turn.request.language, tuple(x.text for x in r.reasons), tuple(r.item.titles.values()), personal
    )


def _raw(told: Told) -> Text:
    language = told.turn.request.language
    sentences = measures.sentences_of(told.tries[0][1], language)[:1]
    verdict = told.shop.grounder.check(sentences[0], told.evidence, language)
    titles = tuple(told.recommendation.item.titles.values())
    return Text(told.turn.id, language, sentences, titles, False, verdict.supported)


def _history(told: Told) -> dict[str, str]:
    liked = [told.shop.index.items[i] for i in told.turn.request.liked if i in told.shop.index.items]
    named = " ".join(title for item in liked for title in item.titles.values())
    held = " ".join(h.label for h in told.turn.held)
    return {"user.message": f"{told.wish} {named} {held}"}


def _free_rows(found: Sequence[Told], language: Language, recorder: Recorder, count: int) -> list[dict[str, Any]]:
    by_turn = {t.turn.id: t for t in found if t.turn.request.language == language and t.catalogue.startswith("shipped")}
    texts: list[Text] = []
    entries = foreign = 0
    asked = list(by_turn.values())[:count]
    for told in asked:
        reply = free.answer(recorder, told.shop.index.domain, list(told.turn.candidates[:10]), told.wish, language)
        entries += len(reply.entries)
        foreign += sum(item is None for _, item, _ in reply.entries)
        for _, item, text in reply.entries:
            if item is None or not text:
                continue
            evidence = Evidence.of(item, told.turn.request, told.shop.index.domain, item.text(language))
            sentences = measures.sentences_of(text, language)
            proved = all(told.shop.grounder.check(s, evidence, language).supported for s in sentences)
            said = told.shop.index.items
            names = [t for i in told.turn.request.liked if i in said for t in said[i].titles.values()]
            wished = any(w.words and w.words.lower() in text.lower() for w in told.turn.request.wishes)
            texts.append(Text(told.turn.id, language, sentences, tuple(item.titles.values()),
                              wished or any(name in text for name in names), proved))  # fmt: skip
    if not asked:
        return []
    row = _row("plain prompt", f"shipped-{language}", language, texts, len(asked))
    return [row | {"entries_a_reply": entries / len(asked), "not_in_list": foreign / max(entries, 1)}]


def _line(told: Told) -> dict[str, Any]:
    r = told.recommendation
    return {
        "language": told.turn.request.language, "catalogue": told.catalogue, "wish": told.wish, "item": r.item.id,
        "title": r.item.title(told.turn.request.language), "tries": told.tries, "opening": told.turn.opening,
        "reasons": [{"text": x.text, "sources": x.sources, "written_by": x.written_by} for x in r.reasons],
    }  # fmt: skip


if __name__ == "__main__":
    main()
