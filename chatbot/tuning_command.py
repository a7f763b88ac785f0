"""The command that tunes the model's vote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatbot.catalogues import Catalogue, find_catalogue
from chatbot.commands import Catalog, DomainName, EmbedderName
from chatbot.settings import Settings, go_offline, make_settings
from chatbot.terminal import bar, say
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from chatbot.tuning.ballots import Gathered
    from chatbot.tuning.run import Tuning

DEVICES = ("auto", "cpu", "cuda")
ROWS = (("listwise loss", "loss"), ("best label right", "accuracy"), ("MRR", "mrr"), ("nDCG@10", "ndcg"))


def tune(
    catalog: Catalog = None,
    domain: DomainName = None,
    embedder: EmbedderName = None,
    model: Annotated[str | None, typer.Option(help="default, a folder, a GGUF file or a hub id")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    limit: Annotated[int | None, typer.Option(help="at most so many ballots, a fifth of them held out", min=2)] = None,
    steps: Annotated[int, typer.Option(help="stop after so many steps; 0: when all epochs are done", min=0)] = 0,
    epochs: Annotated[int, typer.Option(min=1)] = 2,
    batch: Annotated[int, typer.Option(help="ballots read together", min=1)] = 8,
    accumulation: Annotated[int, typer.Option(help="batches a step", min=1)] = 2,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=1.0)] = 2e-4,
    rank: Annotated[int, typer.Option(help="of the adapter's matrices", min=1, max=256)] = 16,
    alpha: Annotated[float, typer.Option(help="the adapter's weight is alpha / rank", min=0.1)] = 32.0,
    dropout: Annotated[float, typer.Option(min=0.0, max=0.9)] = 0.05,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Tune the model's vote on imported dialogues, or without any on the log; kept if it votes better on those held out."""
    if device not in DEVICES:
        raise SettingsError(f"'{device}' is no device. Give one of: {', '.join(DEVICES)}.")
    go_offline()
    from chatbot.llm.adapter import base_of, import_peft
    from chatbot.llm.manifest import resolve
    from chatbot.tuning.run import tune as train
    from chatbot.tuning.trainer import Recipe

    import_peft()  # before minutes are spent on what would fail at their end
    settings = make_settings(embedder=embedder, model=model)
    catalogue = find_catalogue(settings, catalog, domain)
    found = resolve(settings.model, "generator", settings.weights_folder)
    base = base_of(found)
    recipe = Recipe(
        rank=rank, alpha=alpha, dropout=dropout, learning_rate=learning_rate, epochs=epochs, batch=batch,
        accumulation=accumulation, steps=steps, device=device, seed=seed,
    )  # fmt: skip
    gathered, source = _gather(settings, catalogue, limit, seed)
    say(f"{len(gathered.ballots)} ballots from the {source}: the retriever found that many of {gathered.targets} right items.")
    with bar(base.name) as show:
        folder = _safetensors(found, settings, lambda done: show("converting", done))
        note = {"source": source, "ballots": len(gathered.ballots), "targets": gathered.targets}
        target = catalogue.folder / "adapters" / base.name.replace("/", "--")
        done = train(gathered.ballots, catalogue.domain, folder, base, recipe, target, show, note)
    _tell(done)


def _gather(settings: Settings, catalogue: Catalogue, limit: int | None, seed: int) -> tuple[Gathered, str]:
    from chatbot.embedding import build_embedder
    from chatbot.learning import read_moments
    from chatbot.opening import place_of
    from chatbot.tuning.ballots import gather
    from retrieval.index import index_lock, open_index
    from retrieval.learned_store import load_learned
    from retrieval.retriever import Retriever

    with index_lock(catalogue.folder), bar(catalogue.path.name) as show:
        embedder = build_embedder(settings)
        index = open_index(catalogue.domain, embedder, catalogue.folder, catalogue.rebuild, place_of(settings))
        moments = read_moments(index, catalogue.folder)
        # What was learned from the log knows its targets, and would find them by that.
        learned = load_learned(index, catalogue.folder) if moments.source == "dialogues" else None
        retriever = Retriever(replace(moments.index, learned=learned), explore=0.0)
        gathered = gather(moments.examples, retriever, limit=limit, seed=seed, progress=lambda done: show("ballots", done))
    return gathered, moments.source


def _safetensors(model: Path | str, settings: Settings, report: Callable[[float], None]) -> Path | str:
    """Return the model as what can be trained: a GGUF file is converted, once."""
    if not (isinstance(model, Path) and model.is_file()):
        return model
    from chatbot.llm.convert import convert

    return convert(model, settings.weights_folder, report)


def _tell(done: Tuning) -> None:
    """Say what the adapter is worth, and how it is used or why it is not."""
    say(f"Trained on {done.trained} ballots, measured on {done.before.count} of other conversations, {done.seconds:.0f} s:")
    say(f"  {'':16} {'before':>8} {'after':>8} {'chance':>8}")
    for words, name in ROWS:
        values = (getattr(figures, name) for figures in (done.before, done.after, done.chance))
        say(f"  {words:16} " + " ".join(f"{value:8.3f}" for value in values))
    change = f"nDCG@10 changed by {done.gain.mean:+.3f} ±{done.gain.ci95:.3f} (95 %)"
    if done.improved:
        say(f"{change}. To let the adapter vote, set ZHIYIN_ADAPTER={done.folder}")
        if not done.for_llama_cpp:
            say(
                "There is no file for llama.cpp: its names for this architecture are not known here. Use --engine transformers."
            )
    else:
        say(f"{change}: no better than the model itself, by more than chance. It is not put to use; it lies in {done.folder}")
