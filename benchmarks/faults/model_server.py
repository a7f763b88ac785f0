"""A server with the OpenAI chat API whose answers are made up and whose faults are real: slow, hanging, failing or killed.

Run as ``python -m benchmarks.faults.model_server PORT DELAY``; ``POST /mode`` with well, hang, fail, slow or slower changes it.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = "Nobody is there but the one who keeps watch over the quiet and the far away".split()
HANG_SECONDS = 30.0
SLOWER = 40


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    mode, delay = "well", 0.0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._reply({"object": "list", "data": [{"id": "made-up", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/mode":
            self.server.mode = body["mode"]
            self._reply({})
            return
        if self.server.mode == "hang":
            until = time.monotonic() + HANG_SECONDS
            while self.server.mode == "hang" and time.monotonic() < until:
                time.sleep(0.02)
            self.close_connection = True
        elif self.server.mode == "fail":
            self._reply({"error": {"message": "out of memory"}}, 400)
        elif body.get("stream"):
            self._stream()
        else:
            top = [
                {"token": letter, "logprob": -1.0 - n / 10, "bytes": None} for n, letter in enumerate("ABCDEFGHIJKLMNOPQRST")
            ]
            entry = {**top[0], "top_logprobs": top}
            message = {"role": "assistant", "content": "A"}
            choice = {"index": 0, "message": message, "finish_reason": "length", "logprobs": {"content": [entry]}}
            self._reply({"choices": [choice]})

    def _reply(self, body: Any, code: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for n, word in enumerate(WORDS):
                if self.server.mode in ("slow", "slower"):
                    time.sleep(self.server.delay * (1 if self.server.mode == "slow" else SLOWER))
                self._event({"content": f" {word}" if n else word}, None)
            self._event({}, "stop")
            self._chunk("data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:  # the client left
            self.close_connection = True

    def _event(self, delta: dict[str, str], finish: str | None) -> None:
        self._chunk(f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]})}\n\n")

    def _chunk(self, text: str) -> None:
        self.wfile.write(f"{len(text.encode()):x}\r\n{text}\r\n".encode())
        self.wfile.flush()


if __name__ == "__main__":
    server = _Server(("127.0.0.1", int(sys.argv[1])), _Handler)
    server.delay = float(sys.argv[2])
    server.serve_forever(0.05)
