"""What a run records. Times are time.monotonic() in seconds, the same clock in every process of the
machine.
"""
import json
from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Read:
    begin: float
    end: float
    instance: int
    kind: str
    subject: str
    method: str = "GET"
    host: str = ""
    language: str = ""
    status: int = 0
    version: int | None = None  # None: the answer tells none
    tags: tuple = ()
    x_cache: str = ""
    cache_status: str = ""
    request_id: str = ""
    seen: dict = field(default_factory=dict)  # what the body says of the request it answers
    set_cookie: bool = False
    error: str = ""
    reused: bool = False  # over a connection that had answered before
    paused: float = 0.0  # for so long the client itself did not read
    who: str = ""

    def __str__(self):
        return f"{self.method} /{self.kind}/{self.subject} at instance {self.instance}"


@dataclass(slots=True)
class Purge:
    """A change at the origin and the purge that goes with it: a write, or a change followed by a
    purge by other means.
    """

    begin: float
    end: float
    instance: int
    subject: str
    version: int  # what the change made of the subject; entries of older versions are covered
    kinds: tuple = ()  # what it covers
    tag: str = ""  # or: whatever carries this tag
    how: str = ""
    status: int = 0
    acknowledged: bool = True  # larder did not say that Redis is still owed the purge
    committed: float = 0.0  # when the origin took it
    late: str = ""  # the write's outcome was not known to larder: "answered" late, or "cut" off
    answered: float = 0.0  # when the origin answered after all
    origin: float = 0.0  # seconds that the origin took for the write
    error: str = ""
    cache_status: str = ""

    @property
    def is_write(self):
        return self.how.startswith(("PUT", "a write"))


@dataclass(slots=True)
class Window:
    """A disturbance from start to end.

    down: the instance cannot reach Redis. one: it has lost some of its connections. switch: the
    server behind its connections becomes another. stale: the server shows an older state, which
    nobody can have noticed yet. gone: the process ended by SIGTERM and was started again; killed:
    by SIGKILL. handover: two processes. reload, keys (deleted, evicted, flushed), full: as they
    say.
    """

    kind: str
    instance: int  # -1: all
    start: float
    end: float = float("inf")
    note: str = ""


@dataclass(slots=True)
class Rules:
    """Which configuration an instance has from `since` on; between `asked` and `since` it may be
    the one or the other.
    """

    instance: int
    asked: float
    since: float
    extra: bool = False
    cookie: str = ""  # "", "ignore" or "strip"
    vary: str = ""  # "" or "ignore"
    user: str = ""  # "" or "ignore"


@dataclass(slots=True)
class Burst:
    begin: float
    end: float
    number: int
    requests: int
    instances: tuple
    variants: int


@dataclass(slots=True)
class Fetch:
    """One request at the origin."""

    begin: float
    end: float
    kind: str
    subject: str
    method: str = "GET"
    status: int = 200
    version: int = 0
    conditional: bool = False


@dataclass(slots=True)
class Stop:
    instance: int
    how: str  # SIGTERM, SIGUSR2
    begin: float
    end: float  # inf: it did not end
    limit: float
    status: int | None = 0


@dataclass
class History:
    seed: int = 0
    theme: str = ""
    memory: list = field(default_factory=list)  # of each instance: whether it has a memory tier
    redis: bool = True
    state: bool = False
    fail: bool = False  # on_purge_failure: fail
    began: float = 0.0
    ended: float = 0.0
    reads: list = field(default_factory=list)
    purges: list = field(default_factory=list)
    windows: list = field(default_factory=list)
    rules: list = field(default_factory=list)
    bursts: list = field(default_factory=list)
    fetches: list = field(default_factory=list)
    stops: list = field(default_factory=list)
    stalls: list = field(default_factory=list)  # (when, seconds): the machine did not let us run
    changes: dict = field(default_factory=dict)  # subject: [(when, version)]
    notes: list = field(default_factory=list)  # (when, text)

    def save(self, path):
        with open(path, "w") as file:
            json.dump(asdict(self), file)

    @staticmethod
    def load(path):
        with open(path) as file:
            raw = json.load(file)
        kinds = {
            "reads": Read,
            "purges": Purge,
            "windows": Window,
            "rules": Rules,
            "bursts": Burst,
            "fetches": Fetch,
            "stops": Stop,
        }
        for name, kind in kinds.items():
            raw[name] = [kind(**row) for row in raw[name]]
        return History(**raw)
