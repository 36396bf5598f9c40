"""Raw bytes of requests that strangers try. Each case names the rule of RFC 9112/9110 or the attack it stands for.

A refused one gets its status and the end of the connection, and nothing of it reaches the origin; an accepted one
reaches the origin as exactly one request that cannot be read in two ways.
"""
import pytest

from support.raw_client import ConnectionEnded, request_bytes
from support.scripted_origin import reply

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n"
HOST = b"Host: api.test"


def line(start, *fields, body=b""):
    return start + b"\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def get(*fields):
    return line(b"GET /x HTTP/1.1", HOST, *fields)


def post(*fields, body=b""):
    return line(b"POST /x HTTP/1.1", HOST, *fields, body=body)


CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"

REFUSED = {
    # RFC 9112, 2.2: line ends and controls
    "2.2 bare LF after the request line": (b"GET /x HTTP/1.1\nHost: api.test\r\n\r\n", 400),
    "2.2 bare LF between fields": (b"GET /x HTTP/1.1\r\nHost: api.test\nX: a\r\n\r\n", 400),
    "2.2 all lines end with LF": (b"GET /x HTTP/1.1\nHost: api.test\n\n", 400),
    "2.2 blank line of LF only": (b"GET /x HTTP/1.1\r\nHost: api.test\r\n\n", 400),
    "2.2 bare CR in the request line": (b"GET /x\r HTTP/1.1\r\nHost: api.test\r\n\r\n", 400),
    "2.2 CR CR LF": (b"GET /x HTTP/1.1\r\r\nHost: api.test\r\n\r\n", 400),
    "2.2 white space before the first field": (line(b"GET /x HTTP/1.1", b" Host: api.test", b"X: a"), 400),
    "2.2 tab before the first field": (line(b"GET /x HTTP/1.1", b"\tHost: api.test"), 400),
    "2.2 LF before the request line": (b"\nGET /x HTTP/1.1\r\nHost: api.test\r\n\r\n", 400),
    "2.2 two blank lines with a space": (b"\r\n \r\nGET /x HTTP/1.1\r\nHost: api.test\r\n\r\n", 400),
    "2.2 NUL in the target": (b"GET /x\0y HTTP/1.1\r\nHost: api.test\r\n\r\n", 400),
    "2.2 DEL in the target": (b"GET /x\x7f HTTP/1.1\r\nHost: api.test\r\n\r\n", 400),
    "2.2 vertical tab in a value": (get(b"X: a\x0bb"), 400),
    "2.2 form feed in a name": (get(b"X\x0c: a"), 400),
    "2.2 DEL in a value": (get(b"X: a\x7fb"), 400),
    "2.2 NUL in a name": (get(b"X\0: a"), 400),
    # 2.3 and 3: version and request line
    "2.3 HTTP/2.0 on a GET": (line(b"GET /x HTTP/2.0", HOST), 400),
    "2.3 HTTP/3.1": (line(b"GET /x HTTP/3.1", HOST), 400),
    "2.3 lower-case version": (line(b"GET /x http/1.1", HOST), 400),
    "2.3 two digits": (line(b"GET /x HTTP/1.10", HOST), 400),
    "2.3 no minor version": (line(b"GET /x HTTP/1", HOST), 400),
    "2.3 comma for the dot": (line(b"GET /x HTTP/1,1", HOST), 400),
    "2.3 space after the version": (line(b"GET /x HTTP/1.1 ", HOST), 400),
    "2.3 another protocol": (line(b"GET /x HTTPS/1.1", HOST), 400),
    "2.3 RTSP": (line(b"GET /x RTSP/1.0", HOST), 400),
    "3 tab between the parts": (line(b"GET\t/x\tHTTP/1.1", HOST), 400),
    "3 space before the method": (line(b" GET /x HTTP/1.1", HOST), 400),
    "3 two spaces before the version": (line(b"GET /x  HTTP/1.1", HOST), 400),
    "3 no method": (line(b"/x HTTP/1.1", HOST), 400),
    "3.1 brackets in the method": (line(b"GE[T /x HTTP/1.1", HOST), 400),
    "3.1 colon in the method": (line(b"GET: /x HTTP/1.1", HOST), 400),
    "3.1 bytes beyond ASCII in the method": (line(b"G\xc3\x89T /x HTTP/1.1", HOST), 400),
    "3.2 DEL in the target": (line(b"GET /\x7f HTTP/1.1", HOST), 400),
    "3.2 a fragment": (line(b"GET /x#y HTTP/1.1", HOST), 400),
    "3.2 a backslash for the slash": (line(b"GET \\x HTTP/1.1", HOST), 400),
    "3.2.2 absolute-form with user": (line(b"GET http://api.test@evil.test/x HTTP/1.1", HOST), 400),
    "3.2.2 absolute-form without host": (line(b"GET http:///x HTTP/1.1", HOST), 400),
    "3.2.2 absolute-form of another scheme": (line(b"GET ftp://api.test/x HTTP/1.1", HOST), 400),
    "3.2.2 absolute-form with a bad port": (line(b"GET http://api.test:99999/x HTTP/1.1", HOST), 400),
    "3.2.3 authority-form on GET": (line(b"GET api.test:80 HTTP/1.1", HOST), 400),
    "3.2.3 CONNECT": (line(b"CONNECT api.test:443 HTTP/1.1", HOST), 501),
    "3.2.4 asterisk-form on GET": (line(b"GET * HTTP/1.1", HOST), 400),
    "9110 9.3.8 TRACE": (line(b"TRACE /x HTTP/1.1", HOST), 501),
    # 3.2, 9110 7.2: Host
    "7.2 no Host": (line(b"GET /x HTTP/1.1", b"X: a"), 400),
    "7.2 empty Host": (line(b"GET /x HTTP/1.1", b"Host:"), 400),
    "7.2 two equal Hosts": (line(b"GET /x HTTP/1.1", HOST, HOST), 400),
    "7.2 two Hosts in other case": (line(b"GET /x HTTP/1.1", HOST, b"hOST: evil.test"), 400),
    "7.2 a list of hosts": (line(b"GET /x HTTP/1.1", b"Host: api.test, evil.test"), 400),
    "7.2 Host with a scheme": (line(b"GET /x HTTP/1.1", b"Host: http://api.test"), 400),
    "7.2 Host with a fragment": (line(b"GET /x HTTP/1.1", b"Host: api.test#"), 400),
    "7.2 Host with a question mark": (line(b"GET /x HTTP/1.1", b"Host: api.test?a"), 400),
    "7.2 Host with a backslash": (line(b"GET /x HTTP/1.1", b"Host: api.test\\evil"), 400),
    "7.2 Host with an open bracket": (line(b"GET /x HTTP/1.1", b"Host: [::1"), 400),
    "7.2 Host with a named port": (line(b"GET /x HTTP/1.1", b"Host: api.test:http"), 400),
    "7.2 Host with a port beyond 65535": (line(b"GET /x HTTP/1.1", b"Host: api.test:65536"), 400),
    "7.2 Host with two ports": (line(b"GET /x HTTP/1.1", b"Host: api.test:80:90"), 400),
    "7.2 Host beyond ASCII": (line(b"GET /x HTTP/1.1", b"Host: \xc3\xa4pi.test"), 400),
    "7.2 bad Host beside a good absolute-form": (line(b"GET http://api.test/x HTTP/1.1", b"Host: a b"), 400),
    "7.2 no Host beside an absolute-form": (line(b"GET http://api.test/x HTTP/1.1"), 400),
    # 5: fields
    "5 no colon": (get(b"X"), 400),
    "5 no name": (get(b": a"), 400),
    "5.1 tab before the colon": (get(b"X\t: a"), 400),
    "5.1 Content-Length with a space before the colon": (post(b"Content-Length : 5", body=b"hello"), 400),
    "5.1 Transfer-Encoding with a space before the colon": (post(b"Transfer-Encoding : chunked", body=CHUNKS), 400),
    "5.2 obs-fold with a space": (get(b"X: a", b" b"), 400),
    "5.2 obs-fold with a tab": (get(b"X: a", b"\tb"), 400),
    "5.2 folded Transfer-Encoding": (post(b"Transfer-Encoding:", b" chunked", body=CHUNKS), 400),
    "5.2 folded Content-Length": (post(b"Content-Length: 5", b" 0", body=b"hello"), 400),
    "9110 5.6.2 quotes in a name": (get(b'"X": a'), 400),
    "9110 5.6.2 parentheses in a name": (get(b"X(a): a"), 400),
    "9110 5.6.2 slash in a name": (get(b"X/a: a"), 400),
    # 6: framing, request smuggling
    "6.1 CL.TE": (post(b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nG"), 400),
    "6.1 TE.CL": (post(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=b"5c\r\n"), 400),
    "6.1 TE.TE with a second unknown coding": (
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: cow", body=CHUNKS),
        400,
    ),
    "6.1 TE.TE with a first unknown coding": (
        post(b"Transfer-Encoding: cow", b"Transfer-Encoding: chunked", body=CHUNKS),
        400,
    ),
    "6.1 TE with x in front": (post(b"Transfer-Encoding: xchunked", body=CHUNKS), 501),
    "6.1 TE with a vertical tab": (post(b"Transfer-Encoding: \x0bchunked", body=CHUNKS), 400),
    "6.1 TE in single quotes": (post(b"Transfer-Encoding: 'chunked'", body=CHUNKS), 400),
    "6.1 TE with a NUL": (post(b"Transfer-Encoding: chunked\0", body=CHUNKS), 400),
    "6.1 TE with a parameter": (post(b"Transfer-Encoding: chunked;a=b", body=CHUNKS), 400),
    "6.1 TE with a comma before": (post(b"Transfer-Encoding: ,chunked", body=CHUNKS), 501),
    "6.1 TE with a comma behind": (post(b"Transfer-Encoding: chunked,", body=CHUNKS), 400),
    "6.1 TE of two words": (post(b"Transfer-Encoding: chunked chunked", body=CHUNKS), 400),
    "6.1 chunked twice in a list": (post(b"Transfer-Encoding: chunked, chunked", body=CHUNKS), 400),
    "6.1 chunked not last": (post(b"Transfer-Encoding: chunked, gzip", body=CHUNKS), 400),
    "6.1 gzip, chunked is not spoken": (post(b"Transfer-Encoding: gzip, chunked", body=CHUNKS), 501),
    "6.1 gzip alone": (post(b"Transfer-Encoding: gzip", body=CHUNKS), 501),
    "6.1 identity": (post(b"Transfer-Encoding: identity", body=b"hello"), 501),
    "6.1 identity beside a length": (post(b"Transfer-Encoding: identity", b"Content-Length: 5", body=b"hello"), 400),
    "6.1 chunked in HTTP/1.0": (line(b"POST /x HTTP/1.0", HOST, b"Transfer-Encoding: chunked", body=CHUNKS), 400),
    "6.1 chunked in HTTP/1.0 with keep-alive": (
        line(b"POST /x HTTP/1.0", HOST, b"Connection: keep-alive", b"Transfer-Encoding: chunked", body=CHUNKS),
        400,
    ),
    "6.1 GET with CL and TE": (get(b"Content-Length: 5", b"Transfer-Encoding: chunked") + CHUNKS, 400),
    "6.2 length with a tab inside": (post(b"Content-Length: 5\t0", body=b"hello"), 400),
    "6.2 length with a space inside": (post(b"Content-Length: 5 0", body=b"hello"), 400),
    "6.2 length with a decimal point": (post(b"Content-Length: 5.0", body=b"hello"), 400),
    "6.2 length with an exponent": (post(b"Content-Length: 5e0", body=b"hello"), 400),
    "6.2 length with an underscore": (post(b"Content-Length: 1_0", body=b"hellohello"), 400),
    "6.2 length with a letter": (post(b"Content-Length: 5a", body=b"hello"), 400),
    "6.2 length in quotes": (post(b'Content-Length: "5"', body=b"hello"), 400),
    "6.2 length beyond 2^63": (post(b"Content-Length: 9223372036854775808", body=b"hello"), 400),
    "6.2 length 2^64 + 5": (post(b"Content-Length: 18446744073709551621", body=b"hello"), 400),
    "6.2 length 2^32 * 2^32": (post(b"Content-Length: 99999999999999999999999999", body=b"hello"), 400),
    "6.2 minus zero": (post(b"Content-Length: -0"), 400),
    "6.2 plus": (post(b"Content-Length: +5", body=b"hello"), 400),
    "6.2 equal list": (post(b"Content-Length: 5,5", body=b"hello"), 400),
    "6.2 differing list": (post(b"Content-Length: 5, 6", body=b"hello!"), 400),
    "6.2 trailing comma": (post(b"Content-Length: 5,", body=b"hello"), 400),
    "6.2 two equal lines": (post(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"), 400),
    "6.2 two lines in other case": (post(b"Content-Length: 5", b"CONTENT-LENGTH: 6", body=b"hello!"), 400),
    "6.2 0.CL: empty and 5": (post(b"Content-Length: ", b"Content-Length: 5", body=b"hello"), 400),
    # what is no HTTP at all
    "a TLS greeting": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a PROXY header nobody configured": (
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /x HTTP/1.1\r\nHost: api.test\r\n\r\n",
        400,
    ),
    "a SOCKS greeting": (b"\x05\x01\x00", 400),
    "a Redis command": (b"*1\r\n$4\r\nPING\r\n\r\n", 400),
}


@pytest.mark.parametrize("data, status", REFUSED.values(), ids=REFUSED)
def test_a_request_that_is_not_clean_is_refused(origin, larder, data, status):
    for place in ("/x", "/smuggled"):
        origin.on(place, reply(body=b"reached"))
    with larder.connect() as client:
        client.send(data + SMUGGLED)
        response = client.read_response()
        assert response.status == status, response
        assert response.field("connection") == "close"
        try:
            assert client.read_to_end() == b"", "nothing behind it may be answered"
        except ConnectionResetError:
            pass
    assert origin.requests() == []


ONE_REQUEST = {
    # name: (bytes, what the origin must see of target, Host, body)
    "2.2 an empty line before it": (b"\r\n" + get(), ("/x", "api.test", b"")),
    "2.3 HTTP/1.0 with a Host": (line(b"GET /x HTTP/1.0", HOST), ("/x", "api.test", b"")),
    "3.2.1 an empty query": (line(b"GET /x? HTTP/1.1", HOST), ("/x?", "api.test", b"")),
    "3.2.1 a query of question marks": (line(b"GET /x??? HTTP/1.1", HOST), ("/x???", "api.test", b"")),
    "3.2.1 two slashes": (line(b"GET //x HTTP/1.1", HOST), ("//x", "api.test", b"")),
    "3.2.1 a URL as path": (line(b"GET /http://evil.test/ HTTP/1.1", HOST), ("/http://evil.test/", "api.test", b"")),
    "3.2.1 dot segments": (line(b"GET /a/../x HTTP/1.1", HOST), ("/a/../x", "api.test", b"")),
    "3.2.1 encoded slash and NUL": (line(b"GET /a%2Fx%00 HTTP/1.1", HOST), ("/a%2Fx%00", "api.test", b"")),
    "3.2.1 a percent sign alone": (line(b"GET /100% HTTP/1.1", HOST), ("/100%", "api.test", b"")),
    "3.2.1 odd but printable bytes": (line(b"GET /x{}|\\^`<>\" HTTP/1.1", HOST), ("/x{}|\\^`<>\"", "api.test", b"")),
    "3.2.2 absolute-form wins over Host": (line(b"GET http://other.test/x HTTP/1.1", HOST), ("/x", "other.test", b"")),
    "3.2.2 absolute-form without a path": (line(b"GET http://other.test HTTP/1.1", HOST), ("/", "other.test", b"")),
    "3.2.2 absolute-form with a query only": (
        line(b"GET http://other.test?q HTTP/1.1", HOST),
        ("/?q", "other.test", b""),
    ),
    "3.2.2 absolute-form in capitals": (line(b"GET HTTP://other.test/x HTTP/1.1", HOST), ("/x", "other.test", b"")),
    "3.2.4 OPTIONS *": (line(b"OPTIONS * HTTP/1.1", HOST), ("*", "api.test", b"")),
    "7.2 Host with a port": (line(b"GET /x HTTP/1.1", b"Host: api.test:8080"), ("/x", "api.test:8080", b"")),
    "7.2 Host of IPv6": (line(b"GET /x HTTP/1.1", b"Host: [2001:db8::1]:80"), ("/x", "[2001:db8::1]:80", b"")),
    "5 white space around a value": (post(b"Content-Length: \t 5 \t", body=b"hello"), ("/x", "api.test", b"hello")),
    "5 names in any case": (
        line(b"POST /x HTTP/1.1", b"hOsT: api.test", b"cOnTeNt-LeNgTh: 5", body=b"hello"),
        ("/x", "api.test", b"hello"),
    ),
    "5 an empty value": (get(b"X:"), ("/x", "api.test", b"")),
    "5.5 bytes beyond ASCII in a value": (get(b"X: \xff\xfe"), ("/x", "api.test", b"")),
    "6.1 chunked in capitals": (post(b"Transfer-Encoding: CHUNKED", body=CHUNKS), ("/x", "api.test", b"hello")),
    "6.2 leading zeros": (post(b"Content-Length: 0005", body=b"hello"), ("/x", "api.test", b"hello")),
    "7.1 chunk size with leading zeros": (
        post(b"Transfer-Encoding: chunked", body=b"0005\r\nhello\r\n000\r\n\r\n"),
        ("/x", "api.test", b"hello"),
    ),
    "7.1 chunk size in either case": (
        post(b"Transfer-Encoding: chunked", body=b"a\r\nhellohello\r\nB\r\nhello world\r\n0\r\n\r\n"),
        ("/x", "api.test", b"hellohellohello world"),
    ),
    "7.1.1 chunk extensions": (
        post(b"Transfer-Encoding: chunked", body=b"5;a;b=c;d=\"e;f\"\r\nhello\r\n0;x\r\n\r\n"),
        ("/x", "api.test", b"hello"),
    ),
    "9.3.1 GET with a body": (get(b"Content-Length: 5") + b"hello", ("/x", "api.test", b"hello")),
    "9.3.5 DELETE with a chunked body": (
        line(b"DELETE /x HTTP/1.1", HOST, b"Transfer-Encoding: chunked", body=CHUNKS),
        ("/x", "api.test", b"hello"),
    ),
    "an unknown method": (line(b"M-SEARCH /x HTTP/1.1", HOST), ("/x", "api.test", b"")),
    "a method in lower case is another": (line(b"get /x HTTP/1.1", HOST), ("/x", "api.test", b"")),
}


@pytest.mark.parametrize("data, seen", ONE_REQUEST.values(), ids=ONE_REQUEST)
def test_an_odd_but_valid_request_arrives_as_exactly_one(origin, larder, data, seen):
    target, host, body = seen
    origin.on(target.split("?")[0], reply(body=b"right"))
    origin.on("/next", reply(body=b"next"))
    with larder.connect() as client:
        client.send(data)
        assert client.read_response().body == b"right"
        if b"HTTP/1.0" not in data:
            assert client.get("/next").body == b"next"
    request = origin.requests()[0]
    assert (request.target, request.all("host"), request.body) == (target, [host], body)
    assert len(request.all("content-length")) + len(request.all("transfer-encoding")) == (1 if body else 0)
    assert request.version == "HTTP/1.1" and origin.count() == (1 if b"HTTP/1.0" in data else 2)


BAD_CHUNKS = {
    "7.1 LF after the size": b"5\nhello\r\n0\r\n\r\n",
    "7.1 LF after the data": b"5\r\nhello\n0\r\n\r\n",
    "7.1 CR alone after the size": b"5\rhello\r\n0\r\n\r\n",
    "7.1 space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
    "7.1 space after the size": b"5 \r\nhello\r\n0\r\n\r\n",
    "7.1 tab after the size": b"5\t\r\nhello\r\n0\r\n\r\n",
    "7.1 minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "7.1 underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "7.1 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "7.1 h behind": b"5h\r\nhello\r\n0\r\n\r\n",
    "7.1 2^63": b"8000000000000000\r\nhello\r\n0\r\n\r\n",
    "7.1 2^64 - 1": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "7.1 2^64 + 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "7.1 zeros without end": b"0" * 5000 + b"5\r\nhello\r\n0\r\n\r\n",
    "7.1 no size": b"\r\nhello\r\n0\r\n\r\n",
    "7.1 only an extension": b";a=b\r\nhello\r\n0\r\n\r\n",
    "7.1.1 NUL in an extension": b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    "7.1.1 LF in an extension (TERM.EXT)": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "7.1.1 CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "7.1.1 an extension without end": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "7.1.1 extensions without end": b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n" * 2000
    + b"0\r\n\r\n",
    "7.1.2 a folded trailer": b"5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n",
    "7.1.2 LF in the trailer": b"5\r\nhello\r\n0\r\nX: a\n\r\n",
    "7.1.2 a space before the colon": b"5\r\nhello\r\n0\r\nX : a\r\n\r\n",
    "7.1.2 a trailer without a name": b"5\r\nhello\r\n0\r\n: a\r\n\r\n",
    "7.1.2 trailers without end": b"5\r\nhello\r\n0\r\n" + b"X: aaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 3000 + b"\r\n",
    "7.1 data runs over its size (SPILL)": b"5\r\nhelloXX0\r\n\r\n",
    "7.1 two bytes that are no CRLF": b"5\r\nhelloXX\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_a_chunked_body_that_is_not_clean_never_looks_whole(origin, larder, body):
    for place in ("/x", "/smuggled"):
        origin.on(place, reply(body=b"reached"))
    with larder.connect() as client:
        try:
            client.send(post(b"Transfer-Encoding: chunked", body=body) + SMUGGLED)
            response = client.read_response()
            assert response.status == 400, response
            assert client.read_to_end() == b""
        except (ConnectionEnded, ConnectionResetError, BrokenPipeError):
            pass
    assert not any(request.complete for request in origin.requests("/x"))
    assert origin.count("/smuggled") == 0


NO_HEADER = [
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Authorization",
    "Cookie",
    "X-Forwarded-For",
    "Forwarded",
    "Connection",
    "Content-Type",
]


@pytest.mark.parametrize("name", NO_HEADER)
def test_9110_6_5_1_a_trailer_cannot_add_what_steers_the_request(origin, larder, name):
    origin.on("/x", reply(body=b"taken"))
    with larder.connect() as client:
        client.send(
            post(
                b"Transfer-Encoding: chunked",
                b"Trailer: X-Sum",
                body=b"5\r\nhello\r\n0\r\n%s: 1\r\nX-Sum: 7\r\n\r\n" % name.encode(),
            )
        )
        assert client.read_response().status in (200, 400)
    for request in origin.requests("/x"):
        assert [field for field, _ in request.trailers] == ["X-Sum"], request.trailers


@pytest.mark.parametrize(
    "name",
    [
        "X_Forwarded_For",
        "x_forwarded-for",
        "X_Forwarded_Host",
        "X_Forwarded_Proto",
        "X_Real_IP",
        "Content_Length",
        "Transfer_Encoding",
        "Proxy_Authorization",
    ],
)
def test_underscores_do_not_forge_what_hyphens_may_not(origin, larder, name):
    """CGI-like interfaces turn both into HTTP_X_FORWARDED_FOR."""
    origin.on("/x", reply(body=b"ok"))
    larder.get("/x", {name: "203.0.113.9", "X_Other": "kept"})
    (seen,) = origin.requests("/x")
    assert seen.field(name) is None and seen.field("x_other") == "kept"


@pytest.mark.parametrize(
    "name",
    [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X_HTTP_Method_Override",
        "X_Original_URL",
        "X_Rewrite_URL",
        "X_Method_Override",
    ],
)
def test_an_override_reaches_no_entry(origin, larder, name):
    """Web cache poisoning by headers that origins take for the method or URL."""
    origin.on("/cached/x", lambda request: reply(body=(request.field(name) or "plain").encode()))
    for _ in range(2):
        response = larder.get("/cached/x", {name: "poison"})
        assert response.x_cache == "BYPASS" and "unsafe-header" in response.cache_status
    assert larder.get("/cached/x").body == b"plain"


@pytest.mark.parametrize(
    "fields",
    [
        {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA"},
        {"Upgrade": "websocket, h2c", "Connection": "Upgrade"},
        {"Upgrade": "H2C", "Connection": "upgrade"},
        [("Upgrade", "websocket"), ("Upgrade", "h2c"), ("Connection", "Upgrade")],
    ],
    ids=["h2c", "h2c in a list", "in capitals", "in a second line"],
)
def test_h2c_smuggling_gets_no_tunnel(origin, larder, fields):
    """An HTTP/2 tunnel would carry requests past every rule."""
    origin.on("/x", lambda request: reply(body=(request.field("upgrade") or "no upgrade").encode()))
    with larder.connect() as client:
        assert client.get("/x", fields).body == b"no upgrade"
    assert origin.requests("/x")[0].field("http2-settings") is None


@pytest.mark.parametrize(
    "fields",
    [
        {"Upgrade": "websocket"},
        {"Upgrade": "websocket", "Connection": "x-upgrade-y"},
        {"Connection": "Upgrade"},
    ],
    ids=["no Connection", "another option", "no Upgrade"],
)
def test_9110_7_8_an_upgrade_that_is_none(origin, larder, fields):
    origin.on("/x", lambda request: reply(body=(request.field("upgrade") or "no upgrade").encode()))
    assert larder.get("/x", fields).body == b"no upgrade"


def test_9110_7_8_connection_options_in_several_lines(origin, larder):
    origin.on("/x", lambda request: reply(body=(request.field("upgrade") or "no upgrade").encode()))
    fields = [("Connection", "keep-alive"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
    assert larder.get("/x", fields).body == b"websocket"


@pytest.mark.parametrize("size, status", [(100, 200), (50_000, 431), (5_000_000, 431)])
def test_an_endless_field_costs_little(origin, larder, size, status):
    origin.on("/x", reply(body=b"ok"))
    with larder.connect() as client:
        try:
            client.send(b"GET /x HTTP/1.1\r\nHost: api.test\r\nX: " + b"a" * size + b"\r\n\r\n")
            assert client.read_response().status == status
        except (BrokenPipeError, ConnectionResetError):
            assert size > 1_000_000


def test_ten_thousand_fields_are_refused(origin, larder):
    with larder.connect() as client:
        client.send(line(b"GET /x HTTP/1.1", HOST, *[b"X: a"] * 5000))
        assert client.read_response().status == 431
    assert origin.requests() == []


def test_a_pipelined_request_behind_a_refused_one_is_never_served(origin, larder):
    """The rest of a connection after an error may be a body: nothing of it is a request."""
    origin.on("/x", reply(body=b"first"))
    origin.on("/smuggled", reply(body=b"no"))
    with larder.connect() as client:
        client.send(request_bytes("GET", "/x") + b"GET /y HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + SMUGGLED)
        assert client.read_response().body == b"first"
        assert client.read_response().status == 400
        assert client.read_to_end() == b""
    assert origin.count("/smuggled") == 0
