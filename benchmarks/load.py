"""Many clients at once: how long each waits, and how much they get together."""

import itertools
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc

from benchmarks.ask import Predict, connect, request_of
from benchmarks.writing import Writing


@dataclass(frozen=True)
class Load:
    """What came of it.

    Attributes:
        clients: that asked at the same time, each over its own connection, one request after
            the other.
        p50: milliseconds that half of the requests took at most.
        p99: the same of 99 in 100.
        requests_per_second: of all clients together.
        characters_per_second: alike.
        requests: that were answered.
        lost: requests that were not.
    """

    clients: int
    p50: float
    p99: float
    requests_per_second: float
    characters_per_second: float
    requests: int
    lost: int


def put_under_load(
    task: Writing, clients: int, requests: int, is_over: Callable[[], bool] = lambda: True
) -> Load:
    """Asks the server of a task.

    Args:
        task: what each request asks for.
        clients: how many ask at the same time.
        requests: of all together, at least.
        is_over: whether they may stop after that.
    """
    request, numbers = request_of(task), itertools.count()
    lost: list[grpc.RpcError] = []

    def ask(predict: Predict) -> list[float]:
        latencies = []
        while next(numbers) < requests or not is_over():
            start = time.perf_counter()
            try:
                predict(request)
            except grpc.RpcError as error:
                lost.append(error)
            else:
                latencies.append(time.perf_counter() - start)
        return latencies

    connections = [connect(task.target) for _ in range(clients)]
    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        asked = [pool.submit(ask, predict) for predict in connections]
        latencies = [latency for future in asked for latency in future.result()]
    seconds = time.perf_counter() - start
    if not latencies:
        raise lost[0]
    percentiles = statistics.quantiles(latencies, n=100, method="inclusive")
    return Load(
        clients=clients,
        p50=1000 * percentiles[49],
        p99=1000 * percentiles[98],
        requests_per_second=len(latencies) / seconds,
        characters_per_second=len(latencies) * task.characters / seconds,
        requests=len(latencies),
        lost=len(lost),
    )
