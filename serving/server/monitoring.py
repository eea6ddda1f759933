"""What a server counts, under TF Serving's names, on TF Serving's Prometheus page.

Sources: the metrics in servables/tensorflow/util.cc and saved_model_warmup_util.cc beside it and in
batching/batching_session.cc of TF Serving, and in cc/saved_model/loader.cc of TensorFlow; the text
in util/prometheus_exporter.cc.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.samples import Sample

from serving.server.refusals import status_code

_LATENCY_BUCKETS = tuple(10 * 1.8**i for i in range(33))  # microseconds: 10 to some 25 minutes
_QUEUING_BUCKETS = tuple(100 * 1.2**i for i in range(52))  # microseconds: 100 to some 1.1 s
_THREAD_POOL = "model_server_batch_threads"  # as TF Serving names its own


class Metrics:
    """The counters of one server; may be used from any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._request_count = self._counter(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            ("model_name", "status"),
        )
        self._request_latency = self._histogram(
            ":tensorflow:serving:request_latency",
            "Wall time of a request, in microseconds.",
            ("model_name", "API", "entrypoint"),
        )
        self._runtime_latency = self._histogram(
            ":tensorflow:serving:runtime_latency",
            "Wall time of the graph of a request, in microseconds.",
            ("model_name", "API", "runtime"),
        )
        self._queuing_latency = self._histogram(
            ":tensorflow:serving:batching_session:queuing_latency",
            "Wall time that a request waits for its batch to run, in microseconds.",
            ("thread_pool_name",),
            _QUEUING_BUCKETS,
        )
        self._warmup_latency = self._histogram(
            ":tensorflow:serving:model_warmup_latency",
            "Wall time of a version's warm-up requests, in microseconds.",
            ("model_path", "status"),
        )
        self._load_attempt_count = self._counter(
            ":tensorflow:cc:saved_model:load_attempt_count",
            "The number of times a SavedModel was requested to be loaded.",
            ("model_path", "status"),
        )
        self._load_latency = self._counter(
            ":tensorflow:cc:saved_model:load_latency",
            "Wall time of the loads that succeeded, in microseconds.",
            ("model_path",),
        )

    @contextlib.contextmanager
    def request(self, model_name: str, api: str, entrypoint: str) -> Iterator[None]:
        """Counts a request by its status, and times it if it succeeds.

        Args:
            model_name: the model asked.
            api: what it was asked to do: `Predict` over gRPC, `predict` over REST.
            entrypoint: `GRPC` or `REST`.
        """
        start, status = time.perf_counter(), "OK"
        try:
            yield
        except tf.errors.OpError as error:
            status = status_code(error).name
            raise
        except BaseException:
            status = "UNKNOWN"
            raise
        else:
            latency = self._request_latency.labels(model_name, api, entrypoint)
            latency.observe(_microseconds_since(start))
        finally:
            self._request_count.labels(model_name, status).inc()

    @contextlib.contextmanager
    def runtime(self, model_name: str, api: str) -> Iterator[None]:
        """Times the graph of a request, if it succeeds."""
        start = time.perf_counter()
        yield
        latency = self._runtime_latency.labels(model_name, api, "TF1")
        latency.observe(_microseconds_since(start))

    def queued(self, seconds: float) -> None:
        """Notes how long a request waited for its batch to run."""
        self._queuing_latency.labels(_THREAD_POOL).observe(round(seconds * 1e6))

    def warmed_up(self, model_path: Path, seconds: float) -> None:
        """Notes how long a version's warm-up requests took together."""
        self._warmup_latency.labels(str(model_path), "OK").observe(round(seconds * 1e6))

    @contextlib.contextmanager
    def load(self, model_path: str) -> Iterator[None]:
        """Counts a load of a SavedModel, and times it if it succeeds."""
        start, status = time.perf_counter(), "fail"
        try:
            yield
            self._load_latency.labels(model_path).inc(_microseconds_since(start))
            status = "success"
        finally:
            self._load_attempt_count.labels(model_path, status).inc()

    def page(self) -> str:
        """Everything counted so far, in Prometheus' text format.

        prometheus-client's own text would name a counter `..._total` and write the bound of a
        bucket as `18.0`, so that queries made for TF Serving would find nothing.
        """
        lines = []
        for metric in self._registry.collect():
            lines.append(f"# TYPE {metric.name} {metric.type}")
            lines += [_line(s) for s in metric.samples if not s.name.endswith("_created")]
        return "\n".join(lines) + "\n"

    def _counter(self, name: str, documentation: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, documentation, labels, registry=self._registry)

    def _histogram(
        self,
        name: str,
        documentation: str,
        labels: tuple[str, ...],
        buckets: tuple[float, ...] = _LATENCY_BUCKETS,
    ) -> Histogram:
        return Histogram(name, documentation, labels, registry=self._registry, buckets=buckets)


def _microseconds_since(start: float) -> int:
    return round((time.perf_counter() - start) * 1e6)


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_label(name, value)}"' for name, value in sample.labels.items())
    return f"{sample.name.removesuffix('_total')}{{{labels}}} {sample.value:.15g}"


def _label(name: str, value: str) -> str:
    if name == "le" and value != "+Inf":
        return f"{float(value):.6g}"
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
