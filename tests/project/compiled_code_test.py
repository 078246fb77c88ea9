"""What the compiler must leave in: hints to the cache are without effect for a program's result, and
g++ has dropped calls of functions that did nothing else."""

import collections
import os
import re
import subprocess
import unittest

PREFETCH = re.compile(r"\t(prefetch\w*|prfm)\s")


def prefetches_by_function():
    listing = subprocess.run(
        ["objdump", "-dC", "--no-show-raw-insn", os.environ["CEDE_PROGRAM"]],
        check=True, capture_output=True, text=True).stdout
    counts = collections.Counter()
    function = ""
    for line in listing.splitlines():
        if line.endswith(">:"):
            function = line.partition("<")[2].partition("(")[0]
        elif PREFETCH.search(line):
            counts[function] += 1
    return counts


class CompiledCode(unittest.TestCase):
    def test_the_next_fiber_is_fetched_while_another_runs(self):
        # The frames in a loop, the body, and the control block and registers of the one after.
        self.assertGreaterEqual(prefetches_by_function()["cede::sched::worker::suspend"], 4)

    def test_what_an_event_leads_to_is_fetched_ahead(self):
        counts = prefetches_by_function()
        self.assertGreaterEqual(counts["cede::io::descriptor::prefetch"], 1)
        self.assertGreaterEqual(counts["cede::io::descriptor::prefetch_reader"], 2)


if __name__ == "__main__":
    unittest.main()
