"""The judge of the seams: each guarantee with a history that keeps it and one that breaks it."""
import math

import pytest

from support.seams import timing
from support.seams.history import Burst, Fetch, History, Purge, Read, Rules, Stop, Window
from support.seams.judge import judge

LATER = timing.MEMORY_LAG + timing.BUSY + 0.01  # another instance's memory has heard of it, with every allowance


def history(memory=(True, True), **named):
    made = History(memory=list(memory), began=0.0, ended=100.0)
    made.rules = [Rules(instance, -1.0, -1.0) for instance in range(len(memory))]
    for name, value in named.items():
        setattr(made, name, value)
    return made


def read(begin, version, instance=0, kind="plain", **named):
    return Read(
        begin,
        begin + 0.001,
        instance,
        kind,
        "1",
        **{"host": "a.test", "language": "en", "status": 200, "version": version, **named}
    )


def write(end, version=2, instance=0, **named):
    return Purge(
        end - 0.01,
        end,
        instance,
        "1",
        version,
        **{"kinds": ("plain", "extra", "dated"), "how": "PUT", "status": 200, **named}
    )


def seen(host="a.test", language="en", request="r1", user="-"):
    return {"host": host, "language": language, "request": request, "user": user}


def found(made):
    return [violation.kind for violation in judge(made)]


# ---- guarantees 1 and 2


@pytest.mark.parametrize(
    "what, reads, expected",
    [
        ("the same instance at once", [read(10.0, 2)], []),
        ("an old answer at the same instance", [read(10.0, 1)], ["stale"]),
        ("a read that began before the write was over", [read(9.995, 1)], []),
        ("another instance's memory a moment later", [read(10.02, 1, instance=1)], []),
        ("another instance's memory too late", [read(10.0 + LATER, 1, instance=1)], ["stale"]),
        ("a kind that the write does not cover", [read(10.0, 1, kind="short")], []),
        ("a HEAD that shows the old validator", [read(10.0, 1, method="HEAD")], ["stale"]),
        ("a 304 for the old version", [read(10.0, 1, status=304)], ["stale"]),
        ("an answer that tells no version", [read(10.0, None)], []),
    ],
)
def test_a_write_is_read_back(what, reads, expected):
    assert found(history(purges=[write(10.0)], reads=reads)) == expected


def test_without_memory_another_instance_shows_it_at_once():
    assert found(history((True, False), purges=[write(10.0)], reads=[read(10.0, 1, instance=1)])) == ["stale"]


def test_the_highest_version_counts_not_the_last_purge():
    purges = [write(10.0, version=5), write(10.1, version=4, instance=1)]
    assert found(history(purges=purges, reads=[read(20.0, 4, instance=1)])) == ["stale"]


def test_what_came_back_is_called_resurrected():
    [violation] = judge(history(purges=[write(10.0)], reads=[read(10.1, 2), read(10.2, 1)]))
    assert violation.text.startswith("resurrected")


@pytest.mark.parametrize("failed", [{"error": "ConnectionError", "status": 0}, {"status": 404}, {"status": 503}])
def test_what_did_not_take_place_binds_nobody(failed):
    made = history(
        purges=[write(10.0, **failed)],
        reads=[read(20.0, 1)],
        windows=[Window("killed", 0, 9.9, 10.1)],
    )
    assert found(made) in ([], ["failed"])


def test_a_tag_covers_what_carries_it():
    purge = write(10.0, kinds=(), tag="s1-a7")
    assert found(history(purges=[purge], reads=[read(10.0, 1, tags=("s1-a7", "other"))])) == ["stale"]
    assert (
        found(
            history(
                purges=[purge],
                reads=[read(10.0, 1, tags=("s1-a8",)), read(10.0, 2, tags=("s1-a7",))],
            )
        )
        == []
    )


def test_of_several_purged_tags_only_those_before_the_read_count():
    purges = [
        write(30.0, version=4, kinds=(), tag="one"),
        write(10.0, version=2, kinds=(), tag="two"),
        write(20.0, version=3, kinds=(), tag="three"),
    ]
    tags = ("one", "two", "three")
    assert (
        found(
            history(
                purges=purges,
                reads=[
                    read(11.0, 2, tags=tags),
                    read(21.0, 3, tags=tags),
                    read(31.0, 4, tags=tags),
                ],
            )
        )
        == []
    )
    assert (
        found(
            history(
                purges=purges,
                reads=[
                    read(11.0, 1, tags=tags),
                    read(21.0, 2, tags=tags),
                    read(31.0, 3, tags=tags),
                ],
            )
        )
        == ["stale"] * 3
    )


# ---- Redis away


def test_an_owed_purge_binds_its_own_instance_at_once_and_the_others_after_the_return():
    down = Window("down", 0, 9.0, 15.0)
    purge = write(10.0, acknowledged=False)
    back = 15.0 + timing.RECOVER + timing.BUSY + LATER
    assert found(history(purges=[purge], windows=[down], reads=[read(10.0, 1)])) == ["stale"]
    assert found(history(purges=[purge], windows=[down], reads=[read(back - LATER - 0.1, 1, instance=1)])) == []
    assert found(history(purges=[purge], windows=[down], reads=[read(back, 1, instance=1)])) == ["stale"]


def test_a_purge_owed_for_lack_of_one_connection_is_delivered_by_another():
    one = Window("one", 0, 9.0, 60.0)
    late = 10.0 + timing.RECOVER + timing.BUSY + LATER
    made = history(purges=[write(10.0, acknowledged=False)], windows=[one], reads=[read(late, 1, instance=1)])
    assert found(made) == ["stale"]


def test_memory_that_cannot_be_told_is_silent_after_a_second():
    down = Window("down", 1, 9.5, 30.0)
    silent = 9.5 + timing.LOST + timing.BUSY
    assert found(history(purges=[write(10.0)], windows=[down], reads=[read(silent - 0.1, 1, instance=1)])) == []
    assert found(history(purges=[write(10.0)], windows=[down], reads=[read(silent + 0.01, 1, instance=1)])) == ["stale"]


def test_under_fail_a_write_is_never_owed_but_a_purge_by_api_may_be():
    down = [Window("down", 0, 9.0, 15.0)]
    reads = [read(10.0 + LATER, 1, instance=1)]
    assert found(history(fail=True, purges=[write(10.0, acknowledged=False)], windows=down, reads=reads)) == ["stale"]
    assert (
        found(
            history(
                fail=True,
                purges=[write(10.0, acknowledged=False, how="api purge by key")],
                windows=down,
                reads=reads,
            )
        )
        == []
    )
    assert found(history(fail=True, purges=[write(10.0, status=503, version=0)], windows=down)) == []
    assert found(history(fail=True, purges=[write(10.0, status=503, version=0)])) == ["failed"]


@pytest.mark.parametrize("kind", ["gone", "killed"])
def test_what_was_owed_dies_with_a_process_that_has_no_state(kind):
    windows = [Window("down", 0, 9.0, 15.0), Window(kind, 0, 11.0, 12.0)]
    purge = write(10.0, acknowledged=False)
    assert found(history(purges=[purge], windows=windows, reads=[read(30.0, 1), read(30.0, 1, instance=1)])) == []
    assert found(history(purges=[purge], windows=windows, reads=[read(10.5, 1)])) == ["stale"]
    assert found(history(state=True, purges=[purge], windows=windows, reads=[read(30.0, 1)])) == ["stale"]
    assert found(history(state=True, purges=[purge], windows=windows, reads=[read(30.0, 1, instance=1)])) == ["stale"]


def test_what_redis_acknowledged_outlives_the_process_and_redis_itself():
    windows = [Window("killed", 0, 11.0, 12.0), Window("down", -1, 13.0, 14.0)]
    made = history(purges=[write(10.0)], windows=windows, reads=[read(20.0, 1), read(20.0, 1, instance=1)])
    assert found(made) == ["stale", "stale"]


def test_while_the_server_is_replaced_others_may_be_late_and_the_own_instance_may_not():
    switch = Window("switch", -1, 9.9, 10.9)
    assert found(history(purges=[write(10.0)], windows=[switch], reads=[read(11.5, 1, instance=1)])) == []
    assert found(history(purges=[write(10.0)], windows=[switch], reads=[read(15.0, 1, instance=1)])) == ["stale"]
    assert found(history(purges=[write(10.0)], windows=[switch], reads=[read(11.5, 1)])) == ["stale"]
    assert found(history(purges=[write(9.5)], windows=[switch], reads=[read(11.5, 1, instance=1)])) == ["stale"]


def test_a_live_server_that_shows_older_data_cannot_be_noticed_at_once():
    stale = [Window("stale", -1, 12.0, 12.5)]
    assert found(history(purges=[write(10.0)], windows=stale, reads=[read(12.3, 1)])) == []
    assert found(history(purges=[write(10.0)], windows=stale, reads=[read(12.6, 1)])) == ["stale"]


# ---- larder's own seams


def test_two_processes_of_a_handover_are_an_instance_with_a_moments_lag():
    handover = [Window("handover", 0, 9.5, 11.0)]
    assert found(history(purges=[write(10.0)], windows=handover, reads=[read(10.01, 1)])) == []
    assert found(history(purges=[write(10.0)], windows=handover, reads=[read(10.0 + LATER, 1)])) == ["stale"]
    assert found(history(purges=[write(9.4)], windows=handover, reads=[read(9.6, 1)])) == ["stale"]


def test_a_rule_binds_where_it_is_in_force_for_write_and_read():
    on = [Rules(0, -1, -1), Rules(0, 5.0, 5.1, extra=True), Rules(1, -1, -1)]
    stale = [read(10.0 + LATER, 1, instance, kind="extra") for instance in (0, 1)]
    assert found(history(rules=on, purges=[write(10.0)], reads=stale)) == ["stale"]
    assert found(history(rules=on, purges=[write(5.05)], reads=stale)) == []
    off = [*on, Rules(0, 10.1, 10.2)]
    assert found(history(rules=off, purges=[write(10.0)], reads=stale)) == []


def test_a_write_answered_late_purges_again():
    purge = write(10.0, status=504, late="answered", committed=11.0, answered=11.01)
    over = 11.01 + timing.LATE + timing.BUSY
    assert found(history(purges=[purge], reads=[read(over - 0.1, 1)])) == []
    assert found(history(purges=[purge], reads=[read(over + 0.01, 1)])) == ["stale"]


def test_a_write_that_was_cut_off_purges_again_after_two_seconds():
    purge = write(10.0, status=502, late="cut", committed=11.0)
    over = 10.0 + timing.AGAIN + timing.LATE + timing.BUSY
    assert found(history(purges=[purge], reads=[read(over - 0.1, 1)])) == []
    assert found(history(purges=[purge], reads=[read(over + 0.01, 1)])) == ["stale"]
    purge.committed = 13.0
    assert found(history(purges=[purge], reads=[read(over + 0.01, 1)])) == []


def test_nothing_outlives_the_lifetime_its_origin_gave_it():
    changes = {"1": [[10.0, 2]]}
    assert found(history(changes=changes, reads=[read(12.0, 1, kind="bare")])) == []
    assert found(history(changes=changes, reads=[read(13.0, 1, kind="bare")])) == ["outlived"]
    assert found(history(changes=changes, reads=[read(13.0, 1, kind="dated")])) == []


# ---- guarantees 4, 5, 6, 8


@pytest.mark.parametrize(
    "made, expected",
    [
        (read(10.0, 1, kind="vary", seen=seen()), []),
        (read(10.0, 1, kind="vary", seen=seen(host="b.test")), ["others"]),
        (read(10.0, 1, kind="vary", seen=seen(language="de")), ["others"]),
        (read(10.0, 1, kind="plain", seen=seen(language="de")), []),
        (read(10.0, 1, kind="cookie", seen=seen(), request_id="r1"), []),
        (read(10.0, 1, kind="cookie", seen=seen(), request_id="r2"), ["others"]),
        (read(10.0, 1, kind="user", seen=seen(user="ann"), who="bob"), ["others"]),
    ],
)
def test_nobody_gets_what_is_anothers(made, expected):
    assert found(history(reads=[made])) == expected


def test_what_the_operator_ignores_may_be_shared_until_it_is_taken_back():
    rules = [Rules(0, -1, -1, cookie="ignore", vary="ignore"), Rules(0, 5.0, 5.2), Rules(1, -1, -1)]
    for kind in ("cookie", "lang"):
        reads = [read(when, 1, kind=kind, seen=seen(language="de"), request_id="r2") for when in (4.0, 5.1, 5.3)]
        assert found(history(rules=rules, reads=reads)) == ["others"]


def test_requests_do_not_fail_but_where_the_process_is_away():
    bad = read(10.0, None, status=0, error="ConnectionRefusedError", reused=False)
    assert found(history(reads=[bad])) == ["failed"]
    assert found(history(reads=[bad], windows=[Window("handover", 0, 9, 11)])) == ["failed"]
    assert found(history(reads=[bad], windows=[Window("gone", 0, 9, 11)])) == []
    assert found(history(reads=[read(10.0, None, status=502)])) == ["failed"]


def test_requests_wait_for_the_origin_and_for_nothing_else():
    slow = Read(10.0, 10.6, 0, "slow", "1", status=200, version=1)
    assert found(history(reads=[slow])) == ["waited"]
    assert found(history(reads=[slow], fetches=[Fetch(9.9, 10.55, "slow", "1")])) == []
    assert found(history(reads=[slow], fetches=[Fetch(9.9, 10.55, "slow", "2")])) == ["waited"]
    assert found(history(reads=[slow], stalls=[(10.5, 0.4)])) == []
    assert (
        found(history(reads=[slow], windows=[Window("killed", 1, 8.0, 9.0)])) == []
    )  # behind the lock of a dead instance
    slow.paused = 0.5
    assert found(history(reads=[slow])) == []


def test_nobody_waits_for_a_redis_that_is_known_to_be_away():
    down = [Window("down", 0, 10.0, 20.0)]
    waiting = [Read(12.0 + at, 12.1 + at, 0, "plain", "1", status=200, version=1) for at in range(8)]
    quick = [read(12.0 + at / 100, 1) for at in range(100)]
    assert found(history(windows=down, reads=waiting)) == ["waits"]
    assert found(history(windows=down, reads=waiting + quick)) == []
    assert found(history(windows=[Window("down", 0, 10.0, 11.0)], reads=waiting)) == []


def test_a_burst_on_a_cold_key_costs_one_fetch_for_each_variant():
    burst = Burst(10.0, 10.4, 5, 12, (0, 1), 1)
    fetches = [Fetch(10.0, 10.3, "cold", "5")]
    assert found(history(bursts=[burst], fetches=fetches)) == []
    assert found(history(bursts=[burst], fetches=fetches * 2)) == ["fetches"]
    assert found(history(bursts=[burst], fetches=fetches * 2, windows=[Window("down", 1, 9.0, 9.5)])) == []
    assert found(history(bursts=[burst], fetches=fetches * 2, windows=[Window("full", -1, 9.0, 12.0)])) == []
    assert found(history(bursts=[burst], fetches=fetches * 3, windows=[Window("full", -1, 9.0, 12.0)])) == ["fetches"]


def test_a_process_ends_in_time_and_well():
    assert found(history(stops=[Stop(0, "SIGTERM", 10.0, 13.9, 4.0)])) == []
    assert found(history(stops=[Stop(0, "SIGTERM", 10.0, math.inf, 4.0)])) == ["stop"]
    assert found(history(stops=[Stop(0, "SIGTERM", 10.0, 11.0, 4.0, status=-11)])) == ["stop"]


def test_a_history_is_the_same_after_it_was_saved(tmp_path):
    made = history(purges=[write(10.0)], reads=[read(10.0, 1)], windows=[Window("down", 1, 3.0)])
    made.save(tmp_path / "history.json")
    assert found(History.load(tmp_path / "history.json")) == ["stale"]
