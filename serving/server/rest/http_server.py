"""The HTTP port of a server, in a thread: the REST API and the page of metrics.

Source: TF Serving, model_servers/http_server.cc, and AddCORSHeaders in http_rest_api_util.cc.
"""

import asyncio
import logging
import math
import re
import socket
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from modules.errors import ServingError
from serving.server.flags import ServerOptions
from serving.server.grpc.ports import address
from serving.server.monitoring import Metrics
from serving.server.rest import json_answers
from serving.server.rest.api import RestApi
from serving.server.rest.connections import protocol
from serving.server.runtime.callers import Impatient
from serving.server.text_protos import MonitoringConfig, read_text_proto

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}
_METRICS_PATH = "/monitoring/prometheus/metrics"
_KEEP_ALIVE_SECONDS = 50  # as libevent, the HTTP server of TF Serving
_GZIP = 16 + zlib.MAX_WBITS
_LARGEST_UNZIPPED = 100 * 2**20  # bytes: kMaxUncompressedBytes of TF Serving's gzip_zlib.h
_NOT_FOUND = (  # libevent's
    "<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n"
    "<H1>Not Found</H1>\n</BODY></HTML>\n"
)
_logger = logging.getLogger(__name__)


class HttpServer:
    """Answers HTTP requests until it is stopped.

    Attributes:
        port: the port it listens on; once started never 0.
    """

    def __init__(self, api: RestApi, metrics: Metrics, options: ServerOptions) -> None:
        """Prepares a server.

        Args:
            api: what answers below `/v1/`; in threads, for a model takes its time.
            metrics: what the page of metrics shows.
            options: where to listen, and how to answer.

        Raises:
            ConfigError: if `monitoring_config_file` is none.
        """
        self.port = options.rest_api_port
        self._host = options.host
        config = uvicorn.Config(
            _application(api, metrics, options),
            access_log=False,
            http=protocol(options.rest_api_timeout_in_ms / 1000),
            lifespan="off",
            log_config=None,
            log_level=logging.WARNING,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            ws="none",
        )
        self._server = uvicorn.Server(config)
        self._listener: socket.socket

    def listen(self) -> None:
        """Takes the port; who connects now waits for `start`.

        Raises:
            ServingError: if the port is taken.
        """
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            self._listener = socket.create_server((self._host, self.port), family=family)
        except OSError as error:
            raise ServingError(
                "cannot listen on {address} for REST ({error}): stop what does, or give another "
                "{rest_api_port.name}",
                {"rest_api_port": self.port},
                address=address(self._host, self.port),
                error=error,
            ) from error
        # Else the end of an answer waits for the client to confirm the start of it: 40 ms.
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self._listener.getsockname()[1]

    def start(self) -> None:
        """Answers from now on."""
        self._thread = threading.Thread(
            target=self._server.run, args=([self._listener],), name="http", daemon=True
        )
        self._thread.start()
        _logger.info("listening on %s for REST", address(self._host, self.port))

    def stop(self, grace: float) -> None:
        """Takes no more requests, and waits `grace` seconds for those under way."""
        self._server.config.timeout_graceful_shutdown = math.ceil(grace)
        self._server.should_exit = True
        self._thread.join()


def _application(api: RestApi, metrics: Metrics, options: ServerOptions) -> Starlette:
    metrics_path = _metrics_path(options.monitoring_config_file)
    headers = _CORS if options.rest_api_enable_cors_support else {}
    size = options.rest_api_num_threads or options.grpc_max_threads
    threads = ThreadPoolExecutor(size, thread_name_prefix="rest")
    seconds = options.rest_api_timeout_in_ms / 1000

    async def answer(request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if path == metrics_path:
            return Response(metrics.page(), media_type="text/plain")
        if not path.lower().startswith("/v1/"):
            return Response(_NOT_FOUND, 404, media_type="text/html")
        if request.method == "OPTIONS":  # a browser that asks whether it may ask
            may = re.search("https?://", request.headers.get("origin", ""))
            return Response(status_code=200 if may else 400, headers=headers)
        run = asyncio.get_running_loop().run_in_executor
        query = request.url.query
        try:
            body = await asyncio.wait_for(request.body(), seconds)
        except ClientDisconnect:
            return Response(status_code=499)
        except asyncio.TimeoutError:
            return Response(status_code=408, headers={"Connection": "close"})
        if "gzip" in request.headers.get("content-encoding", ""):
            body = await run(threads, _unzip, body)
        path = f"{path}?{query}" if query else path
        caller = Impatient(seconds)
        gone = asyncio.ensure_future(_gone(request, caller))
        try:
            status, content = await run(threads, api.answer, request.method, path, body, caller)
        except asyncio.CancelledError:  # the grace of `stop` is over
            status, content = 503, json_answers.error("the server is shutting down")
        finally:
            gone.cancel()
        return Response(content, status, headers, media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", answer, methods=_METHODS)])


async def _gone(request: Request, caller: Impatient) -> None:
    """Waits until the client closes its connection, and says so."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    caller.hang_up()


def _metrics_path(monitoring_config_file: str) -> str | None:
    """Where the page of metrics is; None if there is to be none."""
    if not monitoring_config_file:
        return None
    config = read_text_proto("monitoring_config_file", monitoring_config_file, MonitoringConfig())
    prometheus = config.prometheus_config
    return (prometheus.path or _METRICS_PATH) if prometheus.enable else None


def _unzip(body: bytes) -> bytes:
    """What is in a gzip; nothing where it is none or too large, as TF Serving has it."""
    decompressor = zlib.decompressobj(wbits=_GZIP)
    try:
        unzipped = decompressor.decompress(body, _LARGEST_UNZIPPED)
    except zlib.error:
        return b""
    return unzipped if decompressor.eof else b""
