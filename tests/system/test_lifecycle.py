"""Starting, reloading, draining, handing over."""
import os
import signal
import socket
import subprocess
import time

import pytest

from support import larder as larder_command
from support import raw_client
from support.configurations import ARTICLES
from support.larder import clean_environment
from support.load import Load
from support.ports import HOST, free_port
from support.process import Process
from support.raw_client import ConnectionEnded
from support.scripted_origin import Gate, reply
from support.versioned_api import VersionedApi
from support.waiting import Later, until

PLAIN = """
listen: <listen>
admin: <admin>
origin: <origin>
routes:
  - {match: "GET /articles/{id}", key: "articles:{id}", ttl: <ttl>}
"""


@pytest.fixture
def larder(origin, start_larder):
    VersionedApi(origin)
    return start_larder(PLAIN, origin=origin.url, ttl="300s")


def test_without_a_file_it_caches_what_the_origin_allows(origin, scene, tmp_path):
    origin.on("GET /open", reply(fields={"Cache-Control": "max-age=60"}, body=b"open"))
    origin.on("GET /closed", reply(body=b"closed"))
    port, admin_port = free_port(), free_port()
    command = [
        larder_command.binary(),
        "serve",
        "--origin",
        origin.url,
        "--listen",
        f"{HOST}:{port}",
        "--admin",
        f"{HOST}:{admin_port}",
    ]
    process = Process(command, tmp_path / "log", env=clean_environment(), folder=tmp_path)
    try:
        until(lambda: raw_client.get(admin_port, "/readyz").status == 200, what="readiness")
        assert [raw_client.get(port, "/open").x_cache for _ in range(2)] == ["MISS", "HIT"]
        assert [raw_client.get(port, "/closed").body for _ in range(2)] == [b"closed"] * 2
        assert origin.count("GET /closed") == 2
        process.signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()


def test_serve_is_the_default_command_and_options_go_before_the_file(origin, larder, scene, tmp_path):
    port = free_port()
    command = [larder_command.binary(), "-c", larder.config_file, "--listen", f"{HOST}:{port}", "--admin", "off"]
    process = Process(command, tmp_path / "log", env=clean_environment(), folder=tmp_path)
    try:
        until(lambda: raw_client.get(port, "/articles/42").status == 200, what="an answer")
        process.signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()


@pytest.mark.parametrize(
    "text, words",
    [
        ("listen: [\n", ["larder.yaml:"]),
        ("listn: 127.0.0.1:1\n", ["larder.yaml:1:1", "listn"]),
        ("listen: 127.0.0.1:1\nmemory: 12 parsecs\n", ["larder.yaml:2:9", "memory"]),
        ("listen: 127.0.0.1:1\norigin: ${LARDER_TEST_UNSET}\n", ["larder.yaml:2:", "LARDER_TEST_UNSET"]),
        ("admin: 0.0.0.0:1\norigin: http://127.0.0.1:1\n", ["admin", "token"]),
    ],
)
def test_a_bad_configuration_is_refused_with_its_place(tmp_path, text, words):
    config = tmp_path / "larder.yaml"
    config.write_text(text)
    done = larder_command.run("serve", "-c", str(config))
    assert done.returncode == 1
    for word in words:
        assert word in done.stderr + done.stdout


def test_a_second_larder_on_the_same_address_is_refused(larder, tmp_path):
    done = larder_command.run("serve", "-c", larder.config_file, "--admin", "off")
    assert done.returncode == 1
    assert str(larder.port) in done.stderr + done.stdout
    assert larder.get("/articles/42").status == 200


def test_a_reload_brings_the_new_routes_without_losing_a_request(scene, larder):
    load = scene(Load(larder.port, ["/articles/42", "/articles/7"]))
    load.wait_for(50)
    larder.write_config(PLAIN.replace("articles:{id}\"", "renewed:{id}\"").replace("<ttl>", "7s"))
    larder.reload()
    until(
        lambda: larder.admin("GET", "/explain?method=GET&url=/articles/42").body.find(b"renewed:42") >= 0,
        what="the new route",
    )
    load.wait_for(50)
    load.stop()
    assert load.failures() == []
    larder.metrics_once("larder_config_last_reload_successful", 1)


def test_a_bad_reload_is_refused_and_the_old_configuration_stays(larder):
    larder.get("/articles/42")
    larder.write_config("routs: []\n")
    larder.reload()
    until(lambda: larder.metrics().total("larder_config_last_reload_successful") == 0, what="the refusal")
    until(lambda: "routs" in larder.log(), what="the reason in the log")
    assert larder.get("/articles/42").x_cache == "HIT"
    larder.write_config(PLAIN)
    larder.reload()
    until(lambda: larder.metrics().total("larder_config_last_reload_successful") == 1, what="the good reload")


def test_sigterm_finishes_what_is_under_way_and_takes_nothing_new(origin, larder):
    gate = Gate()
    origin.on("GET /slow", reply(body=b"done").after(gate))
    busy = larder.connect()
    answer = Later(busy.get, "/slow")
    gate.wait_for(1)
    larder.process.signal(signal.SIGTERM)

    def refuses():
        try:
            socket.create_connection((HOST, larder.port), 1).close()
        except ConnectionRefusedError:
            return True

    until(refuses, what="the refusal of new connections")
    assert larder.process.is_running()
    gate.open()
    response = answer.finish()
    assert (response.status, response.body, response.field("connection")) == (200, b"done", "close")
    assert busy.is_closed_by_peer()
    larder.wait_for_end()


def test_sigterm_ends_idle_connections_too(larder):
    with larder.connect() as idle:
        idle.get("/articles/42")
        started = time.monotonic()
        larder.process.signal(signal.SIGTERM)
        larder.wait_for_end()
        assert time.monotonic() - started < 10
        assert idle.is_closed_by_peer()


def test_an_answer_that_never_comes_does_not_hold_up_the_end_for_ever(origin, start_larder):
    gate = Gate()
    origin.on("GET /never", reply(body=b"").after(gate))
    larder = start_larder(PLAIN + "limits: {drain_timeout: 1s}\n", origin=origin.url, ttl="1s")
    client = larder.connect()
    client.send(b"GET /never HTTP/1.1\r\nHost: api.test\r\n\r\n")
    gate.wait_for(1)
    started = time.monotonic()
    larder.process.signal(signal.SIGTERM)
    larder.wait_for_end()
    assert 0.9 < time.monotonic() - started < 8
    with pytest.raises((ConnectionEnded, ConnectionResetError)):
        client.read_response()
    gate.open()


def successors_of(pid):
    """Running processes that the process of this id started, whoever their parent is by now."""
    rows = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True).stdout.splitlines()
    found = [(int(row.split()[0]), int(row.split()[1]), row.split()[2]) for row in rows]
    return [own for own, group, state in found if group == pid and own != pid and not state.startswith("Z")]


def test_sigusr2_hands_over_to_a_new_process_without_refusing_anyone(scene, larder):
    old = larder.process
    load = scene(Load(larder.port, ["/articles/42", "/articles/7"], pause=0.0005))
    load.wait_for(50)
    old.signal(signal.SIGUSR2)
    successors = until(lambda: successors_of(old.pid), timeout=20, what="the successor")
    try:
        until(lambda: not old.is_running(), timeout=40, what="the end of the old process")
        load.wait_for(100)
        load.stop()
        assert load.failures() == []
        assert larder.get("/articles/42").status == 200
    finally:
        for successor in successors:
            os.kill(successor, signal.SIGTERM)
    until(lambda: not successors_of(old.pid), timeout=40, what="the end of the successor")
    larder.wait_for_end()


def listening_sockets(port):
    """The inodes of all sockets that listen on the port."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return {int(row[9]) for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"}


def sockets_of(pid):
    places = [f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd")]
    links = [os.readlink(place) for place in places if os.path.islink(place)]
    return {int(link[8:-1]) for link in links if link.startswith("socket:[")}


@pytest.mark.parametrize("before, after", [(1, 3), (3, 1)])
def test_a_new_process_with_another_number_of_threads_serves_with_all_of_them(
    origin, scene, start_larder, before, after
):
    VersionedApi(origin)
    text = PLAIN + "threads: <threads>\n"
    larder = start_larder(text, origin=origin.url, ttl="300s", threads=before)
    assert len(listening_sockets(larder.port)) == before
    larder.write_config(text.replace("<threads>", str(after)))
    old = larder.process
    load = scene(Load(larder.port, ["/articles/42", "/articles/7"], pause=0.0005))
    load.wait_for(50)
    old.signal(signal.SIGUSR2)
    successors = until(lambda: successors_of(old.pid), timeout=20, what="the successor")
    try:
        until(lambda: not old.is_running(), timeout=40, what="the end of the old process")
        load.wait_for(100)
        load.stop()
        assert load.failures() == []
        listening = listening_sockets(larder.port)
        assert len(listening) == max(before, after)
        assert listening <= sockets_of(successors[0]), "each socket has somebody who accepts"
        for _ in range(20):  # the kernel spreads them over all sockets
            assert larder.get("/articles/42").x_cache == "HIT"
    finally:
        for successor in successors:
            os.kill(successor, signal.SIGTERM)
    until(lambda: not successors_of(old.pid), timeout=40, what="the end of the successor")
    larder.wait_for_end()


def test_health_and_readiness_are_json(larder):
    for place in ("/healthz", "/readyz"):
        answer = larder.admin("GET", place)
        assert answer.status == 200 and answer.field("content-type").startswith("application/json") and answer.json()


def test_a_token_guards_all_but_health(origin, start_larder):
    larder = start_larder(
        PLAIN.replace("admin: <admin>", "admin: {address: <admin>, token: open-sesame}"), origin=origin.url, ttl="1s"
    )
    assert larder.admin("GET", "/healthz").status == larder.admin("GET", "/readyz").status == 200
    for method, place in (("GET", "/"), ("GET", "/metrics"), ("GET", "/stats"), ("GET", "/config"), ("POST", "/purge")):
        assert larder.admin(method, place).status == 401
        assert larder.admin(method, place, {"Authorization": "Bearer open-sesam"}).status == 401
    assert larder.admin("GET", "/metrics", {"Authorization": "Bearer open-sesame"}).status == 200


def test_an_admin_beyond_loopback_needs_a_token():
    done = larder_command.run(
        "serve",
        "--listen",
        f"{HOST}:{free_port()}",
        "--admin",
        f"0.0.0.0:{free_port()}",
        "--origin",
        "http://127.0.0.1:1",
    )
    assert done.returncode == 1
    assert "token" in done.stderr + done.stdout


def test_the_effective_configuration_hides_secrets(origin, start_redis, start_larder):
    redis = start_redis(password="hunter2")
    text = ARTICLES.replace("admin: <admin>", "admin: {address: <admin>, token: open-sesame}").replace(
        "<memory>", "1MB"
    )
    larder = start_larder(text, origin=origin.url, redis=redis.url)
    shown = larder.admin("GET", "/config", {"Authorization": "Bearer open-sesame"}).body
    assert b"articles:list" in shown
    assert b"hunter2" not in shown and b"open-sesame" not in shown
    assert "hunter2" not in larder.log() and "open-sesame" not in larder.log()
