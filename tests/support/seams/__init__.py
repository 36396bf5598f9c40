"""Randomised histories at the seams: what several instances answer while all around them changes.

From a seed one run builds a scene, drives it for some seconds and judges the recorded history by
the contract:

    cd tests && /usr/bin/python3 -m support.seams --seed 17 [--seconds 10] [--theme failover]

catalog    the resources                        origin     serves them, a process of its own
scene      larder, Redis, what is between       instance   one larder, with all its processes
themes     what a seed draws                    configuration  what larder is told
actions    the seams                            meetings   seams that meet
clients    how one asks and records             people     readers, writers, purgers, bursts
directed   writers that aim                     history    what is recorded
judge      a pure function of the history       timing     when a purge must have been heard of
promptness the judge's part about waiting       report     what a failing run prints
"""
