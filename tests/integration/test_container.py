"""The container: what its files say, and the steps of it performed here, where no container engine runs."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from chatbot.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
# what other programs of the compose file read, beside the settings
FOREIGN = {
    "ANONYMIZED_TELEMETRY",
    "FORWARDED_ALLOW_IPS",
    "LLAMA_API_KEY",
    "MONITOR_KEY",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "POSTGRES_USER",
    "SITE",
}
SECRETS = {"POSTGRES_PASSWORD", "MODEL_KEY", "STORE_KEY", "MONITOR_KEY"}


def instructions(name):
    """The lines of a Dockerfile's instruction, each in one."""
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    return [line.partition(" ")[2].strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def services():
    return yaml.safe_load(COMPOSE)["services"]


def test_every_step_of_the_dockerfile_is_a_script_that_the_check_performs_too():
    scripts = [re.search(r"/app/(docker/\w+\.sh)", step) for step in instructions("RUN")]
    assert all(scripts)
    check = (ROOT / "docker" / "check.sh").read_text(encoding="utf-8")
    used = {found[1] for found in scripts} | {"docker/start.sh", "docker/health.py"}
    assert instructions("ENTRYPOINT") == ['["sh", "/app/docker/start.sh"]']
    assert "/app/docker/health.py" in instructions("HEALTHCHECK")[0]
    for script in used:
        assert (ROOT / script).is_file()
        assert f"$code/{script}" in check


def test_the_container_runs_as_a_fixed_user_that_is_not_root_and_keeps_nothing_secret():
    assert instructions("USER") == ["${USER_ID}:${USER_ID}"]
    assert int(re.search(r"USER_ID=(\d+)", DOCKERFILE)[1]) >= 1000
    assert instructions("EXPOSE") == ["7860"]
    assert instructions("VOLUME") == ["/data"]
    assert "ZHIYIN_HOME=/data" in instructions("ENV")[0]
    assert not re.search(r"(?i)(key|password|token|secret)\s*=", DOCKERFILE)
    names = set(re.findall(r"ZHIYIN_(\w+)=", DOCKERFILE))
    assert {name.lower() for name in names} <= Settings.model_fields.keys()


def test_what_is_copied_exists_is_not_ignored_and_is_all_that_the_program_is():
    copied = [name for line in instructions("COPY") if not line.startswith("--from") for name in line.split()[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)
    assert {"app.py", "chatbot", "prompts", "retrieval", "docker", "pyproject.toml", "constraints.txt"} <= set(copied)


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "docker").glob("*.sh")))
def test_the_scripts_are_of_the_plain_shell(script):
    subprocess.run(["sh", "-n", ROOT / "docker" / script], check=True)
    assert (ROOT / "docker" / script).read_text(encoding="utf-8").startswith("#!/bin/sh\n")


def test_every_setting_of_the_compose_file_exists_and_holds_a_value_that_it_takes():
    for name, service in services().items():
        environment = service.get("environment", {})
        own = {key: str(value) for key, value in environment.items() if key.startswith("ZHIYIN_")}
        assert {key.removeprefix("ZHIYIN_").lower() for key in own} <= Settings.model_fields.keys(), name
        assert environment.keys() - own.keys() <= FOREIGN, name
        Settings(**{key.removeprefix("ZHIYIN_").lower(): value for key, value in own.items()})
    mentioned = {word.lower() for word in re.findall(r"ZHIYIN_(\w+)", COMPOSE + (ROOT / "docker/Caddyfile").read_text())}
    assert mentioned <= Settings.model_fields.keys()


def test_every_secret_of_the_compose_file_comes_from_the_environment():
    named = set(re.findall(r"\$\{(\w+)", COMPOSE))
    example = (ROOT / "docker" / "compose.env.example").read_text(encoding="utf-8")
    told = dict(line.split("=", 1) for line in example.splitlines() if line and not line.startswith("#"))
    assert named == set(told)
    assert named >= SECRETS
    assert {name for name, value in told.items() if not value} == SECRETS
    for service in services().values():
        for key, value in service.get("environment", {}).items():
            if re.search("KEY|PASSWORD|DATABASE", key):
                assert "${" in str(value)


def test_what_is_kept_is_on_volumes_and_what_serves_is_watched():
    compose = yaml.safe_load(COMPOSE)
    for name, service in services().items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (ROOT / source).is_file(), (name, volume)
        if service.get("image") != "zhiyin":  # whose image says how it is watched
            assert service["healthcheck"]["test"], name
    apps = {name: service for name, service in services().items() if name.startswith("app-")}
    assert len(apps) == 2
    caddy = (ROOT / "docker" / "Caddyfile").read_text(encoding="utf-8")
    own = [next(v for v in service["volumes"] if v.endswith(":/data")) for service in apps.values()]
    assert len(set(own)) == 2  # no data folder is shared
    for name, service in apps.items():
        assert f"{name}:7860" in caddy
        assert "ports" not in service  # reached by the proxy alone
        assert (service["user"] if "user" in service else "") != "root"
        assert service["environment"]["ZHIYIN_HOME"] == "/data"
        limit = float(service["environment"]["ZHIYIN_SHUTDOWN_SECONDS"])
        assert limit < float(service["stop_grace_period"].rstrip("s"))


def test_the_compose_file_names_the_versions_that_are_tested():
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    version = re.search(r"chromadb/chroma:(\S+)", COMPOSE)[1]
    assert f"\nchromadb=={version}\n" in pinned


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(self.server.status if self.path == "/v1/health" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(("status", "code"), [(200, 0), (401, 0), (503, 1), (500, 1)])
def test_a_server_that_asks_for_a_key_is_healthy_and_one_that_fails_is_not(status, code):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.status = status
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {**os.environ, "PORT": str(server.server_port)}
        command = [sys.executable, ROOT / "docker" / "health.py"]
        assert subprocess.run(command, env=environment, check=False).returncode == code
        server.shutdown()


def test_without_a_server_there_is_no_health():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        environment = {**os.environ, "PORT": str(probe.getsockname()[1])}
        done = subprocess.run(
            [sys.executable, ROOT / "docker" / "health.py"], env=environment, check=False, capture_output=True, text=True
        )
    assert done.returncode == 1
    assert "no answer" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("setpriv") is None and os.getuid() == 0, reason="nothing to become another user with")
def test_the_steps_of_the_dockerfile_work_here():
    """All of docker/check.sh but the installation, which takes minutes: the packages of this environment serve."""
    environment = {**os.environ, "DEMO": "1"}
    done = subprocess.run(
        ["sh", ROOT / "docker" / "check.sh", sys.prefix],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("check: all is well\n")
    assert "{'engine': 'scripted', 'name': 'scripted'}" in done.stdout
