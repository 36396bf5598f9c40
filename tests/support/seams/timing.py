"""When each instance must have heard of a purge: the bounds of the guarantees, and every
allowance with its reason.
"""
import math

# The contract's own figures, in seconds.
MEMORY_LAG = 0.05  # guarantee 1: through other instances with a memory tier, while Redis is reachable
# Guarantee 1: after Redis ceased to be reachable the memory tier serves no longer than this
LOST = 1.0
RECOVER = 2.0  # guarantee 4: caching resumes, and owed purges are delivered, within 2 s of Redis' return
REDIS_TIMEOUT = 0.1  # redis.timeout of the runs: all that one request may wait for Redis
AGAIN = 2.0  # guarantee 1: a write of unknown outcome purges again after 2 s

# Allowances.
BUSY = 0.25  # a busy machine lets client, larder and Redis run late; measured stalls are added to it
HANDOVER_LAG = MEMORY_LAG  # while a hand-over lasts, two processes are the instance: as between two instances
LATE = 0.2  # from the origin's late answer to the end of the purge that follows
LOCK = 5.0  # so long a fetch's lock outlives a process or a connection that was killed
WAIT = 1.0  # the routes' `wait`: a request behind such a lock waits so long
NOTICED = 1.0  # after this time of an outage no request waits for Redis any more

SILENCING = ("down", "one", "switch")  # invalidations may not arrive
ORPHANING = (
    "down",
    "one",
    "switch",
    "stale",
    "killed",
    "gone",
    "handover",
    "keys",
)  # a lock may be left behind


def overlaps(window, begin, end):
    return window.start <= end and window.end >= begin


class Timing:
    """visible(purge, instance) = (from, until): reads that begin in between must not see what the
    purge covers.
    """

    def __init__(self, history, patience=1.0):
        self._history, self.busy = history, BUSY * patience
        self._windows = {}
        for instance in range(len(history.memory)):
            own = [window for window in history.windows if window.instance in (instance, -1)]
            self._windows[instance] = sorted(own, key=lambda window: window.start)

    def windows(self, instance, kinds, begin=-math.inf, end=math.inf):
        return [window for window in self._windows[instance] if window.kind in kinds and overlaps(window, begin, end)]

    def visible(self, purge, instance):
        base = self._done_at(purge)
        if base is None:
            return math.inf, math.inf
        delivered, lost_at = self._delivered_at(purge, base)
        if instance == purge.instance:
            if self.windows(instance, ("handover",), purge.begin, base):
                base += HANDOVER_LAG + self.busy
            return base, lost_at
        if lost_at < math.inf:
            return math.inf, math.inf
        return self._in_memory(instance, base, delivered), math.inf

    def _done_at(self, purge):
        """When the purge was over for its own process; None where nobody promises that it is."""
        if purge.late == "":
            return purge.end
        done = (
            max(purge.end, purge.answered) + LATE + self.busy
            if purge.late == "answered"
            else purge.end + AGAIN + LATE + self.busy
        )
        if purge.late == "cut" and purge.committed > purge.end + AGAIN - self.busy:
            return None
        # The repetition is the process's own: what becomes of it when the process ends, no
        # guarantee says.
        if self.windows(purge.instance, ("gone", "killed", "handover"), purge.begin, done):
            return None
        return done

    def _delivered_at(self, purge, base):
        """When Redis has it, and since when it is lost with its process (inf: it is not)."""
        # Under `fail` a write is announced before it goes to the origin, so its purge is never
        # owed.
        owed = not purge.acknowledged and not (self._history.fail and purge.is_write)
        if purge.late and self.windows(purge.instance, SILENCING, purge.begin, base):
            owed = True
        at = base
        # What was acknowledged by a server just before it was replaced comes to the new one by the
        # replay.
        for window in self.windows(purge.instance, ("switch",), purge.begin, base):
            at = max(at, window.end + RECOVER + self.busy)
        if not owed or not self._history.redis:
            return at, math.inf
        waiting = base
        for window in self.windows(purge.instance, ("down", "switch", "gone", "killed"), purge.begin):
            if window.start > waiting + RECOVER + self.busy:
                break
            if window.kind in ("gone", "killed") and window.end > base and not self._history.state:
                return math.inf, max(window.start, base)
            waiting = max(waiting, window.end)
        return max(at, waiting + RECOVER + self.busy), math.inf

    def _in_memory(self, instance, base, delivered):
        """When another instance shows it: at once from Redis, a moment later from memory."""
        if not self._history.memory[instance]:
            return delivered
        at = delivered + MEMORY_LAG + self.busy
        for window in self.windows(instance, SILENCING):
            if window.start < at and base < max(window.end, window.start + LOST):
                at = max(at, window.start + LOST + self.busy)
        return at

    def is_unnoticeable(self, instance, begin, end):
        return bool(self.windows(instance, ("stale",), begin, end))

    def stalled(self, begin, end):
        """For how long in this time the machine did not let the clients run."""
        return sum(
            min(seconds, end - begin)
            for when, seconds in self._history.stalls
            if when - seconds <= end and when >= begin
        )
