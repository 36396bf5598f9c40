"""Seams that meet: what is owed or remembered when a process or Redis itself changes."""
from .actions import forget, kill, refuse, restart, some


def owed_and_handed_over(scene, dice):
    """Purges are owed to Redis when the process hands over."""
    instance = some(scene, dice)
    refuse(
        scene,
        dice,
        dice.choice(([instance], scene.instances)),
        dice.uniform(0.3, 0.6),
        lambda: (instance.hand_over(), scene.pause(dice.uniform(0, 0.3))),
    )
    scene.pause(0.8)


def owed_and_restarted(scene, dice):
    """Purges are owed to Redis when the process stops; where there is `state` it knows them
    afterwards.
    """
    instance = some(scene, dice)
    shape = dice.choice((restart, kill))
    refuse(scene, dice, [instance], dice.uniform(0.3, 0.6), lambda: shape(scene, dice, instance))
    scene.pause(0.8)


def forgotten_after_hand_over(scene, dice):
    instance = some(scene, dice)
    forget(scene, dice, between=instance.hand_over)


def forgotten_after_restart(scene, dice):
    instance = some(scene, dice)
    shape = dice.choice((restart, kill))
    forget(scene, dice, **{dice.choice(("between", "away")): lambda: shape(scene, dice, instance)})


def forgotten_and_reconnected_late(scene, dice):
    forget(scene, dice, last=some(scene, dice))
