"""RFC 9111, 3.1 to 4.4 and RFC 9110, 13 and 14: sequences of requests and what each has to bring."""
import pytest

from support.larder import Larder
from support.redis_server import RedisServer
from support.scripted_origin import ScriptedOrigin, chunked, cut, raw, reply

from conformance import CONFIGURATION, World, run, step

HOUR = ("Cache-Control", "max-age=3600")
STALE = [("Cache-Control", "max-age=10"), ("Age", "20")]
TAG = ("ETag", '"a"')
LONG_AGO = ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")


@pytest.fixture(scope="module", params=["memory", "redis", "both"])
def world(request):
    origin = ScriptedOrigin()
    redis = RedisServer() if request.param != "memory" else None
    larder = Larder(
        CONFIGURATION,
        start=False,
        origin=origin.url,
        redis=redis.url if redis else "off",
        memory="off" if request.param == "redis" else "64MB",
    )
    try:
        larder.start()
        if redis:
            larder.wait_for_redis()
        yield World(origin, larder)
    finally:
        larder.stop()
        origin.stop()
        if redis:
            redis.stop()


def fresh(*fields, **named):
    return step([HOUR, *fields], **named)


def stale(*fields, **named):
    return step([*STALE, *fields], **named)


FOO1, FOO2 = {"Foo": "1"}, {"Foo": "2"}
VARY = ("Vary", "Foo")

VARIANTS = [
    ("a request that matches", [fresh(VARY, request=FOO1), step(asked=False, request=FOO1)]),
    ("one that does not", [fresh(VARY, request=FOO1), step(request=FOO2)]),
    ("one without the field", [fresh(VARY, request=FOO1), step()]),
    ("one with it after one without", [fresh(VARY), step(request=FOO1)]),
    (
        "the first variant stays",
        [
            fresh(VARY, request=FOO1),
            fresh(VARY, request=FOO2),
            step(asked=False, request=FOO1, text="body 1"),
            step(asked=False, request=FOO2, text="body 2"),
        ],
    ),
    (
        "other fields do not matter",
        [fresh(VARY, request={**FOO1, "Other": "2"}), step(asked=False, request={**FOO1, "Other": "3"})],
    ),
    ("field names have no case", [fresh(("Vary", "fOO"), request=FOO1), step(asked=False, request={"foo": "1"})]),
    ("values have", [fresh(VARY, request={"Foo": "a"}), step(request={"Foo": "A"})]),
    (
        "two fields",
        [
            fresh(("Vary", "Foo, Bar"), request={**FOO1, "Bar": "b"}),
            step(asked=False, request={**FOO1, "Bar": "b"}),
            step(request={**FOO1, "Bar": "c"}),
        ],
    ),
    (
        "two lines",
        [
            fresh(VARY, ("Vary", "Bar"), request={**FOO1, "Bar": "b"}),
            step(asked=False, request={**FOO1, "Bar": "b"}),
            step(request={**FOO1, "Bar": "c"}),
        ],
    ),
    (
        "the second of two left out",
        [fresh(("Vary", "Foo, Bar"), request=FOO1), step(request={**FOO1, "Bar": ""}, asked=None), step()],
    ),
    (
        "three fields, one in neither",
        [
            fresh(("Vary", "Foo, Bar, Baz"), request={**FOO1, "Baz": "7"}),
            step(asked=False, request={"Baz": "7", **FOO1}),
        ],
    ),
    (
        "three fields, the middle one differs",
        [
            fresh(("Vary", "Foo, Bar, Baz"), request={**FOO1, "Bar": "x", "Baz": "7"}),
            step(request={**FOO1, "Bar": "y", "Baz": "7"}),
        ],
    ),
    ("white space", [fresh(VARY, request={"Foo": "1,2"}), step(asked=False, request={"Foo": " 1,  2 "})]),
    ("lines joined", [fresh(VARY, request={"Foo": "1, 2"}), step(asked=False, request=[("Foo", "1"), ("Foo", "2")])]),
    (
        "languages have no case",
        [
            fresh(("Vary", "Accept-Language"), request={"Accept-Language": "en, de"}),
            step(asked=False, request={"Accept-Language": "eN, De"}),
        ],
    ),
    (
        "codings in another order",
        [
            fresh(("Vary", "Accept-Encoding"), request={"Accept-Encoding": "gzip, br"}),
            step(asked=False, request={"Accept-Encoding": "br, gzip"}),
        ],
    ),
    ("a star field in the request matches no star", [fresh(("Vary", "*"), request=FOO1), step(request={"*": "1"})]),
    (
        "vary changes between the variants",
        [
            fresh(VARY, request=FOO1),
            fresh(("Vary", "Bar"), request={**FOO2, "Bar": "b"}),
            step(asked=False, request={"Foo": "3", "Bar": "b"}, text="body 2"),
        ],
    ),
    (
        "a variant is validated with its own fields",
        [stale(VARY, TAG, request=FOO1), step([*STALE, VARY, TAG], asked="etag", request=FOO1, sent=FOO1)],
    ),
    (
        "a variant's tag is not sent for another",
        [fresh(VARY, TAG, request=FOO1), step(request=FOO2, sent={"If-None-Match": "None"})],
    ),
    (
        "a confirmed variant stays its own",
        [
            stale(VARY, TAG, request=FOO1),
            fresh(VARY, ("ETag", '"b"'), request=FOO2),
            step([HOUR, VARY, TAG], asked="etag", request=FOO1, text="body 1"),
            step(asked=False, request=FOO2, text="body 2"),
            step(asked=False, request=FOO1, text="body 1"),
        ],
    ),
]

CONDITIONS = [
    ("a strong tag", [fresh(TAG), step(asked=False, request={"If-None-Match": '"a"'}, gives=304, has={"ETag": '"a"'})]),
    ("a weak tag", [fresh(("ETag", 'W/"a"')), step(asked=False, request={"If-None-Match": 'W/"a"'}, gives=304)]),
    (
        "a strong tag against a weak one",
        [fresh(("ETag", 'W/"a"')), step(asked=False, request={"If-None-Match": '"a"'}, gives=304)],
    ),
    ("a weak tag against a strong one", [fresh(TAG), step(asked=False, request={"If-None-Match": 'W/"a"'}, gives=304)]),
    ("the first of a list", [fresh(TAG), step(asked=False, request={"If-None-Match": '"a", "b", "c"'}, gives=304)]),
    ("the middle of a list", [fresh(TAG), step(asked=False, request={"If-None-Match": '"b", "a", "c"'}, gives=304)]),
    ("the last of a list", [fresh(TAG), step(asked=False, request={"If-None-Match": '"b","c","a"'}, gives=304)]),
    (
        "a second line",
        [fresh(TAG), step(asked=False, request=[("If-None-Match", '"b"'), ("If-None-Match", '"a"')], gives=304)],
    ),
    (
        "a tag with a comma",
        [fresh(("ETag", '"a,b"')), step(asked=False, request={"If-None-Match": '"x", "a,b"'}, gives=304)],
    ),
    ("a star", [fresh(), step(asked=False, request={"If-None-Match": "*"}, gives=304)]),
    ("another tag", [fresh(TAG), step(asked=False, request={"If-None-Match": '"b"'}, text="body 1")]),
    (
        "a tag with bytes beyond ASCII",
        [fresh(("ETag", '"a\xfc"')), step(asked=False, request={"If-None-Match": '"a\xfc"'}, gives=304)],
    ),
    (
        "a tag before a date that would pass",
        [
            fresh(TAG, LONG_AGO),
            step(
                asked=False,
                request={"If-None-Match": '"a"', "If-Modified-Since": "Sun, 01 Jan 2023 00:00:00 GMT"},
                gives=304,
            ),
        ],
    ),
    (
        "a tag before a date that would not",
        [
            fresh(TAG, LONG_AGO),
            step(asked=False, request={"If-None-Match": '"b"', "If-Modified-Since": LONG_AGO[1]}, text="body 1"),
        ],
    ),
    ("the same date", [fresh(LONG_AGO), step(asked=False, request={"If-Modified-Since": LONG_AGO[1]}, gives=304)]),
    ("a later date", [fresh(LONG_AGO), step(asked=False, request={"If-Modified-Since": -3000}, gives=304)]),
    (
        "an earlier date",
        [
            fresh(LONG_AGO),
            step(asked=False, request={"If-Modified-Since": "Sun, 01 Jan 2023 00:00:00 GMT"}, text="body 1"),
        ],
    ),
    (
        "a date in the RFC 850 format",
        [
            fresh(LONG_AGO),
            step(asked=False, request={"If-Modified-Since": "Monday, 01-Jan-24 00:00:00 GMT"}, gives=304),
        ],
    ),
    (
        "a date that is none",
        [fresh(LONG_AGO), step(asked=False, request={"If-Modified-Since": "yesterday"}, text="body 1")],
    ),
    ("a date against Date", [fresh(("Date", -10)), step(asked=False, request={"If-Modified-Since": 0}, gives=304)]),
    (
        "a stale entry after validation",
        [stale(LONG_AGO), step([HOUR, LONG_AGO], asked="lm", request={"If-Modified-Since": LONG_AGO[1]}, gives=304)],
    ),
    (
        "a miss that brings the tag",
        [fresh(TAG, request={"If-None-Match": '"a"'}, gives=304), step(asked=False, text="body 1")],
    ),
    (
        "a miss that brings another tag",
        [fresh(TAG, request={"If-None-Match": '"b"'}, text="body 1"), step(asked=False, text="body 1")],
    ),
    (
        "a 404 stays a 404",
        [step([HOUR, TAG], status="404 Not Found"), step(asked=False, request={"If-None-Match": '"a"'}, gives=404)],
    ),
    ("HEAD too", [fresh(TAG), step(asked=False, method="HEAD", request={"If-None-Match": '"a"'}, gives=304)]),
    (
        "If-Match is the origin's to judge",
        [fresh(TAG), step(request={"If-Match": '"b"'}, status="412 Precondition Failed", sent={"If-Match": '"b"'})],
    ),
]

RANGES = [
    (
        "first bytes",
        [
            fresh(body="01234567890"),
            step(
                asked=False, request={"Range": "bytes=0-1"}, gives=206, text="01", has={"Content-Range": "bytes 0-1/11"}
            ),
        ],
    ),
    (
        "open end",
        [fresh(body="01234567890"), step(asked=False, request={"Range": "bytes=1-"}, gives=206, text="1234567890")],
    ),
    ("last bytes", [fresh(body="0123456789A"), step(asked=False, request={"Range": "bytes=-1"}, gives=206, text="A")]),
    (
        "beyond the end",
        [
            fresh(body="0123"),
            step(asked=False, request={"Range": "bytes=9-"}, gives=416, has={"Content-Range": "bytes */4"}),
        ],
    ),
    (
        "end beyond the end",
        [fresh(body="0123"), step(asked=False, request={"Range": "bytes=2-99"}, gives=206, text="23")],
    ),
    ("another unit", [fresh(body="0123"), step(asked=False, request={"Range": "lines=1-2"}, gives=200, text="0123")]),
    (
        "several",
        [fresh(body="01234567"), step(asked=False, request={"Range": "bytes=0-1,4-5"}, gives=200, text="01234567")],
    ),
    ("nonsense", [fresh(body="0123"), step(asked=False, request={"Range": "bytes=2-1"}, gives=200, text="0123")]),
    (
        "If-Range with the tag",
        [
            fresh(TAG, body="0123"),
            step(asked=False, request={"Range": "bytes=0-1", "If-Range": '"a"'}, gives=206, text="01"),
        ],
    ),
    (
        "If-Range with another tag",
        [
            fresh(TAG, body="0123"),
            step(asked=False, request={"Range": "bytes=0-1", "If-Range": '"b"'}, gives=200, text="0123"),
        ],
    ),
    (
        "If-Range with a weak tag",
        [
            fresh(("ETag", 'W/"a"'), body="0123"),
            step(asked=False, request={"Range": "bytes=0-1", "If-Range": 'W/"a"'}, gives=200),
        ],
    ),
    (
        "If-Range with the date",
        [
            fresh(LONG_AGO, body="0123"),
            step(asked=False, request={"Range": "bytes=0-1", "If-Range": LONG_AGO[1]}, gives=206, text="01"),
        ],
    ),
    (
        "HEAD has no ranges",
        [
            fresh(body="0123"),
            step(asked=False, method="HEAD", request={"Range": "bytes=0-1"}, gives=200, has={"Content-Length": "4"}),
        ],
    ),
    (
        "on a miss",
        [fresh(body="0123", request={"Range": "bytes=0-1"}, gives=206, text="01"), step(asked=False, text="0123")],
    ),
    (
        "on a miss, If-Range differs",
        [
            fresh(TAG, body="0123", request={"Range": "bytes=0-1", "If-Range": '"b"'}, gives=200, text="0123"),
            step(asked=False, text="0123"),
        ],
    ),
    (
        "on a miss, beyond the end",
        [fresh(body="0123", request={"Range": "bytes=9-"}, gives=416), step(asked=False, text="0123")],
    ),
    (
        "a part nobody asked for is not kept",
        [
            step([HOUR, ("Content-Range", "bytes 0-3/10")], status="206 Partial Content", body="0123"),
            fresh(text="body 2"),
            step(asked=False, text="body 2"),
        ],
    ),
    (
        "of what is not stored",
        [
            step(
                [("Cache-Control", "no-store")],
                asked=None,
                request={"Range": "bytes=0-1"},
                answer=lambda r: reply("206 Partial Content", {"Content-Range": "bytes 0-1/4"}, b"01")
                if r.field("range")
                else reply(fields={"Cache-Control": "no-store"}, body=b"0123"),
                gives=206,
                text="01",
            )
        ],
    ),
]

UPDATES = [
    (
        "a field the 304 leaves out stays",
        [
            stale(LONG_AGO, ("Test", "A")),
            step([HOUR, LONG_AGO], asked="lm", has={"Test": "A"}),
            step(asked=False, has={"Test": "A"}),
        ],
    ),
    *[
        (
            f"{name} by {kind}",
            [
                step([("Cache-Control", "max-age=10"), ("Age", "20"), validator, (name, old)]),
                step([HOUR, validator, (name, new)], asked=kind, has={name: new}),
                step(asked=False, has={name: new}, text="body 1"),
            ],
        )
        for kind, validator in (("etag", TAG), ("lm", LONG_AGO))
        for name, old, new in (
            ("Test-Header", "A", "B"),
            ("X-Test-Header", "A", "B"),
            ("Content-Foo", "A", "B"),
            ("X-Content-Foo", "A", "B"),
            ("Content-Type", "text/plain", "text/plain;charset=utf-8"),
            ("Content-Location", "/foo", "/bar"),
            ("Expires", "Fri, 01 Jan 2038 01:01:01 GMT", "Mon, 11 Jan 2038 11:11:11 GMT"),
            ("Content-Security-Policy", "default-src 'self'", "default-src 'none'"),
            ("X-Frame-Options", "deny", "sameorigin"),
        )
    ],
    (
        "the length stays",
        [
            stale(TAG),
            step([HOUR, TAG, ("Content-Length", "99")], asked="etag", has={"Content-Length": "6"}, text="body 1"),
            step(asked=False, has={"Content-Length": "6"}, text="body 1"),
        ],
    ),
    (
        "a field on two lines replaces one on one",
        [
            stale(TAG, ("X", "1")),
            step([HOUR, TAG, ("X", "2"), ("X", "3")], asked="etag", has={"X": "2, 3"}),
            step(asked=False, has={"X": "2, 3"}),
        ],
    ),
    (
        "the lifetime starts anew",
        [stale(TAG), step([HOUR, TAG], asked="etag", x_cache="REVALIDATED"), step(asked=False), step(asked=False)],
    ),
    (
        "a 200 replaces",
        [
            stale(TAG),
            step([HOUR, ("ETag", '"b"')], text="body 2", sent={"If-None-Match": '"a"'}),
            step(asked=False, text="body 2", has={"ETag": '"b"'}),
        ],
    ),
    (
        "a 304 for another tag is asked again",
        [
            stale(TAG),
            step(
                asked=None,
                answer=lambda r: reply("304 Not Modified", {"ETag": '"z"'})
                if r.field("if-none-match")
                else reply(fields=[HOUR, ("ETag", '"z"')], body="new"),
                gives=200,
                text="new",
            ),
            step(asked=False, text="new"),
        ],
    ),
    (
        "a 304 with Set-Cookie keeps nothing",
        [
            stale(TAG),
            step(
                asked=None,
                answer=lambda r: reply("304 Not Modified", [TAG, HOUR, ("Set-Cookie", "s=1")])
                if r.field("if-none-match")
                else reply(fields=[HOUR, TAG, ("Set-Cookie", "s=2")], body="mine"),
                gives=200,
                text="mine",
            ),
            step(gives=200, text="body 3", lacks=["Set-Cookie"]),
        ],
    ),
    (
        "a 304 with no-store keeps nothing",
        [
            stale(TAG),
            step(
                asked=None,
                answer=lambda r: reply("304 Not Modified", [TAG, ("Cache-Control", "no-store")])
                if r.field("if-none-match")
                else reply(fields=[("Cache-Control", "no-store"), TAG], body="mine"),
                gives=200,
                text="mine",
            ),
            step(text="body 3"),
        ],
    ),
]

HEADS = [
    ("from what GET stored", [fresh(), step(asked=False, method="HEAD", has={"Content-Length": "6"})]),
    ("goes on as HEAD where nothing is", [step([HOUR], method="HEAD"), step([HOUR], text="body 2")]),
    (
        "a HEAD's own answer answers no GET",
        [
            step(
                [HOUR, ("Content-Length", "6")],
                method="HEAD",
                answer=lambda r: raw(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Length: 6\r\n\r\n"),
            ),
            step([HOUR], text="body 2"),
        ],
    ),
    (
        "freshens a stale entry",
        [
            stale(TAG, ("A", "1"), ("B", "1")),
            step([HOUR, TAG, ("A", "2")], method="HEAD", body=b"body 1", gives=200),
            step(asked=False, has={"A": "2", "B": "1"}, text="body 1"),
        ],
    ),
    (
        "keeps what it does not name",
        [stale(TAG, ("B", "1")), step([HOUR, TAG], method="HEAD", body=b"body 1", has={"B": "1"})],
    ),
    (
        "another tag: the entry is not used",
        [
            stale(TAG),
            step([HOUR, ("ETag", '"b"')], method="HEAD", body=b"body 1", has={"ETag": '"b"'}),
            step([HOUR, ("ETag", '"b"')], asked=True, text="body 3"),
        ],
    ),
    (
        "another length: the entry is not used",
        [stale(TAG), step([HOUR, TAG], method="HEAD", body=b"longer than before"), step([HOUR, TAG], asked=True)],
    ),
    (
        "an error changes nothing",
        [
            stale(TAG),
            step([("Cache-Control", "max-age=100")], method="HEAD", status="410 Gone"),
            step([HOUR, TAG], asked="etag", text="body 1"),
        ],
    ),
]

REQUESTS = [
    ("only-if-cached and nothing there", [step(asked=False, request={"Cache-Control": "only-if-cached"}, gives=504)]),
    (
        "only-if-cached and something there",
        [fresh(), step(asked=False, request={"Cache-Control": "only-if-cached"}, text="body 1")],
    ),
    (
        "only-if-cached and something stale",
        [stale(TAG), step(asked=False, request={"Cache-Control": "only-if-cached"}, gives=504)],
    ),
    (
        "only-if-cached and another variant",
        [fresh(VARY, request=FOO1), step(asked=False, request={"Cache-Control": "only-if-cached", **FOO2}, gives=504)],
    ),
    ("only-if-cached HEAD", [step(asked=False, method="HEAD", request={"Cache-Control": "only-if-cached"}, gives=504)]),
    (
        "an unknown directive",
        [fresh(), step(asked=False, request={"Cache-Control": "nothing-to-see-here", "Pragma": "foo"})],
    ),
    ("no-cache is not obeyed", [fresh(), step(asked=False, request={"Cache-Control": "no-cache"})]),
    ("Pragma is not obeyed", [fresh(), step(asked=False, request={"Pragma": "no-cache"})]),
]

HONOURED = [
    ("no-cache", [fresh(), step(request={"Cache-Control": "no-cache"}, cache_status="fwd=request")]),
    (
        "no-cache validates by tag",
        [
            fresh(TAG),
            step(
                [HOUR, TAG],
                asked="etag",
                request={"Cache-Control": "no-cache"},
                text="body 1",
                cache_status="fwd=request",
            ),
        ],
    ),
    (
        "no-cache validates by date",
        [fresh(LONG_AGO), step([HOUR, LONG_AGO], asked="lm", request={"Cache-Control": "no-cache"}, text="body 1")],
    ),
    (
        "what no-cache brought is kept",
        [fresh(), step([HOUR], request={"Cache-Control": "no-cache"}), step(asked=False)],
    ),
    ("Pragma", [fresh(), step(request={"Pragma": "no-cache"})]),
    (
        "Pragma beside Cache-Control",
        [fresh(), step(asked=False, request={"Pragma": "no-cache", "Cache-Control": "foo"})],
    ),
    ("max-age=0", [fresh(("Age", "1")), step(request={"Cache-Control": "max-age=0"})]),
    (
        "max-age below the age",
        [fresh(("Age", "1800")), step(request={"Cache-Control": "max-age=600"}, cache_status="fwd=request")],
    ),
    ("max-age above the age", [fresh(("Age", "100")), step(asked=False, request={"Cache-Control": "max-age=600"})]),
    ("min-fresh too much", [fresh(), step(request={"Cache-Control": "min-fresh=5000"})]),
    ("min-fresh too much for the age", [fresh(("Age", "2000")), step(request={"Cache-Control": "min-fresh=2000"})]),
    ("min-fresh", [fresh(), step(asked=False, request={"Cache-Control": "min-fresh=1000"})]),
    (
        "max-stale",
        [stale(TAG), step(asked=False, request={"Cache-Control": "max-stale=1000"}, text="body 1", x_cache="STALE")],
    ),
    (
        "max-stale without a limit",
        [stale(TAG), step(asked=False, request={"Cache-Control": "max-stale"}, text="body 1")],
    ),
    ("max-stale too little", [stale(TAG), step([HOUR, TAG], asked="etag", request={"Cache-Control": "max-stale=5"})]),
    (
        "max-stale and must-revalidate",
        [
            step([("Cache-Control", "max-age=10, must-revalidate"), ("Age", "20"), TAG]),
            step([HOUR, TAG], asked="etag", request={"Cache-Control": "max-stale"}),
        ],
    ),
    ("no-store keeps nothing", [step([HOUR], request={"Cache-Control": "no-store"}), step(text="body 2")]),
    (
        "only-if-cached and no-cache",
        [fresh(), step(asked=False, request={"Cache-Control": "only-if-cached, no-cache"}, gives=504)],
    ),
]

BROKEN = raw(cut)
FAILING = [
    (
        "stale-if-error, the origin closes",
        [
            step([("Cache-Control", "max-age=10, stale-if-error=60"), ("Age", "20")]),
            step(asked=None, answer=BROKEN, gives=200, text="body 1", x_cache="STALE"),
        ],
    ),
    (
        "stale-if-error, the origin answers 503",
        [
            step([("Cache-Control", "max-age=10, stale-if-error=60"), ("Age", "20")]),
            step(status="503 No", gives=200, text="body 1", x_cache="STALE"),
        ],
    ),
    (
        "stale-if-error, the origin answers 500",
        [
            step([("Cache-Control", "max-age=10, stale-if-error=60"), ("Age", "20"), TAG]),
            step(status="500 No", gives=200, text="body 1"),
        ],
    ),
    (
        "stale-if-error, the origin answers 404",
        [step([("Cache-Control", "max-age=10, stale-if-error=60"), ("Age", "20")]), step(status="404 No", gives=404)],
    ),
    (
        "stale-if-error that is over",
        [
            step([("Cache-Control", "max-age=10, stale-if-error=5"), ("Age", "20"), TAG]),
            step(status="503 No", gives=503),
        ],
    ),
    ("none granted", [stale(TAG), step(status="503 No", gives=503)]),
    ("none granted, the origin closes", [stale(TAG), step(asked=None, answer=BROKEN, gives=502)]),
    *[
        (
            f"{what} forbids it",
            [
                step([("Cache-Control", f"max-age=10, stale-if-error=60, {what}"), ("Age", "20"), TAG]),
                step(asked=None, answer=BROKEN, gives=502),
            ],
        )
        for what in ("must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=10")
    ],
    (
        "the entry stays for the next try",
        [stale(TAG), step(status="503 No", gives=503), step([HOUR, TAG], asked="etag", text="body 1")],
    ),
]

WRITES = [
    *[
        (f"{method} of the same URL", [fresh(), step(method=method, send_body=b"abc"), step(text="body 3")])
        for method in ("POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "FOO")
    ],
    *[
        (
            f"{method} that was refused",
            [fresh(), step(method=method, send_body=b"abc", status="403 No"), step(asked=False, text="body 1")],
        )
        for method in ("POST", "PUT", "DELETE", "M-SEARCH")
    ],
    (
        "a redirect after it",
        [
            fresh(),
            step([("Location", "/elsewhere")], method="POST", send_body=b"abc", status="303 See Other"),
            step(text="body 3"),
        ],
    ),
    *[
        (
            f"{field} after {method}",
            [
                fresh(path="/target"),
                step([(field, value)], method=method, send_body=b"abc"),
                step(path="/target", text="body 3"),
            ],
        )
        for method, field, value in (
            ("POST", "Location", "<base>/target"),
            ("PUT", "Content-Location", "<base>/target"),
            ("DELETE", "Location", "<base>/target"),
            ("M-SEARCH", "Content-Location", "<base>/target"),
            ("POST", "Location", "http://api.test<base>/target"),
            ("POST", "Location", "//api.test<base>/target"),
        )
    ],
    (
        "Location at another host",
        [
            fresh(path="/target"),
            step([("Location", "http://other.test<base>/target")], method="POST", send_body=b"abc"),
            step(path="/target", asked=False),
        ],
    ),
    (
        "a relative Location",
        [
            fresh(path="/a/target"),
            step([("Location", "target")], method="POST", send_body=b"abc", path="/a/b"),
            step(path="/a/target", text="body 3"),
        ],
    ),
    (
        "Location after a refusal",
        [
            fresh(path="/target"),
            step([("Location", "<base>/target")], method="POST", send_body=b"abc", status="400 No"),
            step(path="/target", asked=False),
        ],
    ),
    (
        "every variant",
        [
            fresh(VARY, request=FOO1),
            fresh(VARY, request=FOO2),
            step(method="POST", send_body=b"x"),
            step(request=FOO1),
            step(request=FOO2),
        ],
    ),
    (
        "the whole of its queries stays",
        [
            fresh(path="?a=1"),
            fresh(path="?a=2"),
            step(method="POST", send_body=b"x", path="?a=1"),
            step(path="?a=2", asked=False),
            step(path="?a=1"),
        ],
    ),
    ("OPTIONS invalidates nothing", [fresh(), step(method="OPTIONS", asked=True), step(asked=False, text="body 1")]),
    (
        "a cache group",
        [
            fresh(("Cache-Groups", '"g"'), path="/x"),
            step([("Cache-Group-Invalidation", '"g"')], method="POST", send_body=b"x", path="/y"),
            step(path="/x", text="body 3"),
        ],
    ),
    (
        "another cache group",
        [
            fresh(("Cache-Groups", '"g"'), path="/x"),
            step([("Cache-Group-Invalidation", '"h"')], method="POST", send_body=b"x", path="/y"),
            step(path="/x", asked=False),
        ],
    ),
]

FIELDS = [
    *[
        (f"{name} is kept", [fresh((name, value)), step(asked=False, has={name: value})])
        for name, value in (
            ("Test-Header", "v"),
            ("X-Test-Header", "v"),
            ("Content-Foo", "v"),
            ("Content-Encoding", "nonsense"),
            ("Content-Location", "/foo"),
            ("Content-MD5", "rL0Y20zC+Fzt72VPzMSk2A=="),
            ("Content-Range", "bytes 1-2/3"),
            ("Content-Type", "text/plain"),
            ("Clear-Site-Data", "cookies"),
            ("ETag", '"x"'),
            ("Expires", "Fri, 01 Jan 2038 01:01:01 GMT"),
            ("Public-Key-Pins", "v"),
            ("Set-Cookie2", "a=b"),
            ("X-Frame-Options", "deny"),
            ("WWW-Authenticate", "Basic"),
            ("Strict-Transport-Security", "v"),
        )
    ],
    *[
        (f"{name} is not kept", [fresh((name, "v")), step(asked=False, lacks=[name] if name != "Connection" else [])])
        for name in (
            "Connection",
            "Keep-Alive",
            "Proxy-Authenticate",
            "Proxy-Authentication-Info",
            "Proxy-Authorization",
            "Proxy-Connection",
            "TE",
            "Upgrade",
        )
    ],
    (
        "what Connection names is not kept",
        [
            fresh(("Connection", "a, b"), ("a", "1"), ("b", "2"), ("c", "3")),
            step(asked=False, has={"c": "3"}, lacks=["a", "b"]),
        ],
    ),
    (
        "what no-cache names is not kept",
        [
            step([HOUR, ("Cache-Control", 'no-cache="a, b"'), ("a", "1"), ("b", "2"), ("c", "3")]),
            step(asked=False, has={"c": "3"}, lacks=["a", "b"]),
        ],
    ),
    (
        "what private names is not kept",
        [
            step([HOUR, ("Cache-Control", 'private="a"'), ("a", "1"), ("b", "2")]),
            step(asked=False, has={"b": "2"}, lacks=["a"]),
        ],
    ),
    (
        "Date stays",
        [
            step([HOUR, ("Date", "Tue, 01 Jan 2030 00:00:00 GMT")]),
            step(asked=False, has={"Date": "Tue, 01 Jan 2030 00:00:00 GMT"}),
        ],
    ),
    ("Age goes on from the origin's", [step([HOUR, ("Age", "30")]), step(asked=False, has={"Age": "30"})]),
    (
        "chunks become a whole",
        [
            step(answer=chunked(b"one", b"two", fields=[HOUR])),
            step(asked=False, text="onetwo", has={"Content-Length": "6"}),
        ],
    ),
    (
        "trailers are not needed",
        [
            step(answer=chunked(b"one", fields=[HOUR, ("Trailer", "T")], trailers=[("T", "1")])),
            step(asked=False, text="one"),
        ],
    ),
    (
        "a length shorter than what comes",
        [
            step(
                answer=raw(
                    b"HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Length: 5\r\n\r\n0123456789", cut
                ),
                text="01234",
            ),
            step(asked=False, text="01234"),
        ],
    ),
]

CREDENTIALS = [
    ("Authorization", [fresh(request={"Authorization": "x"}, sent={"Authorization": "x"}), step(text="body 2")]),
    *[
        (
            f"Authorization and {what}",
            [step([("Cache-Control", f"{what}")], request={"Authorization": "x"}), step(asked=False, text="body 1")],
        )
        for what in ("max-age=3600, public", "max-age=3600, must-revalidate", "s-maxage=3600")
    ],
    ("Authorization and another's entry", [fresh(), step(request={"Authorization": "x"}, text="body 2")]),
    (
        "Authorization and a public entry",
        [step([("Cache-Control", "public, max-age=3600")]), step(asked=False, request={"Authorization": "x"})],
    ),
    ("Cookie", [fresh(request={"Cookie": "a=b"}), step(text="body 2")]),
    (
        "Cookie and public",
        [
            step([("Cache-Control", "public, max-age=3600")], request={"Cookie": "a=b"}),
            step(asked=False, text="body 1"),
        ],
    ),
]

TURNS = [
    ("not stored, then stored", [step([("Cache-Control", "no-store")]), fresh(), step(asked=False, text="body 2")]),
    ("private, then stored", [step([("Cache-Control", "private")]), fresh(), step(asked=False, text="body 2")]),
    ("an error, then stored", [step(status="500 No"), fresh(), step(asked=False, text="body 2")]),
    (
        "stored, stale, not stored, stored",
        [
            stale(TAG),
            step([("Cache-Control", "no-store")], text="body 2"),
            fresh(asked=True, text="body 3"),
            step(asked=False, text="body 3"),
        ],
    ),
    (
        "queries are entries of their own",
        [
            fresh(path="?a=1"),
            fresh(path="?a=2", text="body 2"),
            step(path="?a=1", asked=False, text="body 1"),
            step(path="", text="body 4"),
        ],
    ),
    (
        "a 103 is not the answer",
        [
            step(answer=reply(fields=[HOUR], body="end").interim("103 Early Hints", {"Link": "</a>"}), text="end"),
            step(asked=False, text="end"),
        ],
    ),
    (
        "a 102 is not the answer",
        [
            step(answer=reply(fields=[HOUR], body="end").interim("102 Processing"), text="end"),
            step(asked=False, text="end"),
        ],
    ),
]

TABLES = {
    "9111 4.1 variants": VARIANTS,
    "9110 13 conditions": CONDITIONS,
    "9110 14 ranges": RANGES,
    "9111 3.2 and 4.3.4 updates": UPDATES,
    "9111 4.3.5 HEAD": HEADS,
    "9111 5.2.1 requests": REQUESTS,
    "9111 4.2.4 and 5861 failing": FAILING,
    "9111 4.4 and 9875 writes": WRITES,
    "9111 3.1 fields": FIELDS,
    "9111 3.5 credentials": CREDENTIALS,
    "9111 3 turns": TURNS,
}


@pytest.mark.parametrize(
    "steps",
    [pytest.param(steps, id=f"{section}: {name}") for section, table in TABLES.items() for name, steps in table],
)
def test_the_sequence(world, steps):
    run(world, steps)


@pytest.mark.parametrize("steps", [pytest.param(steps, id=f"9111 5.2.1: {name}") for name, steps in HONOURED])
def test_a_route_that_honours_the_clients_directives(world, steps):
    run(world, steps, under="/honour/")
