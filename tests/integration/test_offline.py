"""Nothing leaves the machine: a whole turn and the page, watched from within a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chatbot.llm.weights import fetch

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = ["I loved Interstellar and Arrival; something quieter and thoughtful, no horror", "想看安静的太空片，不要恐怖片"]

# Runs a script under an audit hook that refuses and records whatever is not loopback, and looks at the process's own sockets
# (also those of native libraries) as long as it runs.
WATCH = """
import ipaddress, json, os, socket, sys, threading, time

beyond, kinds = [], set()

def loopback(host):
    if host in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False

def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None
        local = not isinstance(address, tuple) or loopback(host)
    elif event == "socket.bind":
        address = arguments[1]
        local = not isinstance(address, tuple) or loopback(address[0])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
        local = loopback(host.decode() if isinstance(host, bytes) else host)
    else:
        return
    kinds.add(event)
    if not local:
        beyond.append([event, str(arguments[1:] if event.startswith("socket.s") else arguments)])
        raise ConnectionRefusedError(f"beyond loopback: {event} {arguments}")

sys.addaudithook(hook)

def look():
    import psutil
    me = psutil.Process()
    while True:
        for process in (me, *me.children(recursive=True)):
            try:
                for c in process.net_connections("inet"):
                    for end in (c.laddr, c.raddr):
                        if end and not loopback(end.ip):
                            beyond.append(["psutil", str(c)])
            except psutil.Error:
                pass
        time.sleep(0.05)

threading.Thread(target=look, daemon=True).start()
sys.path.insert(0, os.environ["ZHIYIN_ROOT"])
error = ""
try:
    exec(compile(sys.stdin.read(), "script", "exec"), {"__name__": "script"})
except BaseException as caught:
    import traceback
    error = "".join(traceback.format_exception(caught))
open(os.environ["WATCH_REPORT"], "w").write(json.dumps({"beyond": beyond, "kinds": sorted(kinds), "error": error}))
"""


@pytest.fixture
def watch(tmp_path):
    """Run a script under watch; returns what it tried beyond loopback, its error, and what it printed."""

    def run(script: str, data: Path, *, proxy: bool = False) -> tuple[dict, str]:
        report = tmp_path / "report.json"
        offline = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "GRADIO_ANALYTICS_ENABLED", "ANONYMIZED_TELEMETRY")
        environment = {k: v for k, v in os.environ.items() if k not in offline and not k.lower().endswith("_proxy")}
        environment = {k: v for k, v in environment.items() if not k.startswith("ZHIYIN_") or k == "ZHIYIN_HOME"}
        environment |= {"ZHIYIN_DATA": str(data), "ZHIYIN_ROOT": str(ROOT), "WATCH_REPORT": str(report)}
        done = subprocess.run(
            [sys.executable, "-c", WATCH], input=script, env=environment, capture_output=True, encoding="utf-8", timeout=400
        )
        assert report.is_file(), done.stderr
        return json.loads(report.read_text()), done.stdout

    return run


def test_the_watch_sees_what_would_leave(watch, tmp_path):
    """A test of the test: each way out is seen, and loopback is free."""
    ways = {
        "socket.connect": "import socket; s = socket.socket(); s.settimeout(1); s.connect(('192.0.2.1', 80))",
        "socket.getaddrinfo": "import urllib.request; urllib.request.urlopen('http://example.invalid')",
        "socket.sendto": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "socket.bind": "import socket; socket.socket().bind(('0.0.0.0', 0))",
    }
    for event, script in ways.items():
        report, _ = watch(script, tmp_path)
        assert event in [name for name, _ in report["beyond"]]
        assert report["error"]
    local = """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
"""
    report, _ = watch(local, tmp_path)
    assert (report["beyond"], report["error"]) == ([], "")


@pytest.mark.model
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (apt install strace)")
def test_native_code_asks_no_name_server_either(weights_folder, tmp_path):
    """Python's hooks see no native code, and looking at sockets now and then misses short ones: the kernel sees all.

    onnxruntime 1.32 keeps a database of events in the person's home, and looks for its maker's host after some ten seconds.
    """
    model = fetch("use-multilingual-v3", weights_folder)
    script = f"""
import time
from retrieval.embedder import SentenceTransformerEmbedder
SentenceTransformerEmbedder({str(model)!r}).embed_queries(["a"])
time.sleep(15)
"""
    home = tmp_path / "home"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if k not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")}
    environment |= {"PYTHONPATH": str(ROOT), "HOME": str(home)}
    calls = tmp_path / "calls"
    command = ["strace", "-f", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", calls, sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr[:200]}")
    assert done.returncode == 0, done.stderr
    assert [line for line in calls.read_text().splitlines() if "AF_INET" in line and "127.0.0.1" not in line] == []
    assert [path for path in home.rglob("*") if "onnx" in path.name.lower()] == []


@pytest.mark.model
@pytest.mark.slow
def test_a_whole_turn_with_the_default_parts_opens_no_socket_beyond_loopback(watch, real_data, qwen_path, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(real_data, data)
    batch = tmp_path / "batch.jsonl"
    batch.write_text("\n".join(json.dumps({"message": m}, ensure_ascii=False) for m in MESSAGES), encoding="utf-8")
    script = (
        f"import sys, app; sys.argv = ['app.py', 'ask', '--json', '--batch', {str(batch)!r}]; app.cli(standalone_mode=False)"
    )
    report, printed = watch(script, data)
    assert report["error"] == ""
    assert report["beyond"] == []
    turns = [json.loads(line) for line in printed.splitlines()]
    assert [turn["language"] for turn in turns] == ["en", "zh"]
    assert all(len(turn["items"]) == 3 for turn in turns)
    assert turns[0]["model"]["engine"] != "scripted"


def test_building_the_index_opens_no_socket_beyond_loopback(watch, tmp_path):
    script = "import sys, app; sys.argv = ['app.py', 'index', '--embedder', 'hashing']; app.cli(standalone_mode=False)"
    report, _ = watch(script, tmp_path / "data")
    assert (report["beyond"], report["error"]) == ([], "")


def test_importing_building_and_serving_the_page_opens_no_socket_beyond_loopback(watch, tmp_path):
    script = """
import socket, threading, time, urllib.request
import app
from chatbot.settings import Settings

app.go_offline()
from chatbot.loading import Loader
from chatbot.ui.page import build_page
from chatbot.ui.serving import launch

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
settings = Settings(engine="scripted", embedder="hashing")
catalogue = app.find_catalogue(settings, None)
held = []

def load(report):
    manager = app.open_pipeline(settings, catalogue, report)
    held.append(manager)
    return manager.__enter__()

loader = Loader(load)
launch(build_page(loader), "127.0.0.1", port, block=False)
loader.start()
loader.wait(60)
page = urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=30).read().decode()
assert "gradio" in page.lower()
time.sleep(2)  # analytics and version checks start in threads of their own
print("served")
"""
    report, printed = watch(script, tmp_path / "data")
    assert report["error"] == ""
    assert report["beyond"] == []
    assert "served" in printed


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_itself_names_no_other_host(language):
    """Fonts, scripts and pictures come from the page's own server."""
    folder = ROOT / "chatbot" / "ui"
    for path in [*folder.glob("*.css"), *folder.glob("*.js"), folder / "texts" / f"{language}.toml"]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert "http://" not in text, path
        assert "https://" not in text, path
        assert "@import" not in text, path
