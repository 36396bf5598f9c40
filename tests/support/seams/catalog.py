"""The resources of the origin: each kind is a way of answering, each subject a thing whose version
changes.

A path is /KIND/SUBJECT. All kinds of one subject show the same version; a write or purge names the
kinds that it covers.
"""
from dataclasses import dataclass

HOSTS = ("a.test", "b.test")
LANGUAGES = ("en", "de")
TAGS_OF_MANY = 200
# Seconds: the origin's Last-Modified is as coarse as some file systems', so that many versions
# share one
DATE_GRAIN = 10


@dataclass(frozen=True)
class Kind:
    etag: bool = False  # a strong validator that changes with the version
    dated: bool = False  # Last-Modified is coarse: versions share it, and then a 304 lies
    vary: bool = False  # Vary: Accept-Language
    tags: str = ""  # "each": a tag of its own for each response; "many": those of TAGS_OF_MANY items too
    chunked: bool = False
    hints: int = 0  # so many interim responses before the final one
    max_age: int | None = None  # the origin's own lifetime, in seconds; else the route's ttl holds
    renewed_age: int | None = None  # what a 304 grants, where that differs
    slow: float = 0.0  # the share of answers that take up to 400 ms
    bytes: int = 200
    cookie: bool = False  # Set-Cookie, with the id of the request that brought it
    by_user: bool = False  # the body is the user's that Authorization names

    @property
    def exact(self):
        """A version that is no longer current is never confirmed by the origin."""
        return not self.dated


KINDS = {
    "plain": Kind(etag=True, slow=0.02),
    "list": Kind(chunked=True, slow=0.05),
    "vary": Kind(vary=True, etag=True, slow=0.05),
    "slow": Kind(slow=0.7),
    "early": Kind(hints=2, slow=0.1),
    "big": Kind(chunked=True, bytes=300_000, hints=24, slow=0.05),
    "dated": Kind(dated=True, max_age=1, slow=0.6),
    "short": Kind(etag=True, max_age=1, slow=0.1),
    "bare": Kind(max_age=1),
    "each": Kind(tags="each", slow=0.1),
    "many": Kind(tags="many", slow=0.05),
    "renewed": Kind(tags="each", etag=True, max_age=1, renewed_age=60),
    "extra": Kind(slow=0.9),
    "cookie": Kind(cookie=True),
    "lang": Kind(vary=True),
    "user": Kind(by_user=True),
    "cold": Kind(etag=True),  # /cold/N is asked for in one burst only
}

# What PUT /thing/SUBJECT purges by the routes' rules; and what it purges besides under the
# configuration that says so.
WRITTEN = ("plain", "list", "vary", "slow", "early", "big", "dated")
EXTRA = ("extra",)
# What is purged by other means only, so that a lost purge of theirs is not covered by the next
# write.
TAGGED = ("each", "many", "renewed")


def etag(kind, subject, version):
    return f'"{kind}-{subject}-{version}"'


def cold_kind(number):
    """What a cold resource is like: slow and tagged, slow with Vary, slow, quick."""
    shape = number % 4
    return Kind(
        etag=True,
        tags="each" if shape == 0 else "",
        vary=shape == 1,
        chunked=shape == 2,
        slow=1.0 if shape < 3 else 0.0,
    )
