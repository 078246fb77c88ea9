"""Runs `cede compare` for tests, and sees to it that nobody is left over."""

import json
import os
import pathlib
import subprocess
import time
import unittest
import uuid

import server

TINY = ("--seconds", "0.05", "--rounds", "1", "--no-bare")
# Long enough for messages to be answered in each part of it, also on a busy machine.
BRIEF = ("--seconds", "1.5", "--rounds", "1", "--no-bare")


@unittest.skipIf(server.SANITIZER == "thread",
                 "ThreadSanitizer may keep the one signal that ends a server for itself")
class Compare(server.Case):
    def setUp(self):
        self.mark = f"CEDE_TEST_MARK={uuid.uuid4()}"

    def environment(self):
        name, value = self.mark.split("=")
        return {**os.environ, name: value}

    def start(self, *arguments, program=server.PROGRAM, **options):
        return subprocess.Popen(
            [program, "compare", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.environment(), **options)

    def compare(self, *arguments, **options):
        """Runs one to its end: exit code, stdout, stderr."""
        running = self.start(*arguments, **options)
        output, errors = running.communicate(timeout=server.PATIENCE)
        self.assertEqual(self.leftovers(), [])
        return running.returncode, output, errors

    def report(self, *arguments, **options):
        code, output, errors = self.compare("--json", *arguments, **options)
        self.assertEqual(code, 0, errors)
        return json.loads(output)

    def leftovers(self):
        """Processes that our comparison has started, or that those have."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                pass  # it has just ended
        return found

    def wait_until_nobody_is_left(self):
        end = time.monotonic() + server.PATIENCE
        while self.leftovers():
            self.assertLess(time.monotonic(), end, "processes are left over")
            time.sleep(0.01)

    def figures(self, value):
        """Every figure in a report: what has a unit, samples or a reason for having none."""
        if isinstance(value, dict):
            if "median" in value or "missing_because" in value and "name" not in value:
                yield value
            for inner in value.values():
                yield from self.figures(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self.figures(inner)
