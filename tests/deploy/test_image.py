"""The container image's last stage, built for real, and run as it would be: by number, with a read-only root."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from support.larder import REPOSITORY, binary
from support.ports import free_port
from support.process import Process
from support.waiting import until

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root"),
    pytest.mark.skipif(not shutil.which("buildah"), reason="buildah is not installed"),
]
MEGABYTE = 1024 * 1024


class Buildah:
    """buildah with a storage of its own, which needs no overlay file system and no container engine."""

    def __init__(self, folder):
        self.folder = folder
        self.options = ["--storage-driver=vfs", f"--root={folder}/storage", f"--runroot={folder}/run"]

    def __call__(self, *words):
        done = subprocess.run(["buildah", *self.options, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


def last_stage():
    """Of the Dockerfile, with the root beside it in place of the stage that compiles."""
    with open(os.path.join(REPOSITORY, "Dockerfile")) as file:
        text = file.read()
    stage = text[text.rindex("\nFROM ") :]
    assert "COPY --from=build /image /" in stage
    return stage.replace("COPY --from=build /image /", "COPY image /")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """(settings, root) of the built image."""
    folder = str(tmp_path_factory.mktemp("image"))
    subprocess.run(["scripts/lib/image_root.sh", binary(), f"{folder}/context/image"], cwd=REPOSITORY, check=True)
    with open(f"{folder}/context/Dockerfile", "w") as file:
        file.write(last_stage())
    buildah = Buildah(folder)
    buildah("build", "--isolation=chroot", "--format=docker", "-t", "larder", f"{folder}/context")
    container = buildah("from", "larder")
    settings = json.loads(buildah("inspect", "--type=image", "larder"))["Docker"]["config"]
    yield settings, buildah("mount", container)
    buildah("umount", container)
    buildah("rm", container)
    shutil.rmtree(folder, ignore_errors=True)


def healthcheck():
    with open(os.path.join(REPOSITORY, "Dockerfile")) as file:
        command = re.search(r"HEALTHCHECK.*?CMD (\[.*?\])", file.read(), re.S)[1]
    return re.findall(r'"([^"]*)"', command)


def inside(root, *command):
    """A command in the image's root, which is read-only, as the image's user, whose number has no capability."""
    mounted = f"mount --bind -o ro {root} {root} && mount -o remount,bind,ro {root} && mount -t tmpfs tmpfs {root}/tmp"
    words = " ".join(f"'{word}'" for word in command)
    return [
        "unshare",
        "--mount",
        "sh",
        "-c",
        f"{mounted} && exec chroot --userspec=10001:10001 --groups= {root} {words}",
    ]


def test_it_is_small_and_holds_no_shell(image):
    _, root = image
    size = int(subprocess.run(["du", "-sb", root], capture_output=True, text=True).stdout.split()[0])
    assert size < 60 * MEGABYTE, size
    programs = {name for folder in ("bin", "usr/bin", "usr/sbin") for name in listing(os.path.join(root, folder))}
    assert programs == {"larder"}


def listing(folder):
    return os.listdir(folder) if os.path.isdir(folder) else []


def test_it_runs_by_number_and_stops_by_sigterm(image):
    settings, _ = image
    assert (settings["User"], settings["StopSignal"]) == ("10001:10001", "SIGTERM")
    assert settings["Healthcheck"]["Test"] == ["CMD", *healthcheck()]


def test_it_serves_from_a_read_only_root_and_is_healthy_with_a_token(image, origin, tmp_path):
    _, root = image
    port, admin = free_port(), free_port()
    config = f"listen: 127.0.0.1:{port}\nadmin: {{address: '127.0.0.1:{admin}', token: secret}}\norigin: {origin.url}\n"
    path = os.path.join(root, "tmp-larder.yaml")
    with open(path, "w") as file:
        file.write(config)
    os.chmod(path, 0o644)
    process = Process(inside(root, "/usr/bin/larder", "serve", "-c", "/tmp-larder.yaml"), str(tmp_path / "log"))
    try:
        check = [*healthcheck(), "--admin", f"http://127.0.0.1:{admin}"]

        def is_healthy():
            return subprocess.run(inside(root, *check), capture_output=True).returncode == 0

        until(is_healthy, timeout=20, what="the health check")
        with open(f"/proc/{process.pid}/status") as status:
            assert re.search(r"^Uid:\s+10001\s+10001", status.read(), re.M)
        process.signal(signal.SIGTERM)
        assert process.wait(45) == 0, process.log()
        assert not is_healthy()
    finally:
        process.kill()
        os.remove(path)
