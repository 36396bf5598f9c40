"""A client that sends exactly the bytes it is given and accepts only a well-formed response."""
import json
import re
import socket
import time

from .ports import HOST

STATUS_LINE = re.compile(rb"HTTP/1\.([01]) (\d{3}) ([\t \x21-\x7e\x80-\xff]*)\r\n")
FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*\r\n", re.S)


class Malformed(AssertionError):
    """What came is not HTTP/1.1."""


class ConnectionEnded(ConnectionError):
    """The other side closed before the response was complete; .received holds what came of it."""

    def __init__(self, received):
        super().__init__(f"the connection ended after {len(received)} bytes: {received[-200:]!r}")
        self.received = received


class Response:
    """One response as it came. fields: (name, value) as strings, in order and in their own case."""

    def __init__(self, version, status, reason, fields, head):
        self.version, self.status, self.reason, self.fields, self.head = version, status, reason, fields, head
        self.body = b""
        self.trailers = []
        self.interim = []  # the 1xx responses before it
        self.framing = None  # "none", "length", "chunked" or "close"
        self.seconds = None  # from sending the request to the response's last byte

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def field(self, name):
        """The values of all lines of this name, joined; None where there is none."""
        values = self.all(name)
        return ", ".join(values) if values else None

    @property
    def x_cache(self):
        return self.field("x-cache")

    @property
    def cache_status(self):
        return self.field("cache-status")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.x_cache} [{self.cache_status}] {self.body[:120]!r}>"


def read_fields(block):
    """The field lines of a head or trailer section, without the empty line."""
    fields, at = [], 0
    while at < len(block):
        match = FIELD_LINE.match(block, at)
        if not match or b"\r" in match[2] or b"\n" in match[2] or b"\0" in match[2]:
            raise Malformed(f"bad field line at {block[at:at + 80]!r}")
        fields.append((match[1].decode("latin-1"), match[2].decode("latin-1")))
        at = match.end()
    return fields


def request_bytes(method, target, fields=(), body=None, host="api.test", version="1.1"):
    """A plain request; fields as {"Name": "value"} or a list of pairs. A body gets its Content-Length."""
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
    names = {name.lower() for name, _ in pairs}
    if host is not None and "host" not in names:
        pairs.insert(0, ("Host", host))
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        if "content-type" not in names:
            pairs.append(("Content-Type", "application/json"))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(len(body))))
    head = f"{method} {target} HTTP/{version}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in pairs) + "\r\n"
    return head.encode("latin-1") + (body or b"")


class Connection:
    """One TCP connection. Every wait ends after timeout seconds with an exception.

    segment: the largest segment it takes. A sender over loopback buffers megabytes, or kilobytes with small segments.
    """

    def __init__(self, port, timeout=20.0, receive_buffer=None, segment=None):
        self._socket = socket.socket()
        if segment is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(timeout)
        self._socket.connect((HOST, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting = bytearray()  # received, not yet used

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def finish_sending(self):
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes with RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def _receive(self):
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionEnded(bytes(self._waiting))
        self._waiting += data

    def _take(self, count):
        taken = bytes(self._waiting[:count])
        del self._waiting[:count]
        return taken

    def read_exactly(self, count):
        while len(self._waiting) < count:
            self._receive()
        return self._take(count)

    def read_until(self, mark):
        while mark not in self._waiting:
            self._receive()
        return self._take(self._waiting.index(mark) + len(mark))

    def read_to_end(self):
        """Everything up to the other side's orderly end; a reset is an exception."""
        while True:
            data = self._socket.recv(65536)
            if not data:
                return self._take(len(self._waiting))
            self._waiting += data

    def read_head(self):
        """One head, interim or final, without looking at its body."""
        head = self.read_until(b"\r\n\r\n")
        match = STATUS_LINE.match(head)
        if not match:
            raise Malformed(f"bad status line: {head[:100]!r}")
        fields = read_fields(head[match.end() : -2])
        return Response("1." + match[1].decode(), int(match[2]), match[3].decode("latin-1"), fields, head)

    def read_response(self, method="GET"):
        """The next final response, whole, with the interim ones before it."""
        interim = []
        while True:
            response = self.read_head()
            if response.status >= 200 or response.status == 101:
                break
            interim.append(response)
        response.interim = interim
        self._read_body(response, method)
        return response

    def _read_body(self, response, method):
        lengths, codings = response.all("content-length"), response.all("transfer-encoding")
        if lengths and codings:
            raise Malformed("Content-Length beside Transfer-Encoding")
        if len(lengths) > 1 or any(not length.isdigit() for length in lengths):
            raise Malformed(f"Content-Length: {lengths}")
        if codings and [coding.lower() for coding in codings] != ["chunked"]:
            raise Malformed(f"Transfer-Encoding: {codings}")
        if method == "HEAD" or response.status in (101, 204, 304):
            response.framing = "none"
        elif codings:
            response.framing = "chunked"
            response.body = b"".join(iter(self.read_chunk, b""))
            response.trailers = self._read_trailers()
        elif lengths:
            response.framing = "length"
            response.body = self.read_exactly(int(lengths[0]))
        else:
            response.framing = "close"
            response.body = self.read_to_end()

    def read_chunk(self):
        """The data of the next chunk; empty for the last one, whose trailers are still to come."""
        size = self.read_until(b"\r\n")[:-2]
        if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", size):
            raise Malformed(f"chunk size {size[:60]!r}")
        count = int(size, 16)
        if count == 0:
            return b""
        data = self.read_exactly(count)
        if self.read_exactly(2) != b"\r\n":
            raise Malformed("a chunk does not end where it should")
        return data

    def _read_trailers(self):
        block = b""
        while True:
            line = self.read_until(b"\r\n")
            if line == b"\r\n":
                return read_fields(block)
            block += line

    def request(self, method, target, fields=(), body=None, **named):
        """Sends one request and reads its response."""
        started = time.monotonic()
        self.send(request_bytes(method, target, fields, body, **named))
        response = self.read_response(method)
        response.seconds = time.monotonic() - started
        return response

    def get(self, target, fields=(), **named):
        return self.request("GET", target, fields, **named)

    def is_closed_by_peer(self, timeout=5.0):
        """Whether the other side closes within timeout seconds; bytes that come instead are an error."""
        self._socket.settimeout(timeout)
        try:
            data = self._waiting or self._socket.recv(65536)
        except socket.timeout:
            return False
        except ConnectionResetError:
            return True
        if data:
            raise Malformed(f"unexpected bytes: {data[:200]!r}")
        return True


def request(port, method, target, fields=(), body=None, timeout=20.0, **named):
    """One request over a connection of its own."""
    with Connection(port, timeout) as connection:
        return connection.request(method, target, fields, body, **named)


def get(port, target, fields=(), **named):
    return request(port, "GET", target, fields, **named)
