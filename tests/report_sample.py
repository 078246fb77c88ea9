"""A report.json with plausible figures, gaps and hostile texts, for tests of the page.

`python3 tests/report_sample.py FILE` writes it, to look at the page that is made from it.
"""

import json
import sys

HOSTILE = '<img src="http://192.0.2.1/x.png" onerror="alert(1)"> & </script><script>alert(2)</script>'


def figure(value, unit, spread=0.06):
    low, high = value * (1 - spread), value * (1 + spread * 1.4)
    return {"median": value, "low": low, "high": high, "unit": unit, "samples": [low, value, high]}


def missing(why):
    return {"missing_because": why}


def memory(user, tables, stack, slab, socket=3900):
    return {
        "user": figure(user, "B", 0.01),
        "page_tables": figure(tables, "B", 0.02),
        "kernel_stack": figure(stack, "B", 0),
        "slab": figure(slab, "B", 0.04),
        "socket": figure(socket, "B", 0.01),
        "total": figure(user + tables + stack + slab + socket, "B", 0.012),
    }


def point(connections, rate, cpu, p50, idle, after, switches):
    voluntary, involuntary, user = switches
    return {
        "connections": connections,
        "idle": memory(*idle),
        "after_messages": memory(*after),
        "open_time": figure(cpu * 2.1, "us"),
        "messages_per_second": figure(rate, "messages/s"),
        "latency_p50": figure(p50, "us"),
        "latency_p99": figure(p50 * 2.2, "us", 0.2),
        "latency_p999": figure(p50 * 3.1, "us", 0.3),
        "paced_rate": figure(40_000, "messages/s", 0.002),
        "paced_p50": figure(p50 / 60, "us"),
        "paced_p99": figure(p50 / 11, "us", 0.2),
        "paced_p999": figure(p50 / 4, "us", 0.3),
        "server_cpu": figure(cpu, "us"),
        "rate_ratio": figure(rate / 184_000, "times", 0.02),
        "cpu_ratio": figure(cpu / 5.3, "times", 0.02),
        "voluntary_switches": figure(voluntary, "switches/message"),
        "involuntary_switches": figure(involuntary, "switches/message"),
        "user_switches": figure(user, "switches/message"),
    }


def hog(hogs, during, p99, starved, share):
    return {
        "hogs": hogs,
        "others": 100,
        "messages_before": figure(151_000, "messages/s"),
        "messages_during": figure(during, "messages/s", 0.1),
        "p99_before": figure(1_020, "us", 0.2),
        "p99_during": figure(p99, "us", 0.2) if p99 else missing("no other connection was answered"),
        "kept": figure(during / 1_510, "%", 0.1),
        "starved": figure(starved, "connections", 0),
        "hog_share": figure(share, "%", 0.1),
    }


def hogs(kept, p99, starved, share):
    """Beside 1, 2 and 10 of them."""
    return [hog(count, kept[i], p99[i], starved, share[i]) for i, count in enumerate((1, 2, 10))]


def all_starved():
    return hogs((0, 0, 30), (None, None, 640_000), 100, (100, 100, 99.5))


def kind(name, title, nature, rate, cpu, p50, idle, after, switches, beside_hogs, churn):
    points = []
    for connections, factor in ((1_000, 1.0), (10_000, 1.25)):
        points.append(
            point(connections, rate / factor, cpu * factor, p50 * factor * connections / 1_000,
                  idle, after, switches))
    return {"name": name, "title": title, "is": nature, "at": points, "hogs": beside_hogs,
            "churn": figure(churn, "connections/s")}  # fmt: skip


def bare(name, title, nature, costs):
    names = ("switch_one_way", "yield", "spawn_join", "spawn_join_batch", "wake_same_cpu",
             "wake_other_cpu")  # fmt: skip
    row = {"name": name, "title": title, "is": nature}
    for member, cost in zip(names, costs):
        row[member] = figure(cost, "ns", 0.05) if cost else missing("no switch without a scheduler")
    return row


def refill(name, title, nature, base):
    touch = {4: 41, 16: 230, 64: 3_400, 256: 14_000, 1_024: 113_000, 4_096: 1_400_000}
    pushed_out = {4: 2, 16: 110, 64: 90, 256: 300, 1_024: 55_000, 4_096: None}
    points = []
    for size, cost in touch.items():
        extra = pushed_out[size]
        points.append({
            "working_set": size * 1024,
            "per_switch": missing("lost in the noise") if extra is None
            else figure(base + extra, "ns", 0.15),
            "touch": figure(cost, "ns"),
        })  # fmt: skip
    return {"name": name, "title": title, "is": nature, "points": points}


def slices():
    found = []
    for slice_us, kept, p99, often in ((500, 0.92, 1_050, 1_900), (1_000, 0.95, 1_300, 960),
                                       (5_000, 0.97, 4_900, 190), (10_000, 0.98, 9_600, 95)):
        found.append({
            "slice": slice_us,
            "work_per_second": figure(kept * 1_020_000, "units/s", 0.02),
            "latency_p50": figure(p99 / 4, "us", 0.1),
            "latency_p99": figure(p99, "us", 0.1),
            "preemptions_per_second": figure(often, "preemptions/s", 0.02),
        })  # fmt: skip
    return found


def kinds():
    fiber = (4_576, 127, 0, 260)
    thread = (8_954, 4_137, 16_384, 6_900)
    all_of_them = [
        kind("cooperative", "cooperative fibers", "fiber", 132_284, 7.4, 7_100, fiber,
             (8_700, 131, 0, 260), (0.004, 0.002, 1.02), all_starved(), 21_000),
        kind("preemptive", "preemptive fibers", "fiber", 128_900, 7.7, 7_300,
             (9_400, 131, 0, 260), (13_500, 140, 0, 260), (0.004, 0.003, 1.05),
             hogs((145_000, 144_000, 139_000), (1_400, 1_500, 1_900), 0, (5.1, 5.3, 9.2)),
             19_500),
        kind("os-thread", "OS threads", "thread", 59_806, 16.1, 16_400, thread,
             (13_050, 4_137, 16_384, 6_900), (1.0, 0.05, 0.0),
             hogs((120_000, 99_000, 41_000), (2_200, 2_900, 9_100), 0, (17, 30, 72)), 9_100),
    ]  # fmt: skip
    all_of_them[1]["slices"] = slices()
    all_of_them.append({
        "name": "os-thread-fifo", "title": "OS threads, SCHED_FIFO", "is": "thread",
        "missing_because": "SCHED_FIFO is not permitted: it needs root, CAP_SYS_NICE or a limit",
    })  # fmt: skip
    return all_of_them


def peers():
    epoll = kind("raw-epoll", "epoll loop by hand", "loop", 157_912, 5.9, 6_200, (0, 0, 0, 204),
                 (0, 0, 0, 204), (0.002, 0.001, 0.0), all_starved(), 24_000)  # fmt: skip
    tokio = kind("tokio", "tokio", "task", 139_000, 6.9, 6_900, (4_400, 40, 0, 204),
                 (4_400, 40, 0, 204), (0.003, 0.002, 0.0), all_starved(), 20_100)  # fmt: skip
    tokio["version"] = "tokio 1.24.2, rustc 1.63.0"
    go = {"name": "go", "title": "Go", "is": "fiber",
          "missing_because": "not installed: apt-get install golang-go"}  # fmt: skip
    return [epoll, tokio, go]


def sample():
    return {
        "schema": 1,
        "seconds_taken": 151.4,
        "machine": {
            "cpu_model": f"AMD EPYC {HOSTILE}", "cpus": 2, "cpus_online": 2,
            "memory_bytes": 8_201_904_128, "page_bytes": 4_096, "l1d_bytes": 49_152,
            "l2_bytes": 1_048_576, "l3_bytes": 33_554_432, "kernel": "Linux 6.18.44",
            "libc": "glibc 2.36", "compiler": "g++ 12.2.0 -O2 -g", "cede_version": "0.1.0",
            "date": "2026-11-25T01:30:00Z",
            "limits": [{"name": "open files", "value": "1,048,576"},
                       {"name": "vm.max_map_count", "value": "65,530"}],
        },
        "plan": {
            "command": "cede compare --connections 1000,10000 --peers go,tokio", "quick": False,
            "connections": [1_000, 10_000], "seconds": 1.5, "repeats": 5, "workers": 1,
            "message_bytes": 64, "server_cpus": [0], "client_cpus": [1],
        },
        "warnings": [
            {"about": "machine", "text": f"another program used 12 % of the CPUs {HOSTILE}"},
            {"about": "client", "text": "the client was saturated with the epoll loop at 1,000 "
                                        "connections: its throughput is a lower bound"},
        ],
        "kinds": kinds(),
        "peers": peers(),
        "bare": [
            bare("cooperative", "cooperative fiber", "fiber", (2.4, 8.6, 185, 149, 44, 23_800)),
            bare("preemptive", "preemptive fiber", "fiber", (None, 21, 4_500, 4_100, 60, 24_000)),
            bare("os-thread", "OS thread", "thread",
                 (None, 1_170, 18_800, 34_100, 1_900, 20_500)),
            bare("pthread", "pthread", "thread", (1_900, 1_130, 19_300, 34_600, 2_300, 18_300)),
            {"name": "pthread-fifo", "title": "pthread, SCHED_FIFO", "is": "thread",
             "missing_because": "SCHED_FIFO is not permitted"},
        ],
        "refill": [
            refill("cooperative", "cooperative fibers", "fiber", 15),
            refill("preemptive", "preemptive fibers", "fiber", 26),
            refill("pthread", "pthreads", "thread", 1_880),
        ],
    }  # fmt: skip


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(sample(), file)
