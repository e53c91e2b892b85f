#!/usr/bin/env python3
"""Counts figures again from the rows that were exported beside them, and tells every difference.

usage: recompute.py FOLDER...    each with figures.csv, calls.csv, matters.csv, clocks.csv, visits.csv, outages.csv

It shares nothing with the daemon: no SQL, no code, only the columns of the files and the formulas that the figures print.
Exit status 1 if anything differs.
"""

import csv
import datetime as dt
import sys
from collections import defaultdict
from pathlib import Path
from zoneinfo import ZoneInfo


def read(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for key, value in row.items():
            # The apostrophe that keeps a spreadsheet from reading a formula.
            if value.startswith("'") and value[1:2] in ("=", "+", "-", "@", "\t", "\r"):
                row[key] = value[1:]
    return rows


def tenths(numerator, denominator):
    """A quotient with one decimal, rounded half up; nothing where there is nothing to divide by."""
    if denominator == 0:
        return ""
    scaled = numerator * 10
    quotient, rest = divmod(scaled, denominator)
    if 2 * rest >= denominator:
        quotient += 1
    return f"{quotient // 10}.{quotient % 10}"


def percent(part, whole):
    return tenths(part * 100, whole)


def calls(rows, short):
    brief = [r for r in rows if r["outcome"] == "abandoned" and int(r["wait_ms"]) < short]
    answered = [r for r in rows if r["answered"] == "1"]
    in_time = [r for r in answered if r["flagged"] == "0"]
    forwarded = [r for r in rows if r["forwarded"] == "1"]
    taken = [r for r in forwarded if r["outcome"] == "answered by mobile"]
    abandoned = [r for r in rows if r["outcome"] == "abandoned" and int(r["wait_ms"]) >= short]
    talks = [int(r["talk_ms"]) for r in rows if r["talk_ms"] != ""]
    counted = len(rows) - len(brief)
    yield "calls_received", str(len(rows))
    yield "calls_short", str(len(brief))
    yield "calls_counted", str(counted)
    yield "calls_answered", str(len(answered))
    yield "calls_answered_percent", percent(len(answered), counted)
    yield "calls_in_time", str(len(in_time))
    yield "calls_in_time_percent", percent(len(in_time), counted)
    yield "calls_flagged", str(sum(r["flagged"] == "1" for r in rows))
    yield "calls_missed", str(sum(r["outcome"] == "missed" for r in rows))
    yield "calls_abandoned", str(len(abandoned))
    yield "calls_message", str(sum(r["outcome"] == "message" for r in rows))
    yield "calls_forwarded", str(len(forwarded))
    yield "calls_taken", str(len(taken))
    yield "calls_taken_percent", percent(len(taken), len(forwarded))
    yield "speed_of_answer_seconds", tenths(sum(int(r["wait_ms"]) for r in answered), 1000 * len(answered))
    yield "talk_seconds", tenths(sum(talks), 1000 * len(talks))


def matters(rows, first, after):
    def within(text):
        return text != "" and first <= dt.date.fromisoformat(text) < after

    opened = [r for r in rows if within(r["opened"])]
    yield "matters_opened", str(len(opened))
    yield "matters_closed", str(sum(within(r["closed"]) for r in rows))
    yield "matters_left_open", str(sum(r["closed"] == "" for r in opened))
    yield "matters_reopened", str(sum(int(r["reopened"]) > 0 for r in opened))
    yield "complaints_serious", str(sum(r["severity"] == "serious" for r in opened))
    yield "complaints_invalid", str(sum(r["severity"] == "invalid" for r in opened))


def moment(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def clocks(rows, now):
    kept = late = 0
    for row in rows:
        due = moment(row["due"])
        if row["ended"]:
            if moment(row["ended"]) <= due:
                kept += 1
            else:
                late += 1
        elif due < now:
            late += 1
    yield "deadlines_kept", str(kept)
    yield "deadlines_late", str(late)
    yield "deadlines_kept_percent", percent(kept, kept + late)


def visits(rows):
    states = defaultdict(int)
    for row in rows:
        states[row["state"]] += 1
    points = [int(r["satisfied"]) for r in rows if r["satisfied"] != ""]
    yield "visits_due", str(len(rows))
    yield "visits_done", str(states["done"])
    yield "visits_refused", str(states["refused"])
    yield "visits_unreached", str(states["unreached"])
    yield "visits_percent", percent(states["done"], len(rows))
    yield "satisfaction", tenths(sum(points), len(points))


def outages(rows, begin, end):
    """Second by second would be too slow; the edges are enough: how many are open between each two."""
    kinds = defaultdict(list)
    for row in rows:
        began, ended = max(moment(row["began"]), begin), min(moment(row["ended"]), end)
        if began < ended:
            kinds[row["kind"]] += [(began, 1), (ended, -1)]
    for kind, edges in kinds.items():
        # An end and a beginning at one moment: the beginning first, so that the stretch is one.
        edges.sort(key=lambda edge: (edge[0], -edge[1]))
        seconds, open_now, since = 0, 0, None
        for at, step in edges:
            if open_now == 0:
                since = at
            open_now += step
            if open_now == 0:
                seconds += int((at - since).total_seconds())
        yield kind, str(seconds // 60)


def groups(rows, key):
    split = defaultdict(list)
    for row in rows:
        split[row[key]].append(row)
    return split.items()


def expected(folder):
    figures = read(folder / "figures.csv")
    head = figures[0]
    first, after = dt.date.fromisoformat(head["from"]), dt.date.fromisoformat(head["to"])
    zone = ZoneInfo(head["zone"])
    begin, end = (dt.datetime.combine(day, dt.time(), zone) for day in (first, after))
    now, short = moment(head["counted_at"]), int(head["short_abandoned_ms"])
    table = {name: read(folder / f"{name}.csv") for name in ("calls", "matters", "clocks", "visits", "outages")}
    table["matters"] = [row for row in table["matters"] if row["merged"] == "0"]
    wanted = {}

    def add(by, of, results):
        for name, value in results:
            wanted[name, by, of] = value

    plans = [
        ("calls", [("operator", "operator"), ("shift", "shift")], lambda rows: calls(rows, short)),
        (
            "matters",
            [("kind", "kind"), ("building", "building"), ("department", "department"), ("operator", "owner")],
            lambda rows: matters(rows, first, after),
        ),
        (
            "clocks",
            [("deadline", "name"), ("kind", "kind"), ("department", "department")],
            lambda rows: clocks(rows, now),
        ),
        ("visits", [("kind", "kind"), ("department", "department")], visits),
    ]
    for name, dimensions, count in plans:
        add("", "", count(table[name]))
        for by, column in dimensions:
            for of, rows in groups(table[name], column):
                add(by, of, count(rows))
    rings = [int(row["rings"]) for row in table["calls"] if row["answered"] == "1" and row["rings"] != ""]
    for ring in range(1, 10):
        wanted["answered_in_ring", "", str(ring)] = str(rings.count(ring))
    wanted["answered_in_ring", "", "10+"] = str(sum(ring >= 10 for ring in rings))
    for kind, minutes in outages(table["outages"], begin, end):
        wanted["outage_minutes", "", kind] = minutes
    return figures, wanted


def main(folders):
    differences = compared = 0
    for folder in map(Path, folders):
        figures, wanted = expected(folder)
        for row in figures:
            key = (row["figure"], row["by"], row["of"])
            counted = wanted.pop(key, None)
            compared += 1
            if counted != row["value"]:
                differences += 1
                print(f"{folder.name}: {key}: {row['value']!r} was printed, the rows give {counted!r}")
        for key, value in wanted.items():
            differences += 1
            print(f"{folder.name}: {key}: nothing was printed, the rows give {value!r}")
    print(f"{len(folders)} periods, {compared} figures, {differences} differences")
    return 1 if differences or not compared else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
