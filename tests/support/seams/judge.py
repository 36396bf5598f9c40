"""Judges a history by the guarantees. A pure function: judge(history) is the list of what was
broken.

stale       an answer older than a purge that had to be visible (guarantees 1, 2)
outlived    an answer older than the lifetime its origin gave it (a HEAD or 304 that prolonged it)
others      an answer to a request of another Host, language, user or cookie (6)
failed      a request that failed though the origin was fine (4)
waited      a request that took longer than the origin and redis.timeout together (4)
waits       requests that go on waiting for a Redis that is known to be away (4)
fetches     a burst on a cold key that cost the origin more than one request for each variant (5)
stop        a process that did not end in time, or not with status 0 (8)
"""
import bisect
import math

from .catalog import KINDS
from .promptness import RequestChecks, Violation
from .timing import Timing

LONGEST_DELAY = 0.4  # of an answer at the origin, after it was read
ROUNDING = 1.0  # lifetimes count in whole seconds
BURST_STALL = 0.05  # a machine that stood still for so long may have made Redis look dead


def judge(history, patience=1.0):
    court = _Court(history, patience)
    found = [
        *court.staleness(),
        *court.lifetimes(),
        *court.privacy(),
        *court.failures(),
        *court.waits(),
        *court.bursts(),
        *court.stops(),
    ]
    return sorted(found, key=lambda violation: violation.when)


class _Court(RequestChecks):
    def __init__(self, history, patience):
        self.history, self.timing, self.patience = history, Timing(history, patience), patience
        self._busy = {}
        for fetch in history.fetches:
            self._busy.setdefault((fetch.kind, fetch.subject), []).append(
                (fetch.begin, min(fetch.end, history.ended or math.inf))
            )
        for spans in self._busy.values():
            spans.sort()

    # ---- guarantees 1 and 2

    def staleness(self):
        by_kind, by_tag = self._requirements()
        for read in self.history.reads:
            if read.version is None or read.status not in (200, 206, 304):
                continue
            if self.timing.is_unnoticeable(read.instance, read.begin, read.end):
                continue
            candidates = by_kind.get((read.kind, read.subject, read.instance), ())
            tagged = sorted(
                (row for tag in read.tags for row in by_tag.get((tag, read.instance), ())),
                key=lambda row: row[0],
            )
            purge = self._broken(read, candidates) or self._broken(read, tagged)
            if purge:
                yield self._stale(read, purge)

    def _requirements(self):
        by_kind, by_tag = {}, {}
        for purge in self.history.purges:
            if purge.error or not self._took_place(purge):
                continue
            for instance in range(len(self.history.memory)):
                since, until = self.timing.visible(purge, instance)
                if since == math.inf:
                    continue
                for kind in purge.kinds:
                    if kind != "extra" or self._rule_holds(purge):
                        by_kind.setdefault((kind, purge.subject, instance), []).append((since, until, purge))
                if purge.tag:
                    by_tag.setdefault((purge.tag, instance), []).append((since, until, purge))
        for rows in (*by_kind.values(), *by_tag.values()):
            rows.sort(key=lambda row: row[0])
        return by_kind, by_tag

    @staticmethod
    def _took_place(purge):
        return purge.version > 0 and (
            purge.status in (200, 202)
            or (purge.late and purge.status in (502, 504))
            or (purge.how == "PURGE" and purge.status == 404)
        )

    def _rule_holds(self, purge):
        return all(rules.extra for rules in self._rules(purge.instance, purge.begin, purge.end))

    def _broken(self, read, rows):
        """The last purge that this read had to see and did not."""
        for since, until, purge in reversed(rows[: bisect.bisect_right(rows, read.begin, key=lambda row: row[0])]):
            if purge.version <= read.version or read.begin >= until:
                continue
            if read.kind == "extra" and not all(
                rules.extra for rules in self._rules(read.instance, read.begin, read.end)
            ):
                continue
            return purge
        return None

    def _stale(self, read, purge):
        same = read.instance == purge.instance
        seen = any(
            other.instance == read.instance
            and other.kind == read.kind
            and other.subject == read.subject
            and other.host == read.host
            and other.version is not None
            and other.version >= purge.version
            and purge.end < other.end <= read.begin
            for other in self.history.reads
        )
        late = read.begin - purge.end
        text = (
            f"{'resurrected' if seen else 'stale'}: version {read.version} to {read}, "
            f"{late * 1000:.0f} ms after {purge.how} through "
            f"{'the same' if same else f'instance {purge.instance}'} made it {purge.version}"
        )
        return Violation("stale", read.begin, text, read, purge)

    # ---- lifetimes

    def lifetimes(self):
        """What nothing purged ends by itself; the origin never confirms an old version of these
        kinds.
        """
        for read in self.history.reads:
            kind = KINDS[read.kind]
            if read.version is None or read.status != 200 or kind.max_age is None or kind.renewed_age or not kind.exact:
                continue
            ended = next(
                (when for when, version in self.history.changes.get(read.subject, ()) if version > read.version),
                math.inf,
            )
            latest = (
                ended
                + LONGEST_DELAY
                + kind.max_age
                + ROUNDING
                + self.timing.busy
                + self.timing.stalled(ended, read.begin)
            )
            if read.begin > latest:
                yield Violation(
                    "outlived",
                    read.begin,
                    f"version {read.version} to {read}, {read.begin - ended:.2f} s after it was "
                    f"replaced, though it lives {kind.max_age} s",
                    read,
                )

    # ---- guarantee 6

    def privacy(self):
        for read in self.history.reads:
            if read.status not in (200, 206) or not read.seen:
                continue
            rules = self._rules(read.instance, read.begin, read.end)
            wrong = self._wrong(read, KINDS[read.kind], rules)
            if wrong:
                yield Violation(
                    "others",
                    read.begin,
                    f"/{read.kind}/{read.subject} at instance {read.instance}: {wrong}",
                    read,
                )

    @staticmethod
    def _wrong(read, kind, rules):
        seen = read.seen
        if seen["host"] != read.host:
            return f"the answer is for Host {seen['host']}, asked was {read.host}"
        may_mix = read.kind == "lang" and any(rule.vary for rule in rules)
        if kind.vary and not may_mix and seen["language"] != read.language:
            return f"the answer is in {seen['language']}, asked was {read.language}"
        if kind.by_user and not any(rule.user for rule in rules) and seen["user"] != read.who:
            return f"the answer is for {seen['user']}, asked was for {read.who}"
        if kind.cookie and rules and all(not rule.cookie for rule in rules) and seen["request"] != read.request_id:
            return f"an answer with Set-Cookie that was made for request {seen['request']}"
        if kind.cookie and rules and all(rule.cookie == "strip" for rule in rules) and read.set_cookie:
            return "Set-Cookie, which the route strips"
        return ""

    def _rules(self, instance, begin, end):
        """Every configuration that the instance may have had in this time."""
        own = [rules for rules in self.history.rules if rules.instance == instance]
        found = []
        for number, rules in enumerate(own):
            replaced = own[number + 1].since if number + 1 < len(own) else math.inf
            if rules.asked <= end and replaced >= begin:
                found.append(rules)
        return found

    # ---- guarantee 5

    def bursts(self):
        for burst in self.history.bursts:
            if self.timing.stalled(burst.begin, burst.end) > BURST_STALL * self.patience:
                continue
            disturbed = [
                window for window in self.history.windows if window.start <= burst.end and window.end >= burst.begin - 3
            ]
            full_only = disturbed and all(window.kind == "full" for window in disturbed)
            if disturbed and not full_only:
                continue
            limit = burst.variants * (len(burst.instances) if full_only else 1)
            count = sum(fetch.kind == "cold" and fetch.subject == str(burst.number) for fetch in self.history.fetches)
            if count > limit:
                yield Violation(
                    "fetches",
                    burst.begin,
                    f"{burst.requests} requests at once for /cold/{burst.number} through instances "
                    f"{burst.instances} cost {count} fetches, {limit} would do",
                )

    # ---- guarantee 8

    def stops(self):
        for stop in self.history.stops:
            if stop.end - stop.begin > stop.limit + self.timing.busy + self.timing.stalled(
                stop.begin, min(stop.end, self.history.ended)
            ):
                yield Violation(
                    "stop",
                    stop.begin,
                    f"instance {stop.instance} had not ended {stop.limit:g} s after {stop.how}",
                )
            elif stop.status not in (0, None):
                yield Violation(
                    "stop",
                    stop.begin,
                    f"instance {stop.instance} ended with {stop.status} after {stop.how}",
                )
