"""A server on this machine that answers as the API of Kubeflow Pipelines does."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlparse

API = "/apis/v2beta1"


def task(name: str, state: str, seconds: int = 0) -> dict[str, Any]:
    end = {"end_time": f"2026-01-01T00:00:{seconds:02}Z"} if seconds else {}
    return {"display_name": name, "state": state, "start_time": "2026-01-01T00:00:00Z", **end}


class Api(ThreadingHTTPServer):
    """Answers each question about a run with the next of `states`, and the last one for ever.

    Attributes:
        asked: method, path, headers and body of each request.
        states: what a run's details are.
    """

    def __init__(self) -> None:
        super().__init__(("localhost", 0), _Handler)
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.states: list[dict[str, Any]] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.address = f"http://localhost:{self.server_port}"

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if self.refusal:
            return self.refusal
        if (method, path) == ("GET", f"{API}/healthz"):
            return 200, {"multi_user": False}
        if (method, path) == ("GET", f"{API}/experiments"):
            return 200, {}
        if (method, path) == ("POST", f"{API}/experiments"):
            return 200, {"experiment_id": "e1", **body}
        if (method, path) == ("POST", f"{API}/runs"):
            return 200, {"run_id": "r1", **body}
        if (method, path) == ("POST", f"{API}/recurringruns"):
            return 200, {"recurring_run_id": "s1", **body}
        if (method, path) == ("GET", f"{API}/runs/r1"):
            return 200, self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return 404, {"message": f"nothing at {path}"}

    def bodies(self, method: str, path: str) -> list[Any]:
        return [body for m, p, _, body in self.asked if (m, p) == (method, API + path)]


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        path = urlparse(self.path).path
        self.server.asked.append((self.command, path, dict(self.headers), body))
        status, answer = self.server.answer(self.command, path, body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _do

    def log_message(self, *args: Any) -> None:
        """See base class."""
