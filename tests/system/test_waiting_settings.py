"""Settings that a reload cannot change: larder names them and a command, and the command does it, while clients go on."""
import os
import re
import signal
import subprocess

import pytest

from support.load import Load
from support.ports import free_port
from support.versioned_api import VersionedApi
from support.waiting import until

BEGINNING = "listen: <listen>\nadmin: <admin>\norigin: <origin>\n"
ROUTES = 'routes: [{match: "GET /articles/{id}", key: "articles:{id}", ttl: 300}]\n'


def follow_the_log(larder, admin_port):
    """Runs the command that the log names, as somebody would who copies it. No client may notice."""
    [command] = re.findall(r"kill -USR2 \d+", larder.log())
    load = Load(larder.port, ["/articles/42"])
    serving = larder.log().count(" serves with ")
    subprocess.run(command, shell=True, check=True)
    until(lambda: larder.log().count(" serves with ") > serving, timeout=20, what="the new process")
    larder.admin_port = admin_port
    until(lambda: larder.admin("GET", "/readyz").status == 200, what="its admin address")
    larder.successor = larder.successors()[0]
    load.stop()
    assert load.samples and load.failures() == []


def reload(larder, key, text):
    larder.write_config(text)
    answer = larder.admin("POST", "/reload")
    assert answer.status == 200 and answer.json()["needs_restart"] == [key]
    until(lambda: f"changes of {key} take effect at the next start" in larder.log(), what="the line of the log")


@pytest.mark.parametrize(
    "key, before, after, shown",
    [
        ("threads", "threads: 1", "threads: 2", 2),
        ("state", "state: <state>/one", "state: <state>/two", "<state>/two"),
        ("memory", "redis: <redis>\nmemory: off", "redis: <redis>\nmemory: 32MB", "32MB"),
        ("memory", "redis: <redis>\nmemory: 32MB", "redis: <redis>\nmemory: off", "off"),
        ("redis", "redis: <redis>", "redis: off", "off"),
        ("redis", "redis: off", "redis: <redis>", {"url": "<redis>"}),
        ("redis", "redis: <redis>", 'redis: {url: "<redis>", prefix: "app:"}', {"prefix": "app:"}),
        ("redis", "redis: <redis>", 'redis: {url: "<redis>", purge_stream: "purges"}', {"purge_stream": "purges"}),
    ],
)
def test_the_command_in_the_log_puts_it_in_force(origin, redis, start_larder, tmp_path, key, before, after, shown):
    VersionedApi(origin)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    values = {"origin": origin.url, "redis": redis.url, "state": str(tmp_path)}
    larder = start_larder(f"{BEGINNING}{before}\n{ROUTES}", **values)
    reload(larder, key, f"{BEGINNING}{after}\n{ROUTES}")
    follow_the_log(larder, larder.admin_port)
    found = larder.admin("GET", "/config").json()[key]
    if isinstance(shown, dict):
        found = {name: found[name] for name in shown}
        shown = {name: value.replace("<redis>", redis.url) for name, value in shown.items()}
    elif isinstance(shown, str):
        shown = shown.replace("<state>", str(tmp_path))
    assert found == shown


def test_the_admin_address_moves_with_the_new_process(origin, start_larder):
    VersionedApi(origin)
    text = f"{BEGINNING}redis: off\n{ROUTES}"
    larder = start_larder(text, origin=origin.url)
    new = free_port()
    reload(larder, "admin", text.replace("<admin>", f"127.0.0.1:{new}"))
    follow_the_log(larder, new)
    assert larder.admin("GET", "/config").json()["admin"]["address"] == f"127.0.0.1:{new}"


@pytest.mark.skipif(os.geteuid() != 0, reason="a namespace of processes needs root")
def test_the_first_process_of_a_container_says_to_restart_the_container(origin, start_larder):
    """A hand-over would end the process with which the container ends."""
    VersionedApi(origin)
    text = f"threads: 1\n{BEGINNING}redis: off\n{ROUTES}"
    larder = start_larder(text, origin=origin.url, within=["unshare", "--pid", "--fork", "--kill-child"])
    [first] = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(larder.process.pid)], capture_output=True, text=True
    ).stdout.split()
    try:
        reload(larder, "threads", text.replace("threads: 1", "threads: 2"))
        assert "restart the container" in larder.log() and "kill -USR2" not in larder.log()
        os.kill(int(first), signal.SIGUSR2)
        until(lambda: "process 1 cannot hand over" in larder.log(), what="the refusal")
        assert larder.get("/articles/42").status == 200 and "handing over" not in larder.log()
    finally:
        os.kill(int(first), signal.SIGTERM)
    larder.wait_for_end()
