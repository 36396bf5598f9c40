"""Guarantee 4 in a history: no request fails because of Redis, and none waits for it longer than it
may.
"""
from dataclasses import dataclass

from .timing import LOCK, NOTICED, ORPHANING, REDIS_TIMEOUT, WAIT

SCAN_LIMIT = 1.0  # a purge by API may walk the keys in steps, each of which may take redis.timeout
CLOSING = 1.5  # a draining process closes its idle connections within about this time
# An occasional wait is the probe of a link, or the machine.
WAITING_SHARE, WAITING_MANY = 0.1, 5


@dataclass
class Violation:
    kind: str
    when: float
    text: str
    read: object = None
    purge: object = None


class RequestChecks:
    """For a court that has history and timing, and in _busy when the origin worked on what."""

    def failures(self):
        for read in self.history.reads:
            if not read.error and read.status in (200, 206, 304):
                continue
            if not self._may_fail(read):
                yield Violation(
                    "failed",
                    read.begin,
                    f"{read}: {read.error or read.status}",
                    read,
                )
        for purge in self.history.purges:
            fine = (
                purge.status in (200, 202)
                or (purge.how == "PURGE" and purge.status == 404)
                or (purge.late and purge.status in (502, 504))
            )
            refused = (
                self.history.fail
                and purge.status == 503
                and self.timing.windows(
                    purge.instance,
                    ("down", "one", "switch", "stale", "full"),
                    purge.begin - 2,
                    purge.end,
                )
            )
            if (purge.error or not fine) and not refused and not self._may_fail(purge):
                yield Violation(
                    "failed",
                    purge.begin,
                    f"{purge.how} at instance {purge.instance}: {purge.error or purge.status}",
                    None,
                    purge,
                )

    def _may_fail(self, request):
        if self.timing.windows(request.instance, ("gone", "killed"), request.begin, request.end):
            return True
        # An idle connection that a draining process closes may meet the next request on its way.
        return bool(
            request.error
            and getattr(request, "reused", True)
            and self.timing.windows(request.instance, ("handover",), request.begin - CLOSING, request.end)
        )

    def waits(self):
        yield from self._long_waits()
        yield from self._waits_though_known()

    def _unexplained(self, read):
        """Seconds of a request in which no answer of the origin for its resource was under way and
        the machine ran.
        """
        spans = self._busy.get((read.kind, read.subject), ())
        working, at = 0.0, read.begin
        for begin, end in spans:
            if begin > read.end:
                break
            begin, end = max(begin, at), min(end, read.end)
            if end > begin:
                working, at = working + end - begin, end
        return read.end - read.begin - read.paused - working - self.timing.stalled(read.begin, read.end)

    def _long_waits(self):
        for read in self.history.reads:
            limit = REDIS_TIMEOUT + self.timing.busy
            if read.end - read.begin - read.paused <= limit or (read.error and self._may_fail(read)):
                continue
            if any(overlap for overlap in self.timing.windows(read.instance, ("gone", "killed"), read.begin, read.end)):
                continue
            if any(
                window.kind in ORPHANING and window.start <= read.end and window.end >= read.begin - LOCK
                for window in self.history.windows
            ):
                limit += WAIT
            waited = self._unexplained(read)
            if waited > limit:
                yield Violation(
                    "waited",
                    read.begin,
                    f"{read} waited {waited * 1000:.0f} ms for neither the origin nor its client",
                    read,
                )
        for purge in self.history.purges:
            limit = SCAN_LIMIT if purge.how.startswith("api") else 2 * REDIS_TIMEOUT
            took = purge.end - purge.begin - purge.origin - self.timing.stalled(purge.begin, purge.end)
            if not purge.late and not purge.error and took > limit + self.timing.busy:
                yield Violation(
                    "waited",
                    purge.begin,
                    f"{purge.how} at instance {purge.instance} waited " f"{took * 1000:.0f} ms for Redis",
                    None,
                    purge,
                )

    def _waits_though_known(self):
        for window in self.history.windows:
            since = window.start + NOTICED + self.timing.busy
            if window.kind != "down" or window.end < since + 0.5:
                continue
            instances = [window.instance] if window.instance >= 0 else range(len(self.history.memory))
            for instance in instances:
                own = [
                    read
                    for read in self.history.reads
                    if read.instance == instance and since <= read.begin and read.end <= window.end and not read.error
                ]
                waited = [read for read in own if self._unexplained(read) > 0.8 * REDIS_TIMEOUT]
                if len(waited) >= WAITING_MANY and len(waited) > WAITING_SHARE * len(own):
                    yield Violation(
                        "waits",
                        waited[0].begin,
                        f"{len(waited)} of {len(own)} requests at instance {instance} still waited "
                        f"for a Redis that had been away for {NOTICED:g} s",
                        waited[0],
                    )
