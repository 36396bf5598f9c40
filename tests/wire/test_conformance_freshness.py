"""RFC 9111, 3 to 5.4 and RFC 9213: what may be stored, for how long, and how to read a field. Two requests a row."""
import pytest

from support.larder import Larder
from support.scripted_origin import ScriptedOrigin

from conformance import CONFIGURATION, World, run, step

HOUR = ("Cache-Control", "max-age=3600")
NO, YES, ETAG, LM = True, False, "etag", "lm"  # whether the second request reaches the origin, and how


@pytest.fixture(scope="module")
def world():
    origin = ScriptedOrigin()
    larder = Larder(CONFIGURATION, start=False, origin=origin.url, redis="off", memory="64MB")
    try:
        larder.start()
        yield World(origin, larder)
    finally:
        larder.stop()
        origin.stop()


def cc(value):
    return [("Cache-Control", value)]


def cdn(value, *more):
    return [("CDN-Cache-Control", value), *more]


FRESHNESS = [
    # RFC 9111, 5.2.2.1 and 4.2.1: max-age
    ("4.2.1", "nothing", [], NO),
    ("5.2.2.1", "max-age", cc("max-age=3600"), YES),
    ("5.2.2.1", "max-age zero", cc("max-age=0"), NO),
    ("5.2.2.1", "max-age with leading zeros", cc("max-age=003600"), YES),
    ("1.2.2", "max-age 2^31", cc("max-age=2147483648"), YES),
    ("1.2.2", "max-age beyond 2^32", cc("max-age=99999999999"), YES),
    ("1.2.2", "max-age beyond 2^64", cc("max-age=99999999999999999999999"), YES),
    ("4.2.1", "max-age negative", cc("max-age=-100"), NO),
    ("4.2.1", "max-age leading letter", cc("max-age=a3600"), NO),
    ("4.2.1", "max-age trailing letter", cc("max-age=3600a"), NO),
    ("4.2.1", "max-age fraction", cc("max-age=3600.5"), NO),
    ("4.2.1", "max-age empty", cc("max-age="), NO),
    ("4.2.1", "max-age alone", cc("max-age"), NO),
    ("5.2", "max-age quoted", cc('max-age="3600"'), YES),
    ("5.2", "max-age in apostrophes", cc("max-age='3600'"), NO),
    ("5.2", "space in front of =", cc("max-age =3600"), NO),
    ("5.2", "space behind =", cc("max-age= 3600"), NO),
    ("5.2", "any case", cc("MaX-aGe=3600"), YES),
    ("5.2.3", "with an extension", cc("foobar, max-age=3600"), YES),
    ("5.2.3", "with an extension with a value", cc('foo=bar, baz="a, b", max-age=3600'), YES),
    ("5.2", "max-age inside a quoted extension before", cc('ext="max-age=3600", max-age=0'), NO),
    ("5.2", "max-age inside a quoted extension after", cc('max-age=0, ext="max-age=3600"'), NO),
    ("5.2", "max-age only inside a quoted extension", cc('ext="a, max-age=3600"'), NO),
    ("5.2", "max-age only inside a quoted extension with an escape", cc('ext="a\\", max-age=3600"'), NO),
    ("5.2", "no-store inside a quoted extension", cc('max-age=3600, ext="a, no-store"'), YES),
    ("5.2", "empty members", cc(", , max-age=3600, ,"), YES),
    ("4.2.1", "two max-age, the shorter counts", cc("max-age=3600, max-age=0"), NO),
    ("4.2.1", "two max-age, the shorter counts, reversed", cc("max-age=0, max-age=3600"), NO),
    ("4.2.1", "two lines, the shorter counts", [("Cache-Control", "max-age=3600"), ("Cache-Control", "max-age=0")], NO),
    ("5.2", "directives on two lines", [("Cache-Control", "public"), ("Cache-Control", "max-age=3600")], YES),
    ("5.2.2.10", "s-maxage", cc("s-maxage=3600"), YES),
    ("5.2.2.10", "s-maxage over longer max-age", cc("max-age=3600, s-maxage=0"), NO),
    ("5.2.2.10", "s-maxage over longer max-age, reversed", cc("s-maxage=0, max-age=3600"), NO),
    ("5.2.2.10", "s-maxage over longer max-age, two lines", [HOUR, ("Cache-Control", "s-maxage=0")], NO),
    ("5.2.2.10", "s-maxage over shorter max-age", cc("max-age=0, s-maxage=3600"), YES),
    ("5.2.2.10", "s-maxage bad", cc("s-maxage=x, max-age=3600"), NO),
    # 5.3: Expires
    ("5.3", "max-age over past Expires", [HOUR, ("Expires", -10000), ("Date", 0)], YES),
    ("5.3", "max-age over bad Expires", [HOUR, ("Expires", "0"), ("Date", 0)], YES),
    ("5.3", "max-age=0 over future Expires", [("Expires", 10000), ("Cache-Control", "max-age=0"), ("Date", 0)], NO),
    ("5.3", "s-maxage=0 over future Expires", [("Expires", 10000), ("Cache-Control", "s-maxage=0"), ("Date", 0)], NO),
    ("5.3", "future", [("Expires", 10000), ("Date", 0)], YES),
    ("5.3", "future without Date", [("Expires", 10000)], YES),
    ("5.3", "past", [("Expires", -10000), ("Date", 0)], NO),
    ("5.3", "now", [("Expires", 0), ("Date", 0)], NO),
    ("4.2.1", "before a Date that runs fast", [("Expires", 300), ("Date", 400)], NO),
    ("5.3", "zero", [("Expires", "0"), ("Date", 0)], NO),
    ("5.3", "empty", [("Expires", ""), ("Date", 0)], NO),
    ("5.3", "bad Date", [("Expires", 10000), ("Date", "foo")], YES),
    ("5.3", "two lines, the earlier counts", [("Expires", 10000), ("Expires", -10000), ("Date", 0)], NO),
    ("5.6.7", "RFC 850 format", [("Expires", "Thursday, 18-Aug-50 02:01:18 GMT"), ("Date", 0)], YES),
    ("5.6.7", "asctime format", [("Expires", "Thu Aug 18 02:01:18 2050"), ("Date", 0)], YES),
    ("5.6.7", "UTC", [("Expires", "Thu, 18 Aug 2050 02:01:18 UTC"), ("Date", 0)], NO),
    ("5.6.7", "AEST", [("Expires", "Thu, 18 Aug 2050 02:01:18 AEST"), ("Date", 0)], NO),
    ("5.6.7", "two digits in a four digit format", [("Expires", "Thu, 18 Aug 50 02:01:18 GMT"), ("Date", 0)], NO),
    ("5.6.7", "without comma", [("Expires", "Thu 18 Aug 2050 02:01:18 GMT"), ("Date", 0)], NO),
    ("5.6.7", "several spaces", [("Expires", "Thu, 18  Aug  2050 02:01:18 GMT"), ("Date", 0)], NO),
    ("5.6.7", "dashes", [("Expires", "Thu, 18-Aug-2050 02:01:18 GMT"), ("Date", 0)], NO),
    ("5.6.7", "dots in the time", [("Expires", "Thu, 18 Aug 2050 02.01.18 GMT"), ("Date", 0)], NO),
    ("5.6.7", "hour of one digit", [("Expires", "Thu, 18 Aug 2050 2:01:18 GMT"), ("Date", 0)], NO),
    ("5.6.7", "ends in the middle", [("Expires", "Thu, 18 Aug 2050"), ("Date", 0)], NO),
    # 4.2.3 and 5.1: Age
    ("4.2.3", "Age beyond max-age", [HOUR, ("Age", "7200"), ("Date", 0)], NO),
    ("4.2.3", "Age below max-age", [HOUR, ("Age", "1800"), ("Date", 0)], YES),
    ("4.2.3", "old Date beyond max-age", [HOUR, ("Date", -7200)], NO),
    ("4.2.3", "Date that runs fast", [HOUR, ("Date", 7200)], YES),
    ("4.2.3", "Age beyond Expires, Date slow", [("Date", -10), ("Expires", 10), ("Age", "25")], NO),
    ("4.2.3", "Age beyond Expires, Date fast", [("Date", 10), ("Expires", 20), ("Age", "15")], NO),
    ("5.1", "Age not a number", [HOUR, ("Age", "abc"), ("Date", 0)], YES),
    ("5.1", "Age negative", [HOUR, ("Age", "-7200"), ("Date", 0)], YES),
    ("5.1", "Age with a fraction", [HOUR, ("Age", "7200.0"), ("Date", 0)], YES),
    ("5.1", "Age huge", [HOUR, ("Age", "99999999999999999999"), ("Date", 0)], NO),
    ("5.1", "first of a list of ages is old", [HOUR, ("Age", "7200, 0"), ("Date", 0)], NO),
    ("5.1", "first of a list of ages is new", [HOUR, ("Age", "0, 7200"), ("Date", 0)], YES),
    ("5.1", "first of two lines is old", [HOUR, ("Age", "7200"), ("Age", "0"), ("Date", 0)], NO),
    ("5.1", "first of two lines is new", [HOUR, ("Age", "0"), ("Age", "7200"), ("Date", 0)], YES),
    # 5.2.2: directives of the response
    ("5.2.2.7", "private", cc("private, max-age=3600"), NO),
    ("5.2.2.7", "private with an empty list", cc('private="", max-age=3600'), NO),
    ("5.2.2.7", "private for one field", [("Cache-Control", 'private="a", max-age=3600'), ("A", "1")], YES),
    ("5.2.2.5", "no-store", cc("no-store"), NO),
    ("5.2.2.5", "no-store, any case", cc("No-StOrE, max-age=3600"), NO),
    (
        "5.2.2.5",
        "no-store with a lifetime",
        [("Cache-Control", "max-age=10000, no-store"), ("Expires", 10000), ("Date", 0)],
        NO,
    ),
    ("5.2.2.5", "no-store on a second line", [HOUR, ("Cache-Control", "no-store")], NO),
    (
        "5.2.2.4",
        "no-cache with a lifetime",
        [("Cache-Control", "max-age=10000, no-cache"), ("Expires", 10000), ("Date", 0)],
        NO,
    ),
    ("5.2.2.4", "no-cache, any case", cc("max-age=10000, No-CaChE"), NO),
    ("5.2.2.4", "no-cache is kept and validated", [("Cache-Control", "no-cache"), ("ETag", '"a"')], ETAG),
    (
        "5.2.2.4",
        "no-cache is validated although fresh",
        [("Cache-Control", "no-cache, max-age=3600"), ("ETag", '"a"')],
        ETAG,
    ),
    (
        "5.2.2.4",
        "no-cache is validated by Last-Modified",
        [("Cache-Control", "no-cache"), ("Last-Modified", -1000)],
        LM,
    ),
    (
        "5.2.2.2",
        "must-revalidate while fresh",
        [("Cache-Control", "max-age=3600, must-revalidate"), ("ETag", '"a"')],
        YES,
    ),
    (
        "5.2.2.2",
        "must-revalidate once stale",
        [("Cache-Control", "max-age=10, must-revalidate"), ("Age", "20"), ("ETag", '"a"')],
        ETAG,
    ),
    (
        "5.2.2.8",
        "proxy-revalidate once stale",
        [("Cache-Control", "max-age=10, proxy-revalidate"), ("Age", "20"), ("ETag", '"a"')],
        ETAG,
    ),
    ("8246", "immutable while fresh", [("Cache-Control", "max-age=3600, immutable"), ("ETag", '"a"')], YES),
    (
        "8246",
        "immutable once stale",
        [("Cache-Control", "max-age=10, immutable"), ("Age", "20"), ("ETag", '"a"')],
        ETAG,
    ),
    ("5.2.2.3", "must-understand lifts no-store", cc("must-understand, no-store, max-age=3600"), YES),
    ("5.4", "Pragma in a response means nothing", [HOUR, ("Pragma", "no-cache")], YES),
    ("5.5", "Warning means nothing", [HOUR, ("Warning", '199 x "y"')], YES),
    ("3", "Set-Cookie", [HOUR, ("Set-Cookie", "a=b")], NO),
    ("6266", "Content-Disposition", [HOUR, ("Content-Disposition", "attachment; filename=a.txt")], YES),
    ("9110 14.4", "Content-Range means nothing in a 200", [HOUR, ("Content-Range", "bytes 0-3/10")], YES),
    ("Clear-Site-Data", "is for the browser", [HOUR, ("Clear-Site-Data", '"cache"')], YES),
    # 4.3.1: what is kept stale is validated
    ("4.3.1", "stale with a strong tag", [("Cache-Control", "max-age=10"), ("Age", "20"), ("ETag", '"a"')], ETAG),
    ("4.3.1", "stale with a weak tag", [("Cache-Control", "max-age=10"), ("Age", "20"), ("ETag", 'W/"a"')], ETAG),
    (
        "4.3.1",
        "stale with Last-Modified",
        [("Cache-Control", "max-age=10"), ("Age", "20"), ("Last-Modified", -3000)],
        LM,
    ),
    ("4.3.1", "stale by Expires", [("Expires", -10), ("Date", 0), ("ETag", '"a"')], ETAG),
    # RFC 9213: CDN-Cache-Control
    ("9213", "max-age", cdn("max-age=3600"), YES),
    ("9213", "max-age 2^31", cdn("max-age=2147483648"), YES),
    ("9213", "max-age beyond 2^32", cdn("max-age=99999999999"), YES),
    ("9213", "Age beyond it", cdn("max-age=3600", ("Age", "7200"), ("Date", 0)), NO),
    ("9213", "zero", cdn("max-age=0"), NO),
    ("9213", "zero over Expires", cdn("max-age=0", ("Expires", 10000), ("Date", 0)), NO),
    ("9213", "over past Expires", cdn("max-age=3600", ("Expires", -10000), ("Date", 0)), YES),
    ("9213", "over bad Expires", cdn("max-age=3600", ("Expires", "0"), ("Date", 0)), YES),
    ("9213", "with an extension", cdn("foobar, max-age=3600"), YES),
    ("9213", "long over short", cdn("max-age=3600", ("Cache-Control", "max-age=0")), YES),
    ("9213", "short over long", cdn("max-age=0", HOUR), NO),
    (
        "9213",
        "private over max-age",
        cdn("private", ("Cache-Control", "max-age=10000"), ("Expires", 10000), ("Date", 0)),
        NO,
    ),
    ("9213", "no-cache over max-age", cdn("no-cache", ("Cache-Control", "max-age=10000")), NO),
    ("9213", "no-store over max-age", cdn("no-store", ("Cache-Control", "max-age=10000")), NO),
    ("9213", "max-age over no-store", cdn("max-age=10000", ("Cache-Control", "no-store")), YES),
    ("9213", "max-age over private", cdn("max-age=10000", ("Cache-Control", "private")), YES),
    ("9213", "not a structured field", cdn("max-age=10000, &&&&&", ("Cache-Control", "no-store")), NO),
    ("9213", "of a wrong type", cdn('max-age="10000"', ("Cache-Control", "no-store")), NO),
    ("9213", "empty", cdn("", ("Cache-Control", "no-store")), NO),
    ("9213", "space in front of =", cdn("max-age =100", ("Cache-Control", "max-age=0")), NO),
    ("9213", "space behind =", cdn("max-age= 100", ("Cache-Control", "max-age=0")), NO),
    # 4.1: Vary that matches nothing
    ("4.1", "Vary star", [HOUR, ("Vary", "*")], NO),
    ("4.1", "Vary star star", [HOUR, ("Vary", "*, *")], NO),
    ("4.1", "Vary star on two lines", [HOUR, ("Vary", "*"), ("Vary", "*")], NO),
    ("4.1", "Vary empty and star", [HOUR, ("Vary", ", *")], NO),
    ("4.1", "Vary empty line and star", [HOUR, ("Vary", ""), ("Vary", "*")], NO),
    ("4.1", "Vary star and a name", [HOUR, ("Vary", "*, Foo")], NO),
    ("4.1", "Vary a name and star", [HOUR, ("Vary", "Foo, *")], NO),
    ("4.1", "Vary a name, both without it", [HOUR, ("Vary", "Foo")], YES),
]


@pytest.mark.parametrize("fields, second", [pytest.param(row[2], row[3], id=f"{row[0]} {row[1]}") for row in FRESHNESS])
def test_the_second_request(world, fields, second):
    validated = isinstance(second, str)
    run(
        world,
        [
            step(fields),
            step(
                fields if validated else [], asked=second, text="body 1" if validated or second is False else "body 2"
            ),
        ],
    )


STATUSES = [
    "200 OK",
    "203 Non-Authoritative Information",
    "204 No Content",
    "299 Whatever",
    "301 Moved Permanently",
    "302 Found",
    "303 See Other",
    "307 Temporary Redirect",
    "308 Permanent Redirect",
    "400 Bad Request",
    "404 Not Found",
    "405 No",
    "410 Gone",
    "414 Long",
    "499 Whatever",
    "500 Internal Server Error",
    "501 No",
    "502 Bad Gateway",
    "503 Unavailable",
    "504 Timeout",
    "599 Whatever",
]


@pytest.mark.parametrize("status", STATUSES)
def test_any_final_status_is_kept_under_an_explicit_lifetime(world, status):
    """RFC 9111, 3 and 4.2.1."""
    run(world, [step([HOUR, ("Date", 0)], status=status), step(asked=False, status=status)])
    run(world, [step([("Expires", -5000), ("Date", 0)], status=status), step(asked=True, status=status)])


@pytest.mark.parametrize(
    "status",
    [
        "206 Partial Content",
        "304 Not Modified",
        "416 Range Not Satisfiable",
        "429 Too Many Requests",
        "408 Request Timeout",
    ],
)
def test_statuses_about_one_request_are_never_kept(world, status):
    """RFC 9111, 3; RFC 6585, 4."""
    fields = [HOUR, *([("Content-Range", "bytes 0-5/10")] if status[:3] == "206" else [])]
    run(world, [step(fields, status=status), step(asked=True)])


@pytest.mark.parametrize("status", ["299 Whatever", "200 OK"])
def test_must_understand_keeps_only_what_is_understood(world, status):
    """RFC 9111, 5.2.2.3."""
    run(
        world,
        [
            step([("Cache-Control", "must-understand, no-store, max-age=3600")], status=status),
            step(asked=status[:3] == "299", status=status),
        ],
    )


HEURISTIC = [
    ("200 OK", [], False),
    ("201 Created", [], True),
    ("202 Accepted", [], True),
    ("203 Non-Authoritative Information", [], False),
    ("204 No Content", [], False),
    ("403 Forbidden", [], True),
    ("404 Not Found", [], False),
    ("405 Method Not Allowed", [], False),
    ("410 Gone", [], False),
    ("414 URI Too Long", [], False),
    ("501 Not Implemented", [], False),
    ("502 Bad Gateway", [], True),
    ("503 Service Unavailable", [], True),
    ("504 Gateway Timeout", [], True),
    ("599 Unknown", [], True),
    ("599 Unknown", [("Cache-Control", "public")], False),
]


@pytest.mark.parametrize("status, fields, second", HEURISTIC, ids=str)
def test_a_heuristic_lifetime_where_the_route_allows_it(world, status, fields, second):
    """RFC 9111, 4.2.2."""
    last_modified = [("Last-Modified", -86400), ("Date", 0), *fields]
    run(world, [step(last_modified, status=status), step(asked=second, status=status)], under="/heuristic/")
    run(world, [step(last_modified, status=status), step(asked=True, status=status)])


def test_a_routes_own_lifetime_stands_behind_the_origins(world):
    run(world, [step([]), step(asked=False)], under="/ttl/")
    run(world, [step([("Cache-Control", "max-age=0")]), step(asked=True)], under="/ttl/")
    run(world, [step([("Expires", -10), ("Date", 0)]), step(asked=True)], under="/ttl/")
