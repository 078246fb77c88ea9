#!/usr/bin/env python3
"""What does a message cost one echo server, compared with another?

Question: how much CPU time per message does serving plain blocking code on fibers add to the best
simple hand-written edge-triggered epoll loop?
Metric: the ratio of the servers' CPU time (user and system, all threads) per 64-byte message, at
64, 1,000 and 10,000 connections in a closed loop, server and client each on a core of its own.
Refuted by: a median ratio above 1.05 at any of the counts.

Both servers read into 4 KiB, set TCP_NODELAY, and reply with one send. They are measured in pairs
whose order alternates, each server started afresh, and a ratio is formed within each pair: what
else the machine does then changes slowly compared with a pair. Printed are the median and the range
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

ROW = "{:>11}  {:>12} {:>12}  {:>7} {:>7} {:>7}   {}"


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

    add("--subject", "fibers", choices=names)
    add("--reference", "raw-epoll", choices=names)
    add("--connections", "64,1000,10000", "counts to measure at", type=counts)
    add("--repeats", 5, "pairs at each count", type=at_least(1, int))
    add("--duration", 2.0, "seconds to measure", type=at_least(0.1, float))
    add("--warm-up", 0.5, "seconds before", type=at_least(0.0, float))
    add("--limit", 1.05, "largest median ratio wanted", type=at_least(0.0, float))
    add("--build-dir", str(harness.ROOT / "build" / "release"))
    parser.add_argument("--enforce", action="store_true", help="exit with 3 above the limit")
    parser.add_argument("--json", type=pathlib.Path, help="also write every sample to this file")
    return parser.parse_args()


def measure_pair(options, connections, turn):
    """One sample of each server, {role: sample}; odd turns start with the reference."""
    roles = [("subject", options.subject), ("reference", options.reference)]
    pair = {}
    for role, name in roles if turn % 2 == 0 else reversed(roles):
        pair[role] = harness.sample_echo(
            name, options.build_dir, connections, options.warm_up, options.duration
        )
    return pair


def cost(sample):
    return sample["server_cpu_us_per_message"]


def measure_count(options, connections):
    pairs = []
    for turn in range(options.repeats):
        pair = measure_pair(options, connections, turn)
        pairs.append(pair)
        print(
            f"  {connections:,} connections, pair {turn + 1} of {options.repeats}: "
            f"{cost(pair['subject']):.2f} / {cost(pair['reference']):.2f} us a message",
            file=sys.stderr,
            flush=True,
        )
    return pairs


def median_cost(pairs, role):
    return statistics.median(cost(pair[role]) for pair in pairs)


def ratios(pairs):
    return [cost(pair["subject"]) / cost(pair["reference"]) for pair in pairs]


def print_table(options, results):
    """Prints the table; true if every median is within the limit."""
    print(f"\nserver CPU a message: {options.subject} against {options.reference}")
    print(ROW.format("connections", "subject us", "reference us", "ratio", "least", "most", ""))
    within = True
    for connections, pairs in results.items():
        values = ratios(pairs)
        median = statistics.median(values)
        within = within and median <= options.limit
        print(
            ROW.format(
                f"{connections:,}",
                f"{median_cost(pairs, 'subject'):.2f}",
                f"{median_cost(pairs, 'reference'):.2f}",
                f"{median:.3f}",
                f"{min(values):.3f}",
                f"{max(values):.3f}",
                f"{'within' if median <= options.limit else 'ABOVE'} {options.limit:g}",
            ).rstrip()
        )
    print(f"medians of {options.repeats} interleaved pairs; every byte of every reply was right")
    return within


def write_samples(options, results):
    document = {
        "machine": harness.machine_line(),
        "subject": options.subject,
        "reference": options.reference,
        "limit": options.limit,
        "counts": [
            {"connections": connections, "ratios": ratios(pairs), "pairs": pairs}
            for connections, pairs in results.items()
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
