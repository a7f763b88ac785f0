"""Settings: what the environment and the command line may say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from chatbot.settings import Settings


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in list(os.environ):
        if name.upper().startswith("ZHIYIN_"):
            monkeypatch.delenv(name)


def test_without_an_environment_everything_lies_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = Settings()
    assert settings.weights_folder.name == "weights"
    assert settings.weights_folder.parent == settings.data_folder
    assert settings.index_folder("movies").parent.parent == settings.data_folder
    assert str(settings.data_folder / "zhiyin.db") in settings.database_url


def test_home_moves_weights_index_and_user_data(monkeypatch, tmp_path):
    monkeypatch.setenv("ZHIYIN_HOME", str(tmp_path / "home"))
    settings = Settings()
    assert settings.weights_folder == tmp_path / "home" / "weights"
    assert settings.index_folder("movies") == tmp_path / "home" / "index" / "movies"
    assert settings.database_url == f"sqlite:///{tmp_path / 'home' / 'zhiyin.db'}"


def test_data_moves_index_and_user_data_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("ZHIYIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZHIYIN_DATA", str(tmp_path / "data"))
    settings = Settings()
    assert settings.weights_folder == tmp_path / "home" / "weights"
    assert settings.index_folder("movies") == tmp_path / "data" / "index" / "movies"
    assert settings.database_url == f"sqlite:///{tmp_path / 'data' / 'zhiyin.db'}"


def test_data_alone_leaves_the_weights_where_they_are(monkeypatch, tmp_path):
    before = Settings().weights_folder
    monkeypatch.setenv("ZHIYIN_DATA", str(tmp_path))
    assert Settings().weights_folder == before
    assert Settings().data_folder == tmp_path


@pytest.mark.parametrize("name", ["ZHIYIN_HOME", "ZHIYIN_DATA"])
def test_a_tilde_means_the_home_folder(monkeypatch, name):
    monkeypatch.setenv(name, "~/zhiyin here")
    assert Settings().data_folder == Path.home() / "zhiyin here"


def test_a_relative_folder_means_the_same_wherever_it_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("ZHIYIN_DATA", "data")
    monkeypatch.chdir(tmp_path)
    assert Settings().data_folder.resolve() == tmp_path / "data"


def test_an_option_beats_the_environment(monkeypatch):
    monkeypatch.setenv("ZHIYIN_ENGINE", "transformers")
    assert Settings().engine == "transformers"
    assert Settings(engine="scripted").engine == "scripted"


def test_every_setting_can_come_from_the_environment(monkeypatch):
    values = dict(MODEL="m.gguf", EMBEDDER="hashing", DOMAIN="books", ITEMS="5", VOTE_WEIGHT="0", THREADS="2")
    values |= dict(CONTEXT_TOKENS="4096", READ_WITH_MODEL="true")
    values |= dict(PASSWORD="open sesame", SINGLE_USER="true", MESSAGES_PER_MINUTE="0", FETCH_PICTURES="1")
    values |= dict(SERVER_URL="http://127.0.0.1:8000/v1", SERVER_KEY="sesame", SERVER_TIMEOUT="9.5")
    for name, value in values.items():
        monkeypatch.setenv(f"ZHIYIN_{name}", value)
    settings = Settings()
    assert (settings.model, settings.embedder, settings.domain) == ("m.gguf", "hashing", "books")
    assert (settings.items, settings.vote_weight, settings.threads, settings.context_tokens) == (5, 0.0, 2, 4096)
    assert settings.read_with_model
    assert (settings.server_url, settings.server_timeout) == ("http://127.0.0.1:8000/v1", 9.5)
    assert settings.server_key.get_secret_value() == "sesame"
    assert settings.password.get_secret_value() == "open sesame"
    assert (settings.single_user, settings.messages_per_minute, settings.fetch_pictures) == (True, 0, True)


def test_nothing_is_open_or_fetched_unless_it_is_said():
    settings = Settings()
    assert settings.password.get_secret_value() == ""
    assert (settings.single_user, settings.messages_per_minute, settings.fetch_pictures) == (False, 30, False)


@pytest.mark.parametrize("name", ["SERVER_KEY", "PASSWORD"])
def test_a_secret_is_not_shown(monkeypatch, name):
    monkeypatch.setenv(f"ZHIYIN_{name}", "sesame")
    settings = Settings()
    assert "sesame" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENGINE", "cuda"),
        ("ITEMS", "0"),
        ("ITEMS", "11"),
        ("ITEMS", "many"),
        ("VOTE_WEIGHT", "-1"),
        ("VOTE_WEIGHT", "nan"),
        ("THREADS", "-1"),
        ("CONTEXT_TOKENS", "12"),
        ("MESSAGES_PER_MINUTE", "-1"),
        ("SINGLE_USER", "perhaps"),
        ("SERVER_TIMEOUT", "0"),
        ("SERVER_TIMEOUT", "nan"),
        ("SERVER_TIMEOUT", "inf"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(monkeypatch, name, value):
    monkeypatch.setenv(f"ZHIYIN_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_what_is_unknown_is_left_alone(monkeypatch):
    known = Settings()
    monkeypatch.setenv("ZHIYIN_SHARED_DATA", "/somewhere")
    assert Settings() == known
