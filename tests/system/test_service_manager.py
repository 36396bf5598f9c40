"""What systemd is told (Type=notify, WatchdogSec), so that it knows when larder serves, reloads, ends, or hangs."""
import signal
import time

import pytest

from support.configurations import WIRE
from support.notify_socket import NotifySocket
from support.scripted_origin import reply


@pytest.fixture
def manager(scene):
    return scene(NotifySocket())


@pytest.fixture
def start(manager, origin, start_larder):
    def started(**env):
        return start_larder(
            WIRE,
            limits="{}",
            route="ttl: 60",
            extra="",
            origin=origin.url,
            env={"NOTIFY_SOCKET": manager.path, **env},
        )

    return started


def test_it_is_told_of_start_reload_and_stop_in_this_order(manager, start):
    larder = start()
    assert manager.next() == ("READY=1", larder.process.pid)
    larder.reload()
    assert [manager.next()[0] for _ in range(2)] == ["RELOADING=1", "READY=1"]
    larder.process.signal(signal.SIGTERM)
    assert manager.next() == ("STOPPING=1", larder.process.pid)
    larder.wait_for_end()


def test_requests_are_answered_before_it_is_told_that_larder_is_ready(manager, origin, start):
    origin.on("/cached/x", reply(body=b"x"))
    larder = start()
    manager.wait_for("READY=1")
    assert larder.get("/cached/x").status == 200


def test_a_hand_over_names_the_new_process_and_does_not_stop_the_service(manager, start):
    larder = start()
    manager.wait_for("READY=1")
    old = larder.process.pid
    larder.hand_over()
    seen = [manager.next() for _ in range(2)]
    assert (f"MAINPID={larder.successor}", old) in seen
    assert ("READY=1", larder.successor) in seen
    assert not any("STOPPING" in lines for lines, _ in seen)


def test_signs_of_life_come_in_time_and_from_the_new_process_after_a_hand_over(manager, start):
    larder = start(WATCHDOG_USEC="400000")
    began = time.monotonic()
    for _ in range(3):
        assert manager.wait_for("WATCHDOG=1") == larder.process.pid
    assert time.monotonic() - began < 3 * 0.4 + 2
    larder.hand_over()
    manager.drain()
    assert manager.wait_for("WATCHDOG=1") == larder.successor


def test_a_watchdog_that_is_meant_for_another_process_hears_nothing(manager, start):
    larder = start(WATCHDOG_USEC="20000", WATCHDOG_PID="1")
    manager.wait_for("READY=1")
    larder.reload()
    assert [manager.next()[0] for _ in range(2)] == ["RELOADING=1", "READY=1"]
