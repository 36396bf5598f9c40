"""Fixtures: each hands out parts of a scene and takes them down after the test, last made first.

Run it with /usr/bin/python3: the demo API needs Debian's FastAPI.
"""
import contextlib
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from support.demo_origin import DemoOrigin  # noqa: E402
from support.larder import Larder  # noqa: E402
from support.redis_server import RedisServer  # noqa: E402
from support.scripted_origin import ScriptedOrigin  # noqa: E402


@pytest.fixture
def scene():
    """scene(thing) stops the thing when the test is over, failing it where the stop finds something wrong."""
    with contextlib.ExitStack() as stack:

        def enter(thing):
            stack.callback(thing.stop)
            return thing

        yield enter


@pytest.fixture
def origin(scene):
    return scene(ScriptedOrigin())


@pytest.fixture
def redis(scene):
    return scene(RedisServer())


@pytest.fixture
def start_redis(scene):
    return lambda *args, **named: scene(RedisServer(*args, **named))


@pytest.fixture
def start_larder(scene):
    """start_larder(text, origin=url, ...) as support.larder.Larder."""

    def start(text, **named):
        started = scene(Larder(text, start=False, **named))
        started.start()
        return started

    return start


@pytest.fixture
def demo(scene):
    """The demo API with the artificial query time off."""
    return scene(DemoOrigin())
