"""A TCP proxy that a test makes hold, delay, cut, or spoil what passes: a network between larder and its Redis."""
import socket
import threading
import time

from .ports import HOST


class FaultProxy:
    """Forwards to a port until told otherwise. Every setting holds for all connections from now on.

    delay: seconds each piece of a reply waits. hold(): nothing passes, connections stay open and new ones are accepted.
    forget(): what is open now stays open and dead for ever, new connections work (a peer behind a restarted firewall).
    rate: bytes a second that all connections together may carry, in both directions; they share one line.
    spoil: a function of the bytes of a reply that returns what is sent in their place.
    carried_by_ended: for each connection that has ended, how many bytes of its client it has carried.
    refusing: new connections are closed at once; those from the addresses in refused_hosts always. target_port may be
    changed: it is where new connections lead.
    """

    def __init__(self, target_port, delay=0.0, rate=None):
        self.target_port, self.delay, self.spoil, self.rate = target_port, delay, None, rate
        self._line_free_at = 0.0
        self.refusing = False
        self.refused_hosts = set()
        self._passing = threading.Event()
        self._passing.set()
        self._lock = threading.Lock()
        self._pairs = set()
        self.most_connections = self.connections_seen = 0
        self.carried_by_ended = []
        self._listener = socket.create_server((HOST, 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"redis://{HOST}:{self.port}/0"

    def hold(self):
        self._passing.clear()

    def release(self):
        self._passing.set()

    def forget(self):
        with self._lock:
            for pair in self._pairs:
                pair["dead"] = True

    def cut(self):
        """Closes everything that is open."""
        with self._lock:
            pairs = list(self._pairs_open())
        self._end(pairs)

    def cut_one(self, choose):
        """Closes the one of the open connections that choose(list) returns."""
        with self._lock:
            pairs = list(self._pairs_open())
        if pairs:
            self._end([choose(pairs)])

    @staticmethod
    def _end(pairs):
        for pair in pairs:
            for end in ("client", "server"):
                try:
                    pair[end].shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def open_connections(self):
        with self._lock:
            return len(self._pairs_open())

    def stop(self):
        self._listener.close()
        self.release()
        self.cut()

    def _pairs_open(self):
        return [pair for pair in self._pairs if pair["open"] and not pair["dead"]]

    def _accept(self):
        while True:
            try:
                client, (host, _) = self._listener.accept()
            except OSError:
                return
            if self.refusing or host in self.refused_hosts:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection((HOST, self.target_port), 5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        pair = _Pair(client=client, server=server, open=True, dead=False)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.rate:  # else the kernel holds what the line has not carried yet
                end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        with self._lock:
            self._pairs.add(pair)
            self.connections_seen += 1
            self.most_connections = max(self.most_connections, len(self._pairs_open()))
        threading.Thread(target=self._pump, args=(pair, server, client, True), daemon=True).start()
        self._pump(pair, client, server, False)

    def _take_turn(self, size):
        """Waits until the shared line has carried that many bytes. Connections take turns, a small piece each."""
        with self._lock:
            begin = max(time.monotonic(), self._line_free_at)
            self._line_free_at = begin + size / self.rate
            wait = self._line_free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)

    def _pump(self, pair, source, sink, is_reply):
        carried = 0
        try:
            while True:
                data = source.recv(16384 if self.rate else 65536)
                if not data:
                    break
                self._passing.wait()
                if self.rate:
                    self._take_turn(len(data))
                if pair["dead"]:
                    continue
                if is_reply and self.delay:
                    time.sleep(self.delay)
                spoil = self.spoil
                if is_reply and spoil:
                    data = spoil(data)
                sink.sendall(data)
                carried += len(data)
        except OSError:
            pass
        finally:
            if not is_reply:
                self.carried_by_ended.append(carried)
            if not pair["dead"]:
                with self._lock:
                    pair["open"] = False
                for end in (source, sink):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass


class _Pair(dict):
    __hash__ = object.__hash__
