"""Free loopback ports."""
import random
import socket
import threading

HOST = "127.0.0.1"
_lock = threading.Lock()
_given = set()


def _first_outgoing_port():
    with open("/proc/sys/net/ipv4/ip_local_port_range") as range_file:
        return int(range_file.read().split()[0])


def free_port():
    """A port nobody listens on, each given once.

    Below the range from which the system picks the ports of outgoing connections: a port that bind(0) found free may be
    the near end of somebody's connection a moment later.
    """
    highest = max(12000, _first_outgoing_port()) - 1
    with _lock:
        for _ in range(1000):
            port = random.SystemRandom().randint(10240, highest)
            if port in _given:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind((HOST, port))
                except OSError:
                    continue
            _given.add(port)
            return port
    raise RuntimeError("no free port found")
