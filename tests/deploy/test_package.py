"""The Debian package: what lintian says of it, and its life in a bare Debian 12: install, upgrade, remove, purge."""
import os
import re
import shutil
import subprocess

import pytest

from support.chroot import Chroot
from support.larder import REPOSITORY, binary

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root"),
    pytest.mark.skipif(not os.environ.get("LARDER_CHROOT"), reason="takes minutes: scripts/test --long"),
]

VALID = "listen: 127.0.0.1:8080\norigin: http://127.0.0.1:8000\nredis: off\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Two versions, the older one first. lintian has found no fault with the first; the second differs by its number."""
    folder = tmp_path_factory.mktemp("packages")
    environment = {**os.environ, "LARDER_BUILD": os.path.dirname(binary())}
    made = subprocess.run(
        ["scripts/package", "--check"], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stdout + made.stderr
    older, newer, tree = folder / "older.deb", folder / "newer.deb", folder / "tree"
    shutil.copy(os.path.join(REPOSITORY, made.stdout.split()[-1]), older)
    subprocess.run(["dpkg-deb", "-R", older, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1+2", control.read_text(), flags=re.M))
    subprocess.run(["dpkg-deb", "-b", "--root-owner-group", "-Znone", tree, newer], check=True, capture_output=True)
    return older, newer


@pytest.fixture
def debian(scene):
    return scene(Chroot())


def status_of(debian):
    return debian.run("dpkg-query -W -f '${db:Status-Abbrev} ${Version}' larder", check=False).stdout


def test_an_installed_package_runs_and_is_documented(packages, debian):
    debian.install(packages[0])
    assert debian.run("larder --version").stdout.startswith("larder ")
    assert "larder" in debian.run("getent passwd larder").stdout
    assert "0 errors" in debian.run("larder check -c /etc/larder/larder.yaml && echo 0 errors").stdout
    for path in (
        "/lib/systemd/system/larder.service",
        "/usr/share/doc/larder/README.md",
        "/usr/share/doc/larder/guide/how-to/failures.md",
        "/usr/share/doc/larder/guide/reference/configuration.md",
        "/usr/share/doc/larder/examples/prometheus/larder.rules.yml",
        "/usr/share/doc/larder/examples/larder.schema.json",
        "/usr/share/bash-completion/completions/larder",
        "/usr/share/zsh/vendor-completions/_larder",
        "/usr/share/fish/vendor_completions.d/larder.fish",
        "/usr/share/man/man8/larder.8.gz",
        "/usr/share/man/man5/larder.yaml.5.gz",
    ):
        assert debian.exists(path), path
    assert debian.exists("/etc/systemd/system/multi-user.target.wants/larder.service")


def test_an_upgrade_keeps_what_the_operator_changed(packages, debian):
    debian.install(packages[0])
    debian.write("/etc/larder/larder.yaml", VALID)
    debian.install(packages[1])
    assert status_of(debian).endswith("+2") and status_of(debian).startswith("ii")
    assert debian.read("/etc/larder/larder.yaml") == VALID


def test_removal_leaves_the_configuration_and_purging_takes_all(packages, debian):
    debian.install(packages[0])
    debian.write("/var/lib/larder/owed", "")
    debian.run("dpkg -r larder")
    assert not debian.exists("/usr/bin/larder") and debian.exists("/etc/larder/larder.yaml")
    assert debian.exists("/var/lib/larder/owed")
    debian.run("dpkg -P larder")
    left = debian.run("find / -xdev -path /proc -prune -o -name '*larder*' -print | grep -v '^/tmp'", check=False)
    assert left.stdout == ""


def test_with_systemd_it_is_started_handed_over_and_stopped(packages, debian):
    debian.pretend_systemd()
    debian.install(packages[0])
    assert any(re.search(r"\bstart larder", line) for line in debian.asked_of_systemd())
    debian.write("/run/larder-is-active", "")
    debian.install(packages[1])
    asked = debian.asked_of_systemd()
    assert any("kill --signal=USR2" in line for line in asked)
    assert not any(re.search(r"\b(stop|restart) larder", line) for line in asked)
    debian.run("dpkg -r larder")
    assert any(re.search(r"\bstop larder", line) for line in debian.asked_of_systemd())


def test_a_bad_configuration_leaves_the_running_process_alone_and_the_upgrade_whole(packages, debian):
    debian.pretend_systemd()
    debian.install(packages[0])
    debian.write("/run/larder-is-active", "")
    debian.write("/etc/larder/larder.yaml", VALID + "surprise: 1\n")
    debian.asked_of_systemd()
    upgraded = debian.install(packages[1])
    assert status_of(debian).startswith("ii") and status_of(debian).endswith("+2")
    assert "larder.yaml:4" in upgraded.stderr and "systemctl restart larder" in upgraded.stderr
    assert not any(re.search(r"\b(start|stop|restart|kill)\b", line) for line in debian.asked_of_systemd())


def test_variables_of_the_unit_count_when_the_configuration_is_checked(packages, debian):
    debian.pretend_systemd()
    debian.write("/etc/larder/larder.yaml", VALID.replace("http://127.0.0.1:8000", "${SECRET_PLACE}"))
    debian.write("/etc/default/larder", "SECRET_PLACE=http://127.0.0.1:9\n")
    debian.install(packages[0])
    assert any(re.search(r"\bstart larder", line) for line in debian.asked_of_systemd())
