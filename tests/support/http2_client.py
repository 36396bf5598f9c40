"""A client of HTTP/2 that sends exactly the frames it is given, and notes what comes on each stream."""
import socket
import ssl
import time

from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from .ports import HOST

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
ENHANCE_YOUR_CALM, PROTOCOL_ERROR, NO_ERROR, REFUSED_STREAM = 0xB, 0x1, 0x0, 0x7


class Ended(ConnectionError):
    """The connection ended before what the test waited for."""


class Stream:
    """What came on one stream."""

    def __init__(self):
        self.fields, self.interim, self.trailers = [], [], []
        self.body = b""
        self.ended = False  # by END_STREAM
        self.reset = None  # the code of RST_STREAM
        self.frames = 0  # of DATA

    @property
    def status(self):
        return int(self.field(":status") or 0)

    def all(self, name):
        return [value for field, value in self.fields if field == name.lower()]

    def field(self, name):
        values = self.all(name)
        return ", ".join(values) if values else None

    @property
    def x_cache(self):
        return self.field("x-cache")

    @property
    def cache_status(self):
        return self.field("cache-status")

    @property
    def is_over(self):
        return self.ended or self.reset is not None

    def __repr__(self):
        return f"<{self.status} {self.x_cache} [{self.cache_status}] reset={self.reset} {len(self.body)} bytes {self.body[:40]!r}>"


class Connection:
    """window: of each stream; gives: whether bytes that came are given back to the windows; acknowledges: whether
    SETTINGS and PING are answered; receive_buffer: of the socket, small for one that is to fill up."""

    def __init__(
        self,
        port,
        preface=True,
        window=1_000_000,
        gives=True,
        acknowledges=True,
        tls=None,
        timeout=10.0,
        host=HOST,
        receive_buffer=None,
    ):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="larder.test")
        self._timeout = timeout
        self._encoder, self._decoder = Encoder(), Decoder()
        self._waiting = bytearray()
        self._block, self._block_frame = b"", None
        self.gives = gives
        self.acknowledges = acknowledges
        self.streams = {}
        self.order = []  # of the DATA frames: stream ids
        self.settings = {}
        self.go_away = None  # (last stream, code) of the last GOAWAY
        self.go_aways = []
        self.pings = 0
        self.window_updates = []  # (stream, increment)
        self.ended = False
        self._next_id = 1
        if preface:
            self.send_raw(PREFACE)
            self.send(SettingsFrame(settings={SettingsFrame.INITIAL_WINDOW_SIZE: window}))
            if gives:
                self.give(0, 100_000_000)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # ---- what is sent

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, *frames):
        self.send_raw(b"".join(frame.serialize() for frame in frames))

    def fields_of(self, method, path, fields=(), authority="api.test", scheme="http"):
        pairs = [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)]
        return pairs + (list(fields.items()) if isinstance(fields, dict) else list(fields))

    def headers(self, stream_id, pairs, end=True):
        """A HEADERS frame of exactly these fields."""
        frame = HeadersFrame(stream_id, self._encoder.encode(pairs))
        frame.flags.add("END_HEADERS")
        if end:
            frame.flags.add("END_STREAM")
        return frame

    def new_stream(self):
        stream_id, self._next_id = self._next_id, self._next_id + 2
        self.streams[stream_id] = Stream()
        return stream_id

    def start(self, method, path, fields=(), body=None, end=True, **named):
        """Sends a request; its stream's id. end=False: the body may go on with data()."""
        return self.start_with(self.fields_of(method, path, fields, **named), body, end)

    def start_with(self, pairs, body=None, end=True):
        stream_id = self.new_stream()
        self.send(self.headers(stream_id, pairs, end and body is None))
        if body is not None:
            self.data(stream_id, body, end)
        return stream_id

    def start_with_continuation(self, pairs):
        """The same for a head that may need several frames."""
        stream_id = self.new_stream()
        self.send(*self.head_frames(stream_id, self._encoder.encode(pairs)))
        return stream_id

    @staticmethod
    def head_frames(stream_id, block, size=16384):
        pieces = [block[at : at + size] for at in range(0, len(block), size)] or [b""]
        frames = [HeadersFrame(stream_id, pieces[0])] + [ContinuationFrame(stream_id, piece) for piece in pieces[1:]]
        frames[0].flags.add("END_STREAM")
        frames[-1].flags.add("END_HEADERS")
        return frames

    def data(self, stream_id, body=b"", end=False):
        pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)] or [b""]
        for piece in pieces:
            frame = DataFrame(stream_id, piece)
            if end and piece is pieces[-1]:
                frame.flags.add("END_STREAM")
            self.send(frame)

    def trailers(self, stream_id, pairs):
        self.send(self.headers(stream_id, pairs))

    def reset(self, stream_id, code=8):
        self.send(RstStreamFrame(stream_id, code))

    def give(self, stream_id, size):
        """Opens a stream's window, or with 0 the connection's."""
        self.send(WindowUpdateFrame(stream_id, window_increment=size))

    def acknowledge_settings(self):
        frame = SettingsFrame()
        frame.flags.add("ACK")
        self._send_if_open(frame)

    def ping(self):
        self.send(PingFrame(0, b"12345678"))

    # ---- what comes

    def response(self, stream_id, timeout=None):
        """Waits for the end of a stream."""
        self.read_until(lambda: self.streams[stream_id].is_over, timeout)
        return self.streams[stream_id]

    def request(self, method, path, fields=(), body=None, **named):
        return self.response(self.start(method, path, fields, body, **named))

    def get(self, path, fields=(), **named):
        return self.request("GET", path, fields, **named)

    def wait_for_end(self, timeout=None):
        """Reads until the connection ends."""
        try:
            self.read_until(lambda: False, timeout)
        except Ended:
            pass
        return self.go_away

    def read_until(self, done, timeout=None):
        give_up = time.monotonic() + (timeout or self._timeout)
        while not done():
            left = give_up - time.monotonic()
            assert left > 0, f"not in time; streams {self.streams}, go_away {self.go_away}"
            self._receive(left)
            if self.ended and not done():
                raise Ended(f"the connection ended; streams {self.streams}, go_away {self.go_away}")

    def read_what_comes(self, seconds):
        """Reads what is there, and waits so long for the first of it."""
        self._receive(seconds)

    def _receive(self, seconds):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(65536)
        except (socket.timeout, ssl.SSLWantReadError):
            return
        except OSError:
            data = b""
        self.socket.settimeout(self._timeout)
        self.ended = self.ended or not data
        self._waiting += data
        self._take_frames()

    def _take_frames(self):
        while len(self._waiting) >= 9:
            size = int.from_bytes(self._waiting[:3], "big")
            if len(self._waiting) < 9 + size:
                return
            frame, _ = Frame.parse_frame_header(memoryview(self._waiting)[:9])
            frame.parse_body(memoryview(bytes(self._waiting[9 : 9 + size])))
            del self._waiting[: 9 + size]
            self._take(frame)

    def _take(self, frame):
        stream = self.streams.get(frame.stream_id)
        if isinstance(frame, (HeadersFrame, ContinuationFrame)):
            if isinstance(frame, HeadersFrame):
                self._block, self._block_frame = b"", frame
            self._block += frame.data
            if "END_HEADERS" in frame.flags:
                self._take_fields(stream, self._decoder.decode(self._block), "END_STREAM" in self._block_frame.flags)
        elif isinstance(frame, DataFrame):
            stream.body += frame.data
            stream.frames += 1
            stream.ended = "END_STREAM" in frame.flags
            self.order.append(frame.stream_id)
            if self.gives and frame.flow_controlled_length:
                self.give(0, frame.flow_controlled_length)
                if not stream.ended:
                    self.give(frame.stream_id, frame.flow_controlled_length)
        elif isinstance(frame, RstStreamFrame):
            stream.reset = frame.error_code
        elif isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            self.settings.update(frame.settings)
            if self.acknowledges:
                self.acknowledge_settings()
        elif isinstance(frame, PingFrame):
            if "ACK" in frame.flags:
                self.pings += 1
            elif self.acknowledges:
                answer = PingFrame(0, frame.opaque_data)
                answer.flags.add("ACK")
                self._send_if_open(answer)
        elif isinstance(frame, GoAwayFrame):
            self.go_away = (frame.last_stream_id, frame.error_code)
            self.go_aways.append(self.go_away)
        elif isinstance(frame, WindowUpdateFrame):
            self.window_updates.append((frame.stream_id, frame.window_increment))

    def _send_if_open(self, frame):
        try:
            self.send(frame)
        except OSError:
            pass

    def _take_fields(self, stream, fields, ends):
        fields = [(str(name), str(value)) for name, value in fields]
        for name, _ in fields:
            assert name == name.lower(), f"a field's name is not in lower case: {name}"
        if not stream.fields and fields[0][1].startswith("1"):
            stream.interim.append(fields)
        elif not stream.fields:
            stream.fields = fields
        else:
            stream.trailers = fields
        stream.ended = stream.ended or ends
