"""Waiting for something to become true, and doing several things at once."""
import threading
import time

PATIENCE = 10.0  # seconds: how long a test waits for what should happen at once, on a busy machine too


def until(condition, timeout=PATIENCE, what=None):
    """The first true value of condition(), asked again and again; AssertionError after timeout seconds.

    A condition that raises OSError counts as not yet true.
    """
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = condition()
        except OSError as error:
            last = error
        if last and not isinstance(last, OSError):
            return last
        if time.monotonic() >= deadline:
            raise AssertionError(
                f"{what or 'the condition'} did not come true within {timeout:g} s; last seen: {last!r}"
            )
        time.sleep(0.005)


def wait_until_still(value, still_for=0.5, timeout=30.0):
    """Until value() has not changed for so many seconds; returns it."""
    deadline = time.monotonic() + timeout
    last, since = value(), time.monotonic()
    while time.monotonic() - since < still_for:
        if time.monotonic() >= deadline:
            raise AssertionError(f"still changing after {timeout:g} s, now {last!r}")
        time.sleep(0.01)
        now = value()
        if now != last:
            last, since = now, time.monotonic()
    return last


class Later:
    """A call that runs in a thread of its own; finish() returns what it returned, or raises what it raised."""

    def __init__(self, call, *args, **named):
        self._result = self._error = None
        self._thread = threading.Thread(target=self._run, args=(call, args, named), daemon=True)
        self._thread.start()

    def _run(self, call, args, named):
        try:
            self._result = call(*args, **named)
        except BaseException as error:  # handed to finish()
            self._error = error

    def is_done(self):
        return not self._thread.is_alive()

    def finish(self, timeout=30.0):
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise AssertionError(f"the call is still running after {timeout:g} s")
        if self._error is not None:
            raise self._error
        return self._result


def all_at_once(count, call):
    """The results of call(0) ... call(count - 1), started together."""
    start = threading.Barrier(count)

    def one(number):
        start.wait(30)
        return call(number)

    return [later.finish() for later in [Later(one, number) for number in range(count)]]
