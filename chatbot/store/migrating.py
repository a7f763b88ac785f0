"""Brings a database to the tables of this version, from an empty one or from any earlier version, in one transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, inspect

_FOLDER = Path(__file__).parent / "migrations"
_FIRST, _SECOND = "0001", "0002"  # versions from before the number of the version was kept
_LOCK = 20140531  # of PostgreSQL; any number that nothing else in the database uses


def migrate(engine: Engine) -> None:
    """Create or change the tables; one that fails leaves the database as it was.

    Of several processes that do this at once, one does it and the others wait.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database refuses.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            raw = connection.connection.dbapi_connection
            assert raw is not None
            usual, raw.isolation_level = raw.isolation_level, None  # else the driver commits before what changes a table
            try:
                connection.exec_driver_sql("BEGIN EXCLUSIVE")
                _upgrade(connection)
                connection.exec_driver_sql("COMMIT")
            finally:
                if raw.in_transaction:
                    raw.rollback()
                raw.isolation_level = usual
        else:
            with connection.begin():
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    settings = Config()
    settings.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    settings.attributes["connection"] = connection
    tables = inspect(connection)
    if tables.has_table("events") and not tables.has_table("alembic_version"):
        columns = {column["name"] for column in tables.get_columns("events")}
        command.stamp(settings, _SECOND if {"value", "context"} <= columns else _FIRST)
    command.upgrade(settings, "head")
