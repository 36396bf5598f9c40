"""Randomised histories at the seams: what several instances answer while they, their configuration and their Redis change.

From a seed one run builds a scene, drives it for some seconds and judges the recorded history by the contract:

    cd tests && /usr/bin/python3 -m support.seams --seed 17 [--seconds 10] [--theme failover] [--verbose]

catalog: the resources        origin: serves them, a process of its own      scene: larder, Redis and what is between
themes: what a seed draws     actions: the seams                             clients: readers, writers, purgers, bursts
history: what is recorded     judge: a pure function of it                   report: what a failing run prints
"""
