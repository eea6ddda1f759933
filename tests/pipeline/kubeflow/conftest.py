from collections.abc import Iterator
from threading import Thread

import pytest
from kfp_api import Api


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server
        server.shutdown()
