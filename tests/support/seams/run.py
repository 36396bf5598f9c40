"""One run: a scene, its clients and its seams, for so many seconds; then the judgement."""
import random
import time
from dataclasses import dataclass

from . import directed, people
from .clients import Client
from .judge import judge
from .scene import Scene
from .themes import draw

LAST_SEAM = 1.0  # seconds before the end no further seam begins


@dataclass
class Result:
    plan: object
    history: object
    violations: list
    errors: list
    logs: dict

    @property
    def good(self):
        return not self.violations and not self.errors


def run(seed, seconds, theme=None, patience=1.0):
    plan = draw(seed, seconds, theme)
    scene = Scene(plan)
    logs = {}
    try:
        scene.start()
        _drive(scene)
        scene.collect()
    finally:
        for instance in scene.instances:
            logs[instance.number] = instance.log()
        scene.stop()
    violations = judge(scene.history, patience)
    return Result(plan, scene.history, violations, scene.errors, logs)


def _drive(scene):
    plan = scene.plan
    steps = [
        *[(people.reader, plan.read_pause)] * (plan.readers * len(plan.instances)),
        *[(people.writer, plan.write_pause)] * plan.writers,
        *[(people.purger, plan.purge_pause)] * plan.purgers,
        *[(people.burster, 0.1)] * plan.bursters,
        *[(directed.validating_writer, 0.05)] * plan.validating,
        *[(directed.divided_writer, 0.02)] * plan.divided,
        (people.slow_reader, 0.1),
    ]
    clients = [Client(scene, number, *step) for number, step in enumerate(steps)]
    for client in clients:
        client.thread.start()
    # In this thread, which lasts: a process that a thread starts ends with the thread
    # (support/process.py).
    _disturb(scene, random.Random(plan.seed * 31 + 7), time.monotonic() + plan.seconds)
    scene.over.set()
    for client in clients:
        client.thread.join(40)
        if client.thread.is_alive():
            scene.errors.append(f"client {client.number} still waits for an answer")
        client.leave()
        scene.history.bursts += client.bursts
    scene.history.reads.sort(key=lambda read: read.begin)
    scene.history.purges.sort(key=lambda purge: purge.begin)


def _disturb(scene, dice, stop_at):
    """One seam after the other; the clients go on until the last is over, and a little longer."""
    try:
        scene.pause(0.4)
        while scene.plan.seams and time.monotonic() < stop_at - LAST_SEAM:
            seam = dice.choice(scene.plan.seams)
            scene.note(f"seam {seam.__name__} begins")
            seam(scene, dice)
            scene.note(f"seam {seam.__name__} ends")
            scene.pause(min(dice.uniform(*scene.plan.pause), max(0.0, stop_at - time.monotonic())))
    except Exception as error:  # shown at the end of the run
        scene.errors.append(f"a seam failed: {error!r}")
    scene.pause(max(0.2 if scene.plan.seams else 0.0, stop_at - time.monotonic()))
