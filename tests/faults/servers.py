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
from tests.faults.server import CALLS, Held, Server, serving

_ROUNDS = 8  # at most, while the server holds more after each


@dataclass(frozen=True)
class Sizes:
    """How large things are.

    Attributes:
        clients: that ask what makes sense, at the same time.
        each: their requests, beside a fault.
        odd: faults at the same time.
        swaps: of versions in turn.
        many: requests after which the server may hold no more.
    """

    clients: int = 64
    each: int = 5
    odd: int = 32
    swaps: int = 2
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
    """After many requests, with all faults among them, the server holds no more than before.

    What malloc keeps for the next version is no growth, and comes in steps: so there are rounds,
    and more of them if the last one added anything. What leaks adds to every one.
    """
    found, held = Found("", 0), []
    _fill_up(place.server)
    begin = place.live.asked
    while place.live.asked < begin + place.sizes.many or (_grew(held) and len(held) < _ROUNDS):
        for kind in KINDS[:-1]:
            one = kind.inject(place, random)
            found.injected += one.injected
            found.lost += one.lost
        held.append(place.server.settled())
    rounds = "; ".join(map(str, held))
    found.did = f"{place.live.asked - begin:,} requests in {len(held)} rounds: {rounds}"
    if _grew(held):
        found.left.append(found.did)
    return found


def _grew(held: list[Held]) -> bool:
    """Whether the last round ended with more than any before it."""
    return not any(held[-1].is_within(before) for before in held[:-1])


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
