#!/usr/bin/env python3
"""What does a message cost echo servers, compared with another?

Question: how much CPU time per message does serving plain blocking code on fibers add to the best
simple hand-written edge-triggered epoll loop?
Metric: the ratio of the servers' CPU time (user and system, all threads) per 64-byte message, at
64, 1,000 and 10,000 connections in a closed loop, server and client each on a core of its own.
Refuted by: a median ratio above 1.05 at any of the counts.

All servers read into 4 KiB (cede's into 2), set TCP_NODELAY, and reply with one send. They take
turns, another one first each time, each started afresh, and a ratio is formed within each turn: what
else the machine does then changes slowly compared with a turn. Printed are the median and the range
of the ratios.

Ends with 0 if every reply was right, with 1 if not (or if a server failed), with 3 if --enforce is
given and a median is above the limit.
"""

import argparse
import json
import pathlib
import statistics
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402

ROW = "{:>11}  {:<16} {:>6} {:>9}  {:>6} {:>6} {:>6}  {}"


def counts(text):
    parts = text.split(",")
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of counts such as 64,1000")
    return [int(part) for part in parts]


def at_least(least, convert):
    def parse(text):
        value = convert(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return value

    return parse


def servers(text):
    names = text.split(",")
    for name in names:
        if name not in harness.SERVERS:
            known = ", ".join(harness.SERVERS)
            raise argparse.ArgumentTypeError(f"there is no server '{name}': choose of {known}")
    return names


def arguments():
    parser = argparse.ArgumentParser(
        usage="%(prog)s [options]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = list(harness.SERVERS)

    def add(name, default, description="", **how):
        text = f"{description} (default: %(default)s)".lstrip()
        parser.add_argument(name, default=default, help=text, **how)

    add("--subject", "fibers", f"one or several of {','.join(names)}", type=servers)
    add("--reference", "raw-epoll", choices=names)
    add("--connections", "64,1000,10000", "counts to measure at", type=counts)
    add("--repeats", 5, "turns at each count", type=at_least(1, int))
    add("--duration", 2.0, "seconds to measure", type=at_least(0.1, float))
    add("--warm-up", 0.5, "seconds before", type=at_least(0.0, float))
    add("--limit", 1.05, "largest median ratio wanted", type=at_least(0.0, float))
    add("--build-dir", str(harness.ROOT / "build" / "release"))
    parser.add_argument("--enforce", action="store_true", help="exit with 3 above the limit")
    parser.add_argument("--json", type=pathlib.Path, help="also write every sample to this file")
    return parser.parse_args()


def measure_turn(options, connections, number):
    """One sample of each server, {name: sample}; each turn starts with another one."""
    names = [*options.subject, options.reference]
    first = number % len(names)
    return {
        name: harness.sample_echo(
            name, options.build_dir, connections, options.warm_up, options.duration
        )
        for name in names[first:] + names[:first]
    }


def cost(sample):
    return sample["server_cpu_us_per_message"]


def measure_count(options, connections):
    turns = []
    for number in range(options.repeats):
        turn = measure_turn(options, connections, number)
        turns.append(turn)
        told = ", ".join(f"{name} {cost(sample):.2f}" for name, sample in turn.items())
        print(
            f"  {connections:,} connections, turn {number + 1} of {options.repeats}, us a message: "
            f"{told}",
            file=sys.stderr,
            flush=True,
        )
    return turns


def median_cost(turns, name):
    return statistics.median(cost(turn[name]) for turn in turns)


def ratios(options, turns, name):
    return [cost(turn[name]) / cost(turn[options.reference]) for turn in turns]


def print_table(options, results):
    """Prints the table; true if every median is within the limit."""
    print(f"\nserver CPU a message against {options.reference}")
    print(ROW.format("connections", "server", "us", "reference", "ratio", "least", "most", ""))
    within = True
    for connections, turns in results.items():
        for name in options.subject:
            values = ratios(options, turns, name)
            median = statistics.median(values)
            within = within and median <= options.limit
            print(
                ROW.format(
                    f"{connections:,}",
                    name,
                    f"{median_cost(turns, name):.2f}",
                    f"{median_cost(turns, options.reference):.2f}",
                    f"{median:.3f}",
                    f"{min(values):.3f}",
                    f"{max(values):.3f}",
                    f"{'within' if median <= options.limit else 'ABOVE'} {options.limit:g}",
                ).rstrip()
            )
    print(f"medians of {options.repeats} interleaved turns; every byte of every reply was right")
    return within


def write_samples(options, results):
    document = {
        "machine": harness.machine_line(),
        "subjects": options.subject,
        "reference": options.reference,
        "limit": options.limit,
        "counts": [
            {
                "connections": connections,
                "ratios": {name: ratios(options, turns, name) for name in options.subject},
                "turns": turns,
            }
            for connections, turns in results.items()
        ],
    }
    options.json.write_text(json.dumps(document, indent=1) + "\n")


def main():
    options = arguments()
    print(harness.machine_line(), flush=True)
    results = {}
    try:
        for connections in options.connections:
            results[connections] = measure_count(options, connections)
    except harness.Failure as failure:
        sys.exit(f"compare: {failure}")
    within = print_table(options, results)
    if options.json:
        write_samples(options, results)
    if options.enforce and not within:
        sys.exit(3)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
