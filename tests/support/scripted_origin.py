"""An origin that answers what a test scripted, byte for byte, and records what it was asked.

    gate = Gate()
    origin.on("GET /cat", reply(body=b"meow", fields={"Cache-Control": "max-age=60"}).after(gate))
    origin.on("GET /half", raw(b"HTTP/1.1 200 OK\\r\\nContent-Length: 10\\r\\n\\r\\nhalf", cut))

The nth request to a place gets the nth of its replies, the last one repeats. A place is "METHOD /path?query",
"METHOD /path" (any query) or "/path" (any method); a reply may also be a function of the request that returns one.
"""
import json
import socket
import threading
import time

from .ports import HOST
from .waiting import Later, until


class Gate:
    """Closed until a test opens it; whoever passes waits. arrived tells how many have come to it."""

    def __init__(self):
        self._event = threading.Event()
        self._lock = threading.Lock()
        self.arrived = 0

    def open(self):
        self._event.set()

    def pass_through(self):
        with self._lock:
            self.arrived += 1
        if not self._event.wait(60):
            raise ConnectionError("a gate stayed closed for 60 s")

    def wait_for(self, count=1):
        until(lambda: self.arrived >= count, what=f"the arrival of {count} at a gate")


class _Ending:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


cut = _Ending("cut")  # closes the connection in order (FIN)
reset = _Ending("reset")  # closes it with RST
hang = _Ending("hang")  # says no more and keeps it open until the other side or the origin closes


class Reply:
    """What to do for one request: steps are bytes to send, gates to wait for, or an ending."""

    def __init__(self, steps, keep=True, interim=(), read_body=True):
        self.steps, self.keep, self.interim_heads, self.read_body = list(steps), keep, list(interim), read_body

    def after(self, gate):
        """The same reply, sent when the gate is open. The request was received before."""
        return Reply([gate, *self.steps], self.keep, self.interim_heads, self.read_body)

    def interim(self, status, fields=()):
        """A 1xx response before it."""
        return Reply(self.steps, self.keep, [*self.interim_heads, _head(status, fields)], self.read_body)

    def without_reading_body(self):
        """Answered as soon as the head is there, without 100 Continue; the connection ends after it."""
        return Reply(self.steps, False, self.interim_heads, False)


def _pairs(fields):
    return list(fields.items()) if isinstance(fields, dict) else list(fields)


def _head(status, fields):
    return (
        f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in _pairs(fields)) + "\r\n"
    ).encode("latin-1")


def reply(status="200 OK", fields=(), body=b"", length=None):
    """A response framed by Content-Length; length: claims another one. dicts and lists become JSON."""
    pairs = _pairs(fields)
    if isinstance(body, (dict, list)):
        body, pairs = json.dumps(body).encode(), [("Content-Type", "application/json"), *pairs]
    if isinstance(body, str):
        body = body.encode()
    if status[:3] not in ("204", "304"):
        pairs.append(("Content-Length", len(body) if length is None else length))
    return Reply([_head(status, pairs), ("body", body)])


def chunked(*pieces, status="200 OK", fields=(), trailers=()):
    """A chunked response; pieces are bytes, a chunk each, or gates."""
    steps = [_head(status, [*_pairs(fields), ("Transfer-Encoding", "chunked")])]
    for piece in pieces:
        steps.append(b"%x\r\n%s\r\n" % (len(piece), piece) if isinstance(piece, bytes) else piece)
    steps.append(
        b"0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in _pairs(trailers)).encode("latin-1") + b"\r\n"
    )
    return Reply(steps)


def until_close(*pieces, status="200 OK", fields=()):
    """A response whose end is the connection's end."""
    return Reply([_head(status, fields), *pieces, cut], keep=False)


def raw(*steps):
    """Exactly these bytes, gates and endings."""
    return Reply(steps)


class Request:
    """A request as it arrived: head and wire_body are its exact bytes, body is without framing."""

    def __init__(self, head, connection):
        self.head, self.connection, self.at = head, connection, time.monotonic()
        lines = head[:-4].decode("latin-1").split("\r\n")
        self.method, _, rest = lines[0].partition(" ")
        self.target, _, self.version = rest.rpartition(" ")
        self.fields = [tuple(part.strip(" \t") for part in line.split(":", 1)) for line in lines[1:] if ":" in line]
        self.body = self.wire_body = b""
        self.trailers = []
        self.complete = False  # the body ended as its framing says

    @property
    def path(self):
        return self.target.split("?", 1)[0]

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def field(self, name):
        values = self.all(name)
        return ", ".join(values) if values else None

    def is_at(self, place):
        method, _, target = place.rpartition(" ")
        return method in ("", self.method) and target in (self.target, self.path)

    def __repr__(self):
        return f"<{self.method} {self.target}>"


class _Peer:
    """The origin's end of one connection."""

    def __init__(self, connection_socket, number):
        self.socket, self.number, self._waiting = connection_socket, number, bytearray()

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the other side closed")
        self._waiting += data
        return data

    def take(self, count):
        while len(self._waiting) < count:
            self.receive()
        taken = bytes(self._waiting[:count])
        del self._waiting[:count]
        return taken

    def take_some(self, most):
        """What is there, at least a byte, at most so many."""
        if not self._waiting:
            self.receive()
        return self.take(min(most, len(self._waiting)))

    def take_until(self, mark):
        while mark not in self._waiting:
            self.receive()
        return self.take(self._waiting.index(mark) + len(mark))


class ScriptedOrigin:
    """Listens from its construction to stop(). What it was not told is answered with 404."""

    def __init__(self, default=None, host=HOST, port=0):
        self.host = host
        self._lock = threading.Lock()
        self._scripts = {}
        self._default = default or reply("404 Not Found", body=b"not scripted")
        self._requests = []
        self._open = set()
        self.connections_seen = 0
        self._listener = None
        self.port = port
        self.start()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def start(self):
        """Listens, at the same port as before where it was stopped."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.host, self.port))
        listener.listen(1024)
        self.port, self._listener = listener.getsockname()[1], listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self):
        """Refuses connections and resets those that exist."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.close_connections()

    def close_connections(self):
        """Ends all open connections, as an origin's keep-alive timeout ends idle ones."""
        with self._lock:
            peers = list(self._open)
        for peer in peers:
            try:
                peer.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def on(self, place, *replies):
        with self._lock:
            self._scripts[place] = [list(replies), 0]

    def requests(self, place=None):
        with self._lock:
            return [request for request in self._requests if place is None or request.is_at(place)]

    def count(self, place=None):
        return len(self.requests(place))

    def wait_for_requests(self, place, count=1):
        until(lambda: self.count(place) >= count, what=f"request {count} of {place} at the origin")
        return self.requests(place)

    def open_connections(self):
        with self._lock:
            return len(self._open)

    def _accept(self, listener):
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections_seen += 1
                peer = _Peer(accepted, self.connections_seen)
                self._open.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            while self._answer_one(peer):
                pass
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(peer)
            peer.socket.close()

    def _answer_one(self, peer):
        request = Request(peer.take_until(b"\r\n\r\n"), peer.number)
        with self._lock:
            self._requests.append(request)
            chosen = self._choose(request)
        if callable(chosen) and not isinstance(chosen, Reply):
            self._read_body(peer, request, True)
            chosen = chosen(request)
        else:
            self._read_body(peer, request, chosen.read_body)
        for head in chosen.interim_heads:
            peer.socket.sendall(head)
        for step in chosen.steps:
            if not self._take_step(peer, request, step):
                return False
        return chosen.keep and (request.field("connection") or "").lower() != "close" and request.version == "HTTP/1.1"

    def _choose(self, request):
        places = (
            f"{request.method} {request.target}",
            request.target,
            f"{request.method} {request.path}",
            request.path,
        )
        for place in places:
            if place in self._scripts:
                script = self._scripts[place]
                script[1] += 1
                return script[0][min(script[1], len(script[0])) - 1]
        return self._default

    def _take_step(self, peer, request, step):
        if isinstance(step, tuple):  # a plain body, which HEAD has not
            if request.method != "HEAD":
                peer.socket.sendall(step[1])
        elif isinstance(step, Gate):
            step.pass_through()
        elif step is cut:
            return False
        elif step is reset:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        elif step is hang:
            while True:
                peer.receive()
        elif callable(step):
            step(peer)
        else:
            peer.socket.sendall(step)
        return True

    def _read_body(self, peer, request, wanted):
        if not wanted:
            return
        if (request.field("expect") or "").lower() == "100-continue":
            peer.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in (request.field("transfer-encoding") or "").lower():
            self._read_chunks(peer, request)
        elif request.field("content-length"):
            left = int(request.field("content-length"))
            while left:
                data = peer.take_some(left)
                request.body += data
                request.wire_body += data
                left -= len(data)
        request.complete = True

    def _read_chunks(self, peer, request):
        def take(data):
            request.wire_body += data
            return data

        while True:
            size = int(take(peer.take_until(b"\r\n")).split(b";")[0], 16)
            if size == 0:
                break
            request.body += take(peer.take(size))
            take(peer.take(2))
        while True:
            line = take(peer.take_until(b"\r\n"))
            if line == b"\r\n":
                return
            name, _, value = line.decode("latin-1").partition(":")
            request.trailers.append((name, value.strip()))


def kept_open(origin, larder):
    """Something under way, so that the process drains until the gate is opened."""
    gate = Gate()
    origin.on("GET /slow", reply(body=b"slow").after(gate))
    answer = Later(larder.get, "/slow")
    gate.wait_for()
    return gate, answer
