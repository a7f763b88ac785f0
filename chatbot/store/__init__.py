"""The UserStore seam: what people did and said, each person's apart."""

from chatbot.store.base import UserStore
from chatbot.store.forgetting import ForgettingUserStore
from chatbot.store.memory import InMemoryUserStore
from chatbot.store.of_domain import DomainUserStore
from chatbot.store.sql import SqlUserStore

__all__ = ["DomainUserStore", "ForgettingUserStore", "InMemoryUserStore", "SqlUserStore", "UserStore"]
