import pytest

from support import http2_client
from support.configurations import WIRE


@pytest.fixture
def wire(origin, start_larder):
    """A larder before the scripted origin, with a memory tier, no Redis, and one read route, /cached/{name}.

    wire(limits="{...}", route="...", origin="...", extra="...") replaces or adds to its configuration.
    """

    def start(limits="{}", route="ttl: 60", extra="", text=WIRE, origin_text=None, within=()):
        return start_larder(
            text, limits=limits, route=route, extra=extra, origin=origin_text or origin.url, within=within
        )

    return start


@pytest.fixture
def larder(wire):
    return wire()


@pytest.fixture
def connect(larder):
    """Connections to the plain listener, by prior knowledge."""
    opened = []

    def start(**named):
        opened.append(http2_client.Connection(larder.port, **named))
        return opened[-1]

    yield start
    for connection in opened:
        connection.close()
