"""The commands about an owner's data: index, inspect, import-events, import-dialogues, train-ranker."""

from __future__ import annotations

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer

from chatbot.catalogues import MAPPING, Catalogue, find_catalogue
from chatbot.settings import Settings, go_offline, make_settings
from chatbot.terminal import bar, say
from retrieval.errors import SettingsError
from retrieval.import_report import ImportReport

CATALOG_HELP = "a shipped domain, a folder with a domain.toml, or a CSV, TSV, JSON, JSON lines, Parquet or SQLite file"
DOMAIN_HELP = (
    "a shipped domain (the page takes several, with commas), or whose mapping a file follows: a ready one, a mapping.toml"
)
Catalog = Annotated[str | None, typer.Option(help=CATALOG_HELP)]
DomainName = Annotated[str | None, typer.Option("--domain", help=DOMAIN_HELP)]
Model = Annotated[str | None, typer.Option(help="default, a folder, a GGUF file, a hub id or a server's name for it")]
Engine = Annotated[str | None, typer.Option(help="auto, llama_cpp, transformers, openai (at ZHIYIN_SERVER_URL) or scripted")]
Demo = Annotated[bool, typer.Option("--offline-demo", help="no weights: hashed words and sentences from the cards")]
EmbedderName = Annotated[str | None, typer.Option(help="default, a sentence-transformers folder or hub id, or hashing")]
AsJson = Annotated[bool, typer.Option("--json", help="print the account of the rows as one JSON object on standard output")]


def register(cli: typer.Typer) -> None:
    """Add the commands to a command line."""
    from chatbot.audit_command import audit  # these share the options below
    from chatbot.release_command import release
    from chatbot.store_commands import store
    from chatbot.tuning_command import tune

    cli.command()(index)
    cli.command()(inspect)
    cli.command("import-events")(import_events)
    cli.command("import-dialogues")(import_dialogues)
    cli.command("train-ranker")(train_ranker)
    cli.command("train-sequence")(train_sequence)
    cli.command()(tune)
    cli.command()(audit)
    cli.command()(release)
    cli.add_typer(store, name="store")


def index(
    catalog: Catalog = None,
    domain: DomainName = None,
    embedder: EmbedderName = None,
    enrich: Annotated[bool, typer.Option("--enrich", help="let the local model fill facets with infer = true")] = False,
    limit: Annotated[int | None, typer.Option(help="for --enrich: at most so many items; the next run goes on", min=1)] = None,
    model: Annotated[str | None, typer.Option(help="for --enrich: default, a folder, a GGUF file or a hub id")] = None,
    as_json: AsJson = False,
) -> None:
    """Build or update the index of a catalogue; what did not change is not embedded again."""
    go_offline()
    from chatbot.embedding import build_embedder
    from chatbot.intent_model import guess_for
    from chatbot.opening import place_of
    from retrieval.index import index_lock
    from retrieval.index_build import build_index

    settings = make_settings(embedder=embedder, model=model)
    catalogue = find_catalogue(settings, catalog, domain)
    if catalogue.proposed:
        say(f"The mapping of {catalogue.path.name} was proposed from its columns; look at it: {catalogue.folder / MAPPING}")
    with index_lock(catalogue.folder):
        parts = build_embedder(settings)
        with bar(catalogue.path.name) as show:
            report = build_index(catalogue.domain, catalogue.path, parts, catalogue.folder, show, place_of(settings))
        guess_for(parts, settings)  # learned once, so that the first conversation does not wait for it
        if enrich:
            _enrich(settings, catalogue, limit)
            with bar(catalogue.path.name) as show:
                report = build_index(catalogue.domain, catalogue.path, parts, catalogue.folder, show, place_of(settings))
    what = f"{report.embedded} cards embedded, {report.reused} kept, {report.removed} items removed"
    say(f"{report.items} items: {'unchanged' if report.unchanged else what}, {report.seconds:.1f} s, {catalogue.folder}")
    _account(report.rows, next(catalogue.folder.glob("v-*/rejected.jsonl"), None), as_json)


def _enrich(settings: Settings, catalogue: Catalogue, limit: int | None) -> None:
    """Let the model fill what the items lack; the index that was just built serves until the filled one is whole."""
    from chatbot.enriching import Enricher
    from chatbot.llm.factory import build_language_model
    from retrieval.catalog_import import ITEMS, read_items
    from retrieval.index import version_folder
    from retrieval.inferred import INFERRED, inferable

    if not inferable(catalogue.domain):
        raise SettingsError(f"No facet of '{catalogue.domain.name}' is to be inferred. Mark one in its mapping: infer = true.")
    items = read_items(version_folder(catalogue.folder, catalogue.rebuild) / ITEMS)
    with bar("inferring") as show:
        own = settings.model_copy(update={"adapter": ""})  # an adapter is for the vote; here words are scored
        enricher = Enricher(build_language_model(own), catalogue.domain)
        done = enricher.fill(items, catalogue.folder / INFERRED, lambda fraction: show("", fraction), limit=limit)
    say(
        f"{done.inferred} items filled, {done.known} known before, {done.empty} without a result, {done.failed} failed, "
        f"{done.seconds:.0f} s"
    )


def inspect(
    path: Annotated[Path, typer.Argument(help="the file to look at")],
    output: Annotated[Path, typer.Option("--output", "-o", help="where the mapping is written")] = Path(MAPPING),
    force: Annotated[bool, typer.Option("--force", help="replace a mapping that is there")] = False,
    table: Annotated[str | None, typer.Option(help="the table of an SQLite file")] = None,
) -> None:
    """Look at a table, say what its columns seem to be, and write a mapping to edit."""
    from retrieval.inspection.inspector import inspect as look
    from retrieval.tables.reader import Source

    found = look(path, Source(table=table))
    typer.echo(found.table())
    if output.exists() and not force:
        raise SettingsError(f"{output} exists. Replace it with --force, or write another with --output FILE.")
    output.write_text(found.toml(), encoding="utf-8")
    typer.echo(f"Wrote {output}. Edit it, then: python app.py index --catalog {path} --domain {output}", err=True)


def import_events(
    path: Annotated[Path, typer.Argument(help="the log: ratings, views, plays, purchases, reviews")],
    catalog: Catalog = None,
    domain: DomainName = None,
    mapping: Annotated[str | None, typer.Option(help="a file or ready mapping whose [[events]] say how")] = None,
    as_json: AsJson = False,
) -> None:
    """Import a log of behaviour with the items of a catalogue that is indexed."""
    from retrieval import event_import
    from retrieval.catalog_import import ITEMS, MERGED, read_aliases, read_items
    from retrieval.domain_files import load_events
    from retrieval.index import index_lock, version_folder

    settings = make_settings()
    catalogue = find_catalogue(settings, catalog, domain)
    choices = load_events(mapping) if mapping else catalogue.domain.events
    spec = event_import.choose_mapping(path, [m for m in choices if not m.files or any(fnmatch(path.name, f) for f in m.files)])
    with index_lock(catalogue.folder):
        version = version_folder(catalogue.folder, catalogue.rebuild)
        known = {item.id for item in read_items(version / ITEMS)}
        with bar(path.name) as show:
            report = event_import.import_events(
                path,
                spec,
                catalogue.interactions,
                known,
                read_aliases(version / MERGED),
                lambda fraction: show("reading", fraction),
                spec.off,
            )
    _account(report, catalogue.interactions / "rejected.jsonl", as_json)


def import_dialogues(
    path: Annotated[Path, typer.Argument(help="JSON lines: one dialogue a line, with the items that each message mentions")],
    catalog: Catalog = None,
    domain: DomainName = None,
    as_json: AsJson = False,
) -> None:
    """Import dialogues about the items of a catalogue that is indexed, to learn from them with train-ranker."""
    from retrieval import dialogues
    from retrieval.catalog_import import ITEMS, read_items
    from retrieval.index import index_lock, version_folder

    catalogue = find_catalogue(make_settings(), catalog, domain)
    with index_lock(catalogue.folder):
        version = version_folder(catalogue.folder, catalogue.rebuild)
        report = dialogues.import_dialogues(path, catalogue.folder, {item.id for item in read_items(version / ITEMS)})
    _account(report, catalogue.folder / "dialogues_rejected.jsonl", as_json)


def train_ranker(
    catalog: Catalog = None,
    domain: DomainName = None,
    embedder: EmbedderName = None,
    vote: Annotated[int, typer.Option(help="also ask the model about so many moments, and weigh its vote", min=0)] = 0,
    model: Annotated[str | None, typer.Option(help="for --vote: default, a folder, a GGUF file or a hub id")] = None,
    engine: Annotated[str | None, typer.Option(help="for --vote: auto, llama_cpp, transformers, openai or scripted")] = None,
) -> None:
    """Learn the order of candidates from imported dialogues, or without any from the log of behaviour."""
    go_offline()
    from chatbot.embedding import build_embedder
    from chatbot.learning import read_moments, train
    from chatbot.opening import place_of
    from retrieval.index import index_lock, open_index

    settings = make_settings(embedder=embedder, model=model, engine=engine)
    catalogue = find_catalogue(settings, catalog, domain)
    with index_lock(catalogue.folder):
        parts = build_embedder(settings)
        index = open_index(catalogue.domain, parts, catalogue.folder, catalogue.rebuild, place_of(settings))
        with bar(catalogue.path.name) as show:
            moments = read_moments(index, catalogue.folder)
            done = train(moments, catalogue.folder, show)
        say(f"Learned from {done.examples} moments of the {done.source} in {done.seconds:.0f} s.")
        if not done.ranked:
            say("They are too few for an order of its own: reciprocal rank fusion serves, with the learned channels.")
        for name, share in list(done.importance.items())[:10]:
            say(f"  {share:>5.0%}  {name}")
        if vote:
            from chatbot.llm.factory import build_language_model
            from chatbot.vote_learning import weigh_vote

            with bar(catalogue.path.name) as show:
                found = weigh_vote(moments, build_language_model(settings), vote, show)
            found.save(catalogue.folder)
            before, gain, half = (100 * value for value in (found.before, found.gain, found.ci95))
            say(f"The model's vote, on {found.cases} held-out moments: nDCG@10 {before:.1f}, with it {gain:+.1f} ±{half:.1f}.")
            say("It counts from now on." if found.helps else "That is no sure gain: it weighs nothing, and is not asked for.")


def train_sequence(
    catalog: Catalog = None,
    domain: DomainName = None,
    epochs: Annotated[int, typer.Option(help="at most so many; it stops when nothing gets better", min=1)] = 60,
    seed: Annotated[int, typer.Option(help="of weights, order and chance")] = 0,
) -> None:
    """Learn from the imported log what comes next in a history; used only where it surely helps. A killed run goes on."""
    from retrieval.catalog_import import ITEMS, read_items
    from retrieval.index import index_lock, version_folder
    from retrieval.interactions import InteractionLog
    from retrieval.sequence_learning import learn_sequence

    catalogue = find_catalogue(make_settings(), catalog, domain)
    with index_lock(catalogue.folder):
        ids = [item.id for item in read_items(version_folder(catalogue.folder, catalogue.rebuild) / ITEMS)]
        with bar(catalogue.path.name) as show:
            found = learn_sequence(
                ids,
                InteractionLog(catalogue.interactions),
                catalogue.folder,
                lambda epoch, quality: show(f"epoch {epoch}, nDCG@10 {100 * quality:.1f}", epoch / epochs),
                epochs=epochs,
                seed=seed,
            )
    say(f"{found.people} people; nDCG@10 of the last item of {found.checked} of them:")
    for name, quality in found.quality.items():
        say(f"  {100 * quality:>5.1f}  {name}")
    for name, gain in found.gains.items():
        used = "used from now on" if name in found.used else "no sure gain, not used"
        say(f"{name}: {100 * gain.mean:+.1f} ±{100 * gain.ci95:.1f} to the fusion: {used}")


def _account(report: ImportReport, rejected: Path | None, as_json: bool) -> None:
    """Say what became of the rows: for a person on standard error, for a program on standard output."""
    if as_json:
        typer.echo(json.dumps(report.as_dict()))
        return
    say(f"{report.rows} rows: {report.kept} kept, {report.merged} merged, {report.rejected} set aside")
    for rule, count in sorted(report.rules.items(), key=lambda pair: -pair[1]):
        say(f"  {count:>8}  {rule}")
    if report.rejected and rejected:
        say(f"The rows set aside, with line and reason: {rejected}")
