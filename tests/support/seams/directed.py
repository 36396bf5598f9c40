"""Clients that bring about one meeting of a fetch and a purge, which chance alone would seldom
bring about.
"""
import threading
import time

from .catalog import HOSTS, LANGUAGES
from .clients import TIMEOUT, Client
from .people import Spot, look, look_at_once, write


def validating_writer(client):
    """Lets an entry expire, has every instance ask whether it still holds, and purges it while they
    wait for the answer.
    """
    scene, dice = client.scene, client.dice
    instances = [instance for instance in scene.instances if instance.available]
    if not instances:
        return
    subject = f"own{client.number}"  # nobody else purges it
    spot = Spot("dated", subject, "a.test", "en")
    for instance in instances:
        look(client, instance, spot)
    time.sleep(1.05)
    helpers = []
    for number, instance in enumerate(instances * 2):
        helper = Client(scene, 3000 + client.number * 100 + number)
        helper._count = client._count * 16
        thread = threading.Thread(target=_look_and_leave, args=(helper, instance, spot, number * 0.01), daemon=True)
        thread.start()
        helpers.append((helper, thread))
    time.sleep(dice.uniform(0.03, 0.25))
    write(client, dice.choice(instances), subject)
    look_at_once(client, spot)
    for helper, thread in helpers:
        thread.join(TIMEOUT + 5)
        client.reads += helper.reads
    look_at_once(client, spot)


def _look_and_leave(client, instance, spot, pause):
    time.sleep(pause)
    look(client, instance, spot)
    client._drop(instance)


def divided_writer(client):
    """While an instance has lost one of its connections: a write through a worker that has its own,
    everything fetched
    anew through it, and a second write, through a worker that cannot reach Redis, while that is on
    its way into the cache.
    """
    instance = client.scene.divided
    if instance is not None:
        _write_between(client, instance)
        client.scene.divided = None


def _write_between(client, instance):
    scene, dice = client.scene, client.dice
    sound, cut_off = _workers(client, instance)
    if not sound or not cut_off:
        return
    subject = dice.choice(scene.plan.subjects)
    _write_over(client, instance, sound[0], subject)
    spots = [
        Spot(kind, subject, host, language)
        for kind in ("plain", "list", "early", "vary")
        for host in HOSTS
        for language in LANGUAGES[: 1 + (kind == "vary")]
    ]
    readers = []
    for number, spot in enumerate(spots):
        helper = Client(scene, 2000 + client.number * 100 + number)
        helper._count = client._count * 16
        helper.connect(instance, sound[1 + number] if len(sound) > 1 + number else None)
        thread = threading.Thread(
            target=_look_and_leave,
            args=(helper, instance, spot, dice.uniform(0.0, 0.05)),
            daemon=True,
        )
        thread.start()
        readers.append((helper, thread))
    time.sleep(dice.uniform(1.5, 5.0) * scene.plan.latency)
    _write_over(client, instance, cut_off[0], subject)
    for helper, thread in readers:
        thread.join(TIMEOUT + 5)
        client.reads += helper.reads
    for spot in spots:
        look(client, instance, spot)
    scene.spots.extend(spots)
    for connection in cut_off[1:] + sound[1 + len(spots) :]:
        connection.close()


def _workers(client, instance):
    """Connections to workers that reach Redis, and to workers that do not."""
    sound, cut_off = [], []
    for _ in range(12):
        client.connect(instance, None)
        read = client.read(instance, "plain", f"new{next(client.scene.cold)}")
        connection = client.connections.pop(instance.number, None)
        if connection is not None:
            (cut_off if read.x_cache == "BYPASS" else sound).append(connection)
    return sound, cut_off


def _write_over(client, instance, connection, subject):
    client.connect(instance, connection)
    write(client, instance, subject)
