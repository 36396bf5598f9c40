"""The socket on which a service manager hears of its services, as systemd gives it to them."""
import os
import shutil
import socket
import tempfile
import time


class NotifySocket:
    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="larder-notify-")
        self.path = os.path.join(self._folder, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(self.path)

    def next(self, timeout=20.0):
        """(lines, process id of the sender) of the next message."""
        self._socket.settimeout(timeout)
        data, ancillary, _, _ = self._socket.recvmsg(4096, 256)
        credentials = next(one[2] for one in ancillary if one[1] == socket.SCM_CREDENTIALS)
        return data.decode(), int.from_bytes(credentials[:4], "little")

    def wait_for(self, wanted, timeout=20.0):
        """The sender of the first message that is so, whatever came before."""
        deadline = time.monotonic() + timeout
        seen = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                lines, sender = self.next(left)
            except TimeoutError:
                break
            if lines == wanted:
                return sender
            seen.append(lines)
        raise AssertionError(f"no {wanted!r}, but {seen}")

    def drain(self):
        """Forgets what has come."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(4096)
        except BlockingIOError:
            pass

    def stop(self):
        self._socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)
