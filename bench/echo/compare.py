#!/usr/bin/env python3
"""What does a message cost echo servers, compared with another?

Question: how much CPU time per message does serving plain blocking code on fibers add to the best
simple hand-written edge-triggered epoll loop?
Metric: the ratio of the servers' CPU time (user and system, all threads) per 64-byte message, at
64, 1,000 and 10,000 connections in a closed loop, server and client each on a core of its own.
Refuted by: a median ratio above 1.05 at any of the counts.

All servers read into 4 KiB (cede's into 2), set TCP_NODELAY, and reply with one send. All of them
and their clients live at the same time, connected but silent, and take many short turns, one after
the other. A ratio is formed within each round: what else the machine does then changes slowly
compared with a round. Printed are the median of the ratios and their quartiles.

Ends with 0 if every reply was right, with 1 if not (or if a server failed), with 3 if --enforce is
given and a median is above the limit.
"""

import argparse
import contextlib
import json
import pathlib
import statistics
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402

# What a message takes, roughly, on either side: so long all connections need for one each.
MESSAGE_SECONDS = 5e-6

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
    add("--rounds", 60, "turns of each server at each count", type=at_least(1, int))
    add("--duration", 0.1, "seconds of a turn, and as long as each connection takes for about "
        "four messages", type=at_least(0.01, float))
    add("--warm-up", 0.03, "seconds before, and as for two messages", type=at_least(0.0, float))
    add("--limit", 1.05, "largest median ratio wanted", type=at_least(0.0, float))
    add("--build-dir", str(harness.ROOT / "build" / "release"))
    parser.add_argument("--enforce", action="store_true", help="exit with 3 above the limit")
    parser.add_argument("--json", type=pathlib.Path, help="also write every sample to this file")
    return parser.parse_args()


def cost(sample):
    return sample["server_cpu_us_per_message"]


def measure_count(options, connections):
    """The rounds, each {name: sample}."""
    names = [*options.subject, options.reference]
    message = connections * MESSAGE_SECONDS
    rounds = []
    with contextlib.ExitStack() as living:
        clients = {
            name: living.enter_context(
                harness.running_pair(name, options.build_dir, connections))
            for name in names
        }
        for number in range(options.rounds):
            rounds.append({
                name: client.turn(options.warm_up + 2 * message, options.duration + 4 * message)
                for name, client in clients.items()
            })
            if (number + 1) % 10 == 0 or number + 1 == options.rounds:
                print(f"  {connections:,} connections, round {number + 1} of {options.rounds}",
                      file=sys.stderr, flush=True)
    return rounds


def median_cost(rounds, name):
    return statistics.median(cost(one[name]) for one in rounds)


def ratios(options, rounds, name):
    return [cost(one[name]) / cost(one[options.reference]) for one in rounds]


def quarter(values, which):
    return statistics.quantiles(values, n=4)[which - 1] if len(values) > 1 else values[0]


def print_table(options, results):
    """Prints the table; true if every median is within the limit."""
    print(f"\nserver CPU a message against {options.reference}")
    print(ROW.format("connections", "server", "us", "reference", "ratio", "25 %", "75 %", ""))
    within = True
    for connections, rounds in results.items():
        for name in options.subject:
            values = ratios(options, rounds, name)
            median = statistics.median(values)
            within = within and median <= options.limit
            print(
                ROW.format(
                    f"{connections:,}",
                    name,
                    f"{median_cost(rounds, name):.2f}",
                    f"{median_cost(rounds, options.reference):.2f}",
                    f"{median:.3f}",
                    f"{quarter(values, 1):.3f}",
                    f"{quarter(values, 3):.3f}",
                    f"{'within' if median <= options.limit else 'ABOVE'} {options.limit:g}",
                ).rstrip()
            )
    print(f"medians of {options.rounds} rounds; every byte of every reply was right")
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
                "ratios": {name: ratios(options, rounds, name) for name in options.subject},
                "rounds": rounds,
            }
            for connections, rounds in results.items()
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
