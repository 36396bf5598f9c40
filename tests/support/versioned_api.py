"""An articles API whose answers tell their version, on a scripted origin."""
import threading

from .scripted_origin import reply


class VersionedApi:
    """Every write raises the version; every read of anything says which version it shows.

    before_read: called between the making of a representation and its sending, so that a slow answer is an old one.
    more: further places.
    """

    def __init__(self, origin, read_fields=(), write_status="200 OK", before_read=None, more=()):
        self._lock = threading.Lock()
        self.version = 0
        self.read_fields, self.write_status, self.before_read = read_fields, write_status, before_read
        for place in ("/articles", "/articles/42", "/articles/7", "/users/7", "/tags", *more):
            origin.on("GET " + place, self._read)
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                origin.on(f"{method} {place}", self._write)

    def _read(self, request):
        made = reply(fields=self.read_fields, body={"target": request.target, "version": self.version})
        if self.before_read:
            self.before_read(request)
        return made

    def _write(self, request):
        with self._lock:
            if not self.write_status.startswith("4"):
                self.version += 1
            return reply(
                self.write_status, body=b"" if self.write_status.startswith("204") else {"version": self.version}
            )
