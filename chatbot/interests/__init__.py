"""Events to interests: what a person is drawn to, how strongly and since when. Pure functions.

Every event says something of its item, by its kind or its value, and less as it ages. Liked items form several interests, so
that a lover of horror and of musicals is not given the average; the facet values that they share more often than chance are
tastes. What the person corrects wins over all of it.
"""

from chatbot.interests.build import build_interests
from chatbot.interests.records import CatalogueView, Habits, Interest, Interests, Stand, Taste

__all__ = ["CatalogueView", "Habits", "Interest", "Interests", "Stand", "Taste", "build_interests"]
