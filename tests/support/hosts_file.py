"""Names that a test gives addresses to, for one process: it runs in a mount namespace with an /etc/hosts of its own."""
import os
import shutil
import subprocess
import tempfile

MOUNT = 'mount --bind "$0/hosts" /etc/hosts && mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"'


def is_possible():
    """Whether this user may make mount namespaces."""
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


class HostsFile:
    """within: the command that starts a process with these names, and with that name server for all others."""

    def __init__(self, name_server="127.0.0.1"):
        self._folder = tempfile.mkdtemp(prefix="larder-hosts-")
        self._names = {}
        with open(os.path.join(self._folder, "resolv.conf"), "w") as out:
            out.write(f"nameserver {name_server}\n")
        self.set()
        self.within = ["unshare", "-m", "--propagation", "private", "sh", "-c", MOUNT, self._folder]

    def set(self, **names):
        """set(api=["127.0.0.2"]) gives api.test these addresses. Writes in place, because the file is mounted."""
        self._names.update(names)
        lines = ["127.0.0.1 localhost"]
        for name, addresses in self._names.items():
            lines += [f"{address} {name}.test" for address in addresses]
        with open(os.path.join(self._folder, "hosts"), "w") as out:
            out.write("\n".join(lines) + "\n")

    def stop(self):
        shutil.rmtree(self._folder, ignore_errors=True)
