"""What a seed draws: a theme, the instances with their settings, what is asked for, and which seams
there are.
"""
import random
from dataclasses import dataclass, field

from . import actions as do
from . import meetings as meet
from .catalog import KINDS
from .configuration import supports


@dataclass
class InstanceSettings:
    memory: bool
    threads: int
    rules: dict = field(default_factory=dict)


@dataclass
class Plan:
    seed: int
    theme: str
    seconds: float
    instances: list
    seams: tuple
    pause: tuple = (0.1, 0.5)  # between seams
    kinds: tuple = ()
    weights: tuple = ()
    # Few: fetches meet purges; many: what a purge missed is not soon purged again
    subjects: tuple = ()
    revisits: float = 0.5  # the share of reads that look at what was purged lately
    purges: dict = field(default_factory=dict)
    redis: bool = True
    replica: bool = False
    sentinel: bool = False
    state: bool = False
    fail: bool = False
    extra: bool = False
    lates: float = 0.0  # the share of writes whose outcome comes late
    heads: float = 0.03  # the share of reads that are HEAD
    response_timeout: float = 5.0
    writers: int = 2
    divided: int = 0  # writers that look for workers without a connection
    validating: int = 0  # writers that purge what is being revalidated
    purgers: int = 1
    bursters: int = 1
    readers: int = 3  # for each instance
    write_pause: float = 0.05
    latency: float = 0.0  # of each reply of Redis: what takes several round trips is met by more
    purge_pause: float = 0.08
    delays: float = 1.0  # factor of the time that the origin takes for a write
    read_pause: float = 0.004


PURGES = {"key": 3, "pattern": 2, "scan": 1, "tag": 3, "url": 1, "soft": 1, "PURGE": 1}
# Neither tags without number nor renewed ones: purging these is a matter of its own.
BASE = {
    "plain": 3,
    "list": 2,
    "vary": 1,
    "slow": 2,
    "early": 1,
    "big": 0.2,
    "dated": 2,
    "short": 1,
    "each": 1,
}


# Where it counts how much is looked at.
SWIFT = {"plain": 3, "list": 2, "vary": 1, "early": 1, "each": 1, "slow": 0.2}
ALONE = {
    "redis": False,
    "memory": True,
    "count": 1,
    "readers": 8,
    "writers": 4,
    "purgers": 3,
    "purge_pause": 0.03,
    "delays": 2.0,
}


THEMES = {
    # Nothing breaks: slow and tagged fetches are shared, purged tags are gone, 304s and HEADs
    # revive nothing.
    "calm": lambda dice: {
        "seams": (),
        "bursters": 3,
        "heads": 0.05,
        "subjects": 4,
        "write_pause": 0.03,
        "weights": {
            "slow": 2,
            "dated": 4,
            "short": 1,
            "each": 2,
            "many": 1,
            "renewed": 2,
            "plain": 1,
            "vary": 1,
            "list": 1,
        },
    },
    "tags": lambda dice: {
        "seams": (do.delete_keys, do.evict, do.flush),
        "pause": (0.5, 1.0),
        "purges": {"tag": 1},
        "purgers": 3,
        "writers": 1,
        "write_pause": 0.3,
        "weights": {"each": 1, "many": 1, "renewed": 3, "plain": 0.5},
    },
    "lifetimes": lambda dice: {
        "seams": (do.reload_same,),
        "heads": 0.4,
        "weights": {"bare": 4, "short": 1, "dated": 3, "plain": 0.5},
        "purgers": 1,
        "purges": {"direct": 1},
        "write_pause": 0.3,
    },
    "confirmed": lambda dice: {
        "seams": (do.reload_same, do.delete_keys),
        "pause": (0.5, 1.5),
        "weights": {"dated": 5, "short": 1, "plain": 0.5},
        "subjects": 3,
        "readers": 1,
        "validating": 8,
        "purges": {"key": 1, "url": 1},
        "write_pause": 0.1,
    },
    "soft": lambda dice: {
        "seams": (do.delete_keys,),
        "weights": {"slow": 3, "plain": 1, "short": 1},
        "subjects": 3,
        "purges": {"soft": 1},
        "purgers": 4,
        "writers": 0,
        "heads": 0.0,
        "readers": 6,
    },
    "owed": lambda dice: {
        "seams": (
            meet.owed_and_handed_over,
            meet.owed_and_handed_over,
            meet.owed_and_restarted,
            do.refuse,
            do.hold,
        ),
        "state": True,
        "weights": SWIFT,
    },
    "forgotten": lambda dice: {
        "seams": (
            meet.forgotten_after_hand_over,
            meet.forgotten_after_restart,
            meet.forgotten_and_reconnected_late,
        ),
        "state": True,
        "weights": SWIFT,
    },
    "alone": lambda dice: {
        **ALONE,
        "seams": (do.hand_over, do.hand_over, do.hand_over, do.reload_same, do.restart),
        "pause": (0.0, 0.2),
    },
    "reload": lambda dice: {
        "seams": (do.reload_extra, do.reload_extra, do.reload_same),
        "extra": True,
        "subjects": 8,
        "readers": 14,
        "count": dice.choice((1, 1, 2)),
        "purges": {"key": 1},
        "memory": True,
        "weights": {"extra": 6, "plain": 1, "slow": 1, "list": 1},
    },
    "reload alone": lambda dice: {
        **ALONE,
        "seams": (do.reload_extra, do.reload_extra, do.reload_same, do.reload_careless),
        "extra": True,
        "subjects": 5,
        "purges": {"key": 1, "pattern": 1},
        "weights": {"extra": 6, "plain": 1, "slow": 1, "cookie": 0.5, "lang": 0.5},
    },
    "careless": lambda dice: {
        "seams": (do.reload_careless,),
        "weights": {"cookie": 2, "lang": 2, "user": 1, "plain": 1, "each": 0.3},
    },
    "failover": lambda dice: {"seams": (do.fail_over,), "replica": True, "weights": SWIFT},
    "replicaof": lambda dice: {"seams": (do.become_replica,), "replica": True, "weights": SWIFT},
    "sentinel": lambda dice: {
        "seams": (do.fail_over_by_sentinel,),
        "replica": True,
        "sentinel": True,
        "pause": (6.0, 6.0),
    },
    "links": lambda dice: {
        "seams": (do.lose_some,) * 8 + (do.kill_client, do.cut),
        "threads": 3,
        "memory": True,
        "subjects": 6,
        "pause": (0.4, 0.5),
        "readers": 2,
        "writers": 0,
        "divided": 1,
        "count": 1,
        "purgers": 0,
        "bursters": 0,
        "latency": 0.025,
        "weights": {"plain": 3, "early": 1, "list": 2, "vary": 1},
    },
    "late": lambda dice: {
        "seams": (do.hold, do.refuse, do.lose_some, do.cut),
        "lates": 0.5,
        "response_timeout": 0.7,
        "fail": dice.random() < 0.3,
    },
    "strict": lambda dice: {
        "seams": (
            do.refuse_one,
            do.refuse_one,
            do.refuse_one,
            do.refuse,
            do.hold,
            do.freeze,
            do.cut,
        ),
        "fail": True,
        "writers": 6,
        "delays": 3.0,
        "purgers": 0,
        "weights": SWIFT,
    },
    "trouble": lambda dice: {
        "seams": (do.slow, do.fill_up, do.freeze, do.flush, do.evict, do.delete_keys, do.hold),
        "bursters": 2,
    },
    "slow": lambda dice: {"seams": (do.slow,), "weights": SWIFT, "pause": (0.2, 0.4)},
    "mixed": lambda dice: {
        "seams": (
            do.reload_same,
            do.hand_over,
            do.restart,
            do.kill,
            do.forget,
            do.freeze,
            do.flush,
            do.become_replica,
            do.lose_some,
            do.kill_client,
            do.hold,
            do.evict,
            do.slow,
            do.delete_keys,
            do.fail_over,
            do.reload_extra,
            do.reload_careless,
        ),
        "replica": True,
        "state": dice.random() < 0.5,
        "extra": True,
        "lates": 0.05,
        "response_timeout": 1.0,
        "weights": {**BASE, "extra": 1, "cookie": 0.5, "lang": 0.5, "user": 0.3, "bare": 0.5},
    },
}


def draw(seed, seconds, theme=None):
    dice = random.Random(seed)
    theme = theme or list(THEMES)[seed % len(THEMES)]
    drawn = dict(THEMES[theme](dice))
    weights = drawn.pop("weights", BASE)
    count = drawn.pop("count", None) or dice.choice((2, 3))
    threads = drawn.pop("threads", None)
    subjects = tuple(str(number) for number in range(1, drawn.pop("subjects", 16) + 1))
    memory = drawn.pop("memory", None)
    memories = [dice.random() < 0.6 if memory is None else memory for _ in range(count)]
    instances = [InstanceSettings(memory, threads or dice.choice((1, 2, 3))) for memory in memories]
    drawn["state"] = bool(drawn.get("state")) and supports("state: /tmp")
    assert set(weights) <= set(KINDS)
    return Plan(
        seed=seed,
        theme=theme,
        seconds=seconds,
        instances=instances,
        kinds=tuple(weights),
        subjects=subjects,
        weights=tuple(weights.values()),
        purges=drawn.pop("purges", PURGES),
        **drawn
    )
