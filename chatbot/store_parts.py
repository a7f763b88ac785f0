"""What of everything that is kept a catalogue sees: its part of the user store, and the histories that came with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chatbot.catalogues import Catalogue
from chatbot.settings import USUAL_DOMAIN
from chatbot.store import DomainUserStore, InMemoryUserStore, UserStore
from retrieval.domain_files import shipped_domains
from retrieval.events import Event
from retrieval.interactions import InteractionLog
from retrieval.samples import SamplePeople


def part_of(store: UserStore, catalogue: Catalogue) -> UserStore:
    """Return the part of a store that is a catalogue's; where its domain forgets, one that holds nothing but this process's."""
    domain = catalogue.domain
    if domain.care and domain.care.forget:
        return InMemoryUserStore()
    apart = domain.name != USUAL_DOMAIN and domain.name in shipped_domains()  # the usual one was alone once: it has no mark
    return DomainUserStore(store, domain.name, apart)


def history_of(catalogue: Catalogue) -> Callable[[str], Sequence[Event]]:
    """Return what people did before they came here: the imported log, and for a shipped catalogue its sample people's past."""
    log = InteractionLog(catalogue.interactions)
    if catalogue.path != catalogue.domain.catalogue_path:
        return log.events
    samples = SamplePeople(catalogue.domain)
    return lambda user: [*samples.events(user), *log.events(user)]
