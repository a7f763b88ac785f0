"""The tables of the SQL store. Whoever changes them adds a step to ``migrations/versions``."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What the tables are declared in."""

    type_annotation_map = {dict[str, Any]: JSON, float: Float}  # noqa: RUF012  (declared so by SQLAlchemy)


class UserRow(Base):
    """Somebody of whom something is kept."""

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    created: Mapped[float]


class ConversationRow(Base):
    """A conversation, when it was used last, and its title; one whose turns were all withdrawn has none."""

    __tablename__ = "conversations"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    user: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    used: Mapped[float]
    title: Mapped[str] = mapped_column(Text, default="", server_default="")


class TurnRow(Base):
    """A turn of a conversation."""

    __tablename__ = "turns"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    conversation: Mapped[str] = mapped_column(ForeignKey("conversations.id"), index=True)
    at: Mapped[float] = mapped_column(index=True)
    message: Mapped[str] = mapped_column(Text)
    record: Mapped[dict[str, Any]]


class EventRow(Base):
    """An event; ``number`` grows in the order of arrival."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("user", "id", name="uq_events_user_id"),
        Index("ix_events_user_number", "user", "number"),
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(64))
    user: Mapped[str] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(20))
    item: Mapped[str | None] = mapped_column(String(400))
    text: Mapped[str] = mapped_column(Text)
    value: Mapped[float | None]
    at: Mapped[float] = mapped_column(index=True)
    context: Mapped[dict[str, Any] | None]


class ApiKeyRow(Base):
    """A key of the API, or a token of a user; of its secret only a digest."""

    __tablename__ = "api_keys"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[str] = mapped_column(String(200))  # parted by spaces
    user: Mapped[str] = mapped_column(String(200), index=True)  # empty: anybody; else perhaps somebody yet unknown
    created: Mapped[float]
    expires: Mapped[float | None] = mapped_column(index=True)
    revoked: Mapped[float | None]
    per_minute: Mapped[int | None]
    concurrent: Mapped[int | None]
    issuer: Mapped[str] = mapped_column(String(32), index=True)  # of a token: the key that it is revoked with
