import os

import pytest

from support.configurations import ARTICLES
from support.larder import REPOSITORY
from support.sentinel import Sentinel


@pytest.fixture
def articles_larder(start_larder):
    """A larder with the demo's routes before an origin and a Redis; memory: the size of its memory tier, or "off"."""

    def start(origin, redis, memory="64MB", text=ARTICLES, wait_for_redis=True, metrics_token=None, **named):
        started = start_larder(
            text, origin=origin.url, redis=redis if isinstance(redis, str) else redis.url, memory=memory, **named
        )
        started.metrics_token = metrics_token
        if wait_for_redis:
            started.wait_for_redis()
        return started

    return start


@pytest.fixture
def state(tmp_path):
    """An empty directory for `state`."""
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def demo_larder(start_larder):
    """A larder with config/articles.yaml as it is, but for its two addresses; env as its users set it."""

    def start(origin, redis_url, env=None):
        with open(os.path.join(REPOSITORY, "config", "articles.yaml")) as config:
            text = config.read().replace("127.0.0.1:8080", "<listen>").replace("127.0.0.1:9180", "<admin>")
        started = start_larder(text, env={"ORIGIN_URL": origin.url, "REDIS_URL": redis_url, **(env or {})})
        started.wait_for_redis()
        return started

    return start


@pytest.fixture
def sentinels(scene, tmp_path):
    """Starts a sentinel that watches the master on a port as "m"; the rest as support.sentinel.Sentinel."""
    return lambda master_port, *args, **named: scene(Sentinel(master_port, tmp_path, *args, **named))
