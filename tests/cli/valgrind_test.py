"""Memcheck finds nothing in a server from its start to its end: it knows the stacks of fibers."""

import os
import shutil
import subprocess
import unittest

import server

FAULT = 99
MEMCHECK = ("valgrind", "--quiet", f"--error-exitcode={FAULT}", "--leak-check=full",
            "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite")


@unittest.skipIf(shutil.which("valgrind") is None, "valgrind is not installed")
@unittest.skipIf(server.SANITIZED, "a sanitizer and valgrind do not go together")
class Valgrind(server.Case):
    def test_a_server_has_no_memory_errors(self):
        for kind in ("cooperative", "os-thread"):
            with self.subTest(kind=kind), server.Server(
                    "--kind", kind, "--workers", "2", "--drain", "0s", under=MEMCHECK) as running:
                with running.connections(5) as connections:
                    for connection in connections:
                        server.exchange(connection, os.urandom(20_000))
                    connections[0].close()
                    server.exchange(connections[1], b"still there?")
                    code, errors = running.stop()
                self.assertEqual(code, 0, errors)

    def test_preemptive_fibers_are_refused_with_the_reason(self):
        ended = subprocess.run(
            [*MEMCHECK, server.PROGRAM, "serve", "echo", "--kind", "preemptive", "--port", "0"],
            capture_output=True, text=True, timeout=server.PATIENCE, check=False)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn("--kind preemptive does not work here: valgrind ", ended.stderr)


if __name__ == "__main__":
    unittest.main()
