"""What a failing run prints: its seed, the seams in time order, and the offending requests with
what was around them.
"""
CONTEXT = 12


def text_of(result, most=6, verbose=False):
    history, plan = result.history, result.plan
    lines = [_title(result)]
    lines += [f"  error: {error}" for error in result.errors]
    if result.good and not verbose:
        return "\n".join(lines)
    lines.append(
        "  instances: "
        + "; ".join(
            f"{number}: memory {'on' if settings.memory else 'off'}, {settings.threads} threads"
            for number, settings in enumerate(plan.instances)
        )
    )
    lines += ["  seams:"] + ["    " + row for row in _seams(history)]
    lines += ["  found:"] + ["    " + row for row in _groups(history, result.violations)]
    for violation in _first_of_each(result.violations, most):
        lines += [f"  {violation.kind} at {violation.when - history.began:.3f}: {violation.text}"]
        lines += ["    " + row for row in _context(history, violation)]
    lines.append(
        f"  again: /usr/bin/python3 -m support.seams --seed {plan.seed} --theme '{plan.theme}' "
        f"--seconds {plan.seconds:g}"
    )
    return "\n".join(lines)


def _title(result):
    history, counts = result.history, {}
    for violation in result.violations:
        counts[violation.kind] = counts.get(violation.kind, 0) + 1
    first = f", first after {result.violations[0].when - history.began:.2f} s" if result.violations else ""
    owed = sum(not purge.acknowledged for purge in history.purges)
    verdict = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "good"
    return (
        f"seed {history.seed} ({history.theme}): {len(history.reads)} reads, "
        f"{len(history.purges)} purges ({owed} owed), {len(history.bursts)} bursts, "
        f"{len(history.fetches)} fetches: {verdict}{first}"
    )


def _groups(history, violations):
    """What is alike, counted, with the time of the first."""
    groups = {}
    for violation in violations:
        read, purge = violation.read, violation.purge
        words = [violation.kind]
        if read:
            words += [read.method, "/" + read.kind, read.x_cache]
        if purge:
            words += [
                "after",
                purge.how,
                "many-tags" if purge.tag and not purge.tag.split("-")[1].startswith("a") else "",
                "" if purge.acknowledged else "(owed)",
            ]
        if read and purge:
            words.append(
                "same instance"
                if read.instance == purge.instance
                else "other instance, memory " + ("on" if history.memory[read.instance] else "off")
            )
        groups.setdefault(" ".join(word for word in words if word), []).append(violation)
    return [
        f"{len(found):4} x {words}, first at {found[0].when - history.began:.3f}" for words, found in groups.items()
    ]


def _first_of_each(violations, most):
    """The first ones, but of every kind at least one."""
    chosen, seen = [], set()
    for violation in violations:
        if violation.kind not in seen or len(chosen) < most:
            chosen.append(violation)
            seen.add(violation.kind)
    return chosen


def _seams(history):
    rows = [(when, text) for when, text in history.notes]
    for window in history.windows:
        where = "all" if window.instance < 0 else f"instance {window.instance}"
        rows.append(
            (
                window.start,
                f"{window.kind} ({where}) for {window.end - window.start:.3f} s {window.note}",
            )
        )
    rows += [
        (when, f"the machine stood still for {seconds * 1000:.0f} ms")
        for when, seconds in history.stalls
        if seconds > 0.1
    ]
    return [f"{when - history.began:8.3f}  {text}" for when, text in sorted(rows)]


def _context(history, violation):
    """What happened to this resource before, and a little after."""
    about = violation.read or violation.purge
    if about is None:
        return []
    kind, subject = getattr(about, "kind", None), about.subject
    began, rows = history.began, []
    for read in history.reads:
        if read.kind == kind and read.subject == subject:
            mark = ">>" if read is violation.read else "  "
            rows.append(
                (
                    read.begin,
                    f"{mark} {read.method} by instance {read.instance} until {read.end - began:.3f}: "
                    f"{read.status} version {read.version} {read.host} {read.language} {read.x_cache} "
                    f"[{read.cache_status}] {' '.join(read.tags[:1])} {read.error}",
                )
            )
    for purge in history.purges:
        if purge.subject == subject and (kind in purge.kinds or purge.tag or purge is violation.purge):
            mark = ">>" if purge is violation.purge else "  "
            rows.append(
                (
                    purge.begin,
                    f"{mark} {purge.how} {purge.tag[:20]}{','.join(purge.kinds)} through instance "
                    f"{purge.instance} until {purge.end - began:.3f}: {purge.status} version "
                    f"{purge.version}, committed {purge.committed - began:.3f}"
                    f"{'' if purge.acknowledged else ', OWED'} {purge.error}",
                )
            )
    for fetch in history.fetches:
        if fetch.kind == kind and fetch.subject == subject:
            rows.append(
                (
                    fetch.begin,
                    f"   the origin reads version {fetch.version}, {fetch.method} {fetch.status}, "
                    f"sent {fetch.end - began:.3f}",
                )
            )
    rows.sort(key=lambda row: row[0])
    at = next(
        (number for number, row in enumerate(rows) if row[1].startswith(">>") and row[0] == violation.when),
        0,
    )
    since = min((row[0] for row in rows if row[1].startswith(">>")), default=0)
    shown = [row for row in rows[max(0, at - 3 * CONTEXT) : at + 3] if row[0] >= since - 0.3 or row[1].startswith(">>")]
    if at - 3 * CONTEXT > 0:
        shown = [row for row in rows[: at - 3 * CONTEXT] if row[1].startswith(">>")] + shown
    return [f"{when - began:8.3f} {text}" for when, text in shown]
