"""A bare Debian in a folder, made by debootstrap, in which a package is installed, upgraded and removed. Needs root.

The downloaded packages and the unpacked tree are kept under build/chroot, so that only the first use takes minutes.
"""
import os
import shutil
import subprocess
import tempfile

from .larder import binary

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEPT = os.path.join(REPOSITORY, "build", "chroot")

# What the package depends on beside libraries.
TOOLS = {"systemd-standalone-sysusers", "init-system-helpers", "bash-completion"}


def needed():
    """What the package depends on; installed once, so that the tests need no network after that."""
    listed = subprocess.run(["ldd", binary()], capture_output=True, text=True, check=True).stdout
    paths = {os.path.realpath(word) for word in listed.split() if word.startswith("/")}
    owners = subprocess.run(["dpkg", "-S", *paths], capture_output=True, text=True).stdout.splitlines()
    return sorted(TOOLS | {owner.split(":")[0] for owner in owners})


def mirror():
    """Where this machine gets its packages from."""
    for folder, _, files in os.walk("/etc/apt"):
        for name in files:
            if name.endswith((".list", ".sources")):
                with open(os.path.join(folder, name)) as lines:
                    for line in lines:
                        words = line.split()
                        if words[:1] == ["URIs:"] or words[:1] == ["deb"]:
                            address = next((word for word in words if "://" in word), None)
                            if address and "security" not in address:
                                return address
    return "http://deb.debian.org/debian"


def kept_tree():
    """The bare system, made where it is not there yet."""
    tree = os.path.join(KEPT, "bookworm")
    complete = os.path.join(tree, ".complete")
    packages_in_it = ",".join(needed())
    if os.path.exists(complete):
        with open(complete) as file:
            if file.read() == packages_in_it:
                return tree
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(KEPT, exist_ok=True)
    packages = os.path.join(KEPT, "packages")
    os.makedirs(packages, exist_ok=True)
    command = [
        "debootstrap",
        "--variant=minbase",
        "--cache-dir=" + packages,
        "--include=" + packages_in_it,
        "bookworm",
        tree,
        mirror(),
    ]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout[-4000:] + made.stderr[-2000:]
    shutil.rmtree(os.path.join(tree, "var/cache/apt/archives"), ignore_errors=True)
    os.makedirs(os.path.join(tree, "var/cache/apt/archives/partial"))
    with open(complete, "w") as file:
        file.write(packages_in_it)
    return tree


# Stands for systemctl, as no systemd runs in the chroot: notes what it is asked, and says what the test wants.
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/var/log/systemctl
case "$*" in
    *is-enabled*) echo enabled ;;
    *is-active*) [ -e /run/larder-is-active ] ;;
    *) exit 0 ;;
esac
"""


class Chroot:
    """A copy of the bare system, gone with stop()."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="larder-chroot-")
        self.path = os.path.join(self._folder, "root")
        subprocess.run(["cp", "-a", "--reflink=auto", kept_tree(), self.path], check=True)
        self.write("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n", mode=0o755)

    def pretend_systemd(self):
        self.write("bin/systemctl", SYSTEMCTL, mode=0o755)
        os.makedirs(os.path.join(self.path, "run/systemd/system"), exist_ok=True)

    def asked_of_systemd(self):
        """What systemctl was asked since the last call."""
        if not self.exists("var/log/systemctl"):
            return []
        lines = self.read("var/log/systemctl").splitlines()
        os.remove(os.path.join(self.path, "var/log/systemctl"))
        return lines

    def run(self, command, check=True):
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        done = subprocess.run(
            ["chroot", self.path, "/bin/sh", "-c", command], capture_output=True, text=True, env=environment
        )
        if check:
            assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done

    def install(self, package):
        shutil.copy(package, os.path.join(self.path, "tmp/package.deb"))
        return self.run("dpkg --force-confdef --force-confold -i /tmp/package.deb")

    def exists(self, path):
        return os.path.lexists(os.path.join(self.path, path.lstrip("/")))

    def read(self, path):
        with open(os.path.join(self.path, path.lstrip("/"))) as file:
            return file.read()

    def write(self, path, text, mode=0o644):
        full = os.path.join(self.path, path.lstrip("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w") as file:
            file.write(text)
        os.chmod(full, mode)

    def stop(self):
        shutil.rmtree(self._folder, ignore_errors=True)
