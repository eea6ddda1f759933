"""Faults of a server: odd clients, and new versions, while many others ask what makes sense."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import grpc

from serving.protocol.protos import prediction_service_pb2_grpc
from tests.faults.found import Found, Kind
from tests.faults.live import CHANNEL, SECONDS, Live, message
from tests.faults.odd_clients import LONG, ODD_CLIENTS
from tests.faults.server import CALLS, Server, serving


@dataclass(frozen=True)
class Sizes:
    """How large things are.

    Attributes:
        clients: that ask what makes sense, at the same time.
        each: their requests, beside a fault.
        odd: faults at the same time.
        swaps: of versions in turn.
        few: requests after which it is first looked what the server holds.
        many: requests after which it may hold no more.
    """

    clients: int = 64
    each: int = 5
    odd: int = 32
    swaps: int = 2
    few: int = 1_000
    many: int = 10_000


@dataclass(frozen=True)
class Place:
    """Where faults are injected: a server with its live clients."""

    live: Live
    sizes: Sizes

    @property
    def server(self) -> Server:
        """Whom they ask."""
        return self.live.server


Attack = Callable[[Server, Random], list[str]]


def beside_live_clients(attack: Attack, place: Place, random: Random) -> Found:
    """Injects a number of faults while all the live clients ask."""
    sizes = place.sizes
    with ThreadPoolExecutor(sizes.odd) as pool:
        seeds = [random.random() for _ in range(sizes.odd)]
        attacks = [pool.submit(attack, place.server, Random(seed)) for seed in seeds]
        wrong = place.live.ask(sizes.clients, sizes.each, random)
        lost = [sentence for one in attacks for sentence in one.result()]
    did = f"{sizes.odd} beside {sizes.clients * sizes.each} live requests"
    return Found(did, sizes.odd, [*wrong, *lost, *place.server.troubles()])


def swaps(place: Place, random: Random) -> Found:
    """New versions come, and old ones go, while all the live clients ask."""
    wrong: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        swapping = pool.submit(lambda: [place.server.swap() for _ in range(place.sizes.swaps)])
        while not swapping.done():
            wrong += place.live.ask(place.sizes.clients, place.sizes.each, random)
        swapping.result()
    did = f"{place.sizes.swaps} swaps beside {place.sizes.clients} live clients"
    return Found(did, place.sizes.swaps, [*wrong, *place.server.troubles()])


def growth(place: Place, random: Random) -> Found:
    """After many requests, with all faults among them, the server holds no more than after few."""
    found, held = Found("", 0), []
    _fill_up(place.server)
    for requests in (place.sizes.few, place.sizes.many - place.sizes.few):
        end = place.live.asked + requests
        while place.live.asked < end:
            for kind in KINDS[:-1]:
                one = kind.inject(place, random)
                found.injected += one.injected
                found.lost += one.lost
        held.append(place.server.settled())
    few, many = held
    found.did = f"{few} after {place.sizes.few:,}; {many} after {place.sizes.many:,}"
    if not many.is_within(few):
        found.left.append(found.did)
    return found


def _fill_up(server: Server) -> None:
    """Has it start all the threads that it may, which it does as calls come."""
    with grpc.insecure_channel(server.target, CHANNEL) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        calls = [stub.Predict.future(message(*LONG), timeout=SECONDS) for _ in range(CALLS)]
        for call in calls:
            call.exception()


KINDS = (
    *(
        Kind(name, partial(beside_live_clients, attack), short="1")
        for name, attack in ODD_CLIENTS.items()
    ),
    Kind("swaps of versions", swaps),
    Kind("a server holds no more", growth, short="1"),
)


@contextmanager
def place(directory: Path, sizes: Sizes = Sizes()) -> Iterator[Place]:
    """A server with live clients, below a directory."""
    with serving(directory) as server:
        yield Place(Live(server), sizes)
