"""How `cede compare` ends when it is told to, or when a server does what it must not."""

import os
import pathlib
import shutil
import signal
import tempfile
import unittest

import comparison
import server

FAKE_SERVER = """#!/usr/bin/env python3
import signal, socket, sys, threading
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
def serve(peer):
    while data := peer.recv(65536):
        {reply}
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


class Endings(comparison.Compare):
    def interrupted(self, number, folder):
        running = self.start("--kinds", "cooperative,os-thread", "--connections", "50",
                             "--seconds", "60", "--out", folder)
        line = running.stderr.readline()
        while "load on" not in line:
            line = running.stderr.readline()
            self.assertTrue(line, "it ended by itself")
        running.send_signal(number)
        output, errors = running.communicate(timeout=server.PATIENCE)
        return running.returncode, output, errors

    def test_signals_end_it_with_all_its_children_and_without_a_report(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number), tempfile.TemporaryDirectory() as folder:
                code, output, errors = self.interrupted(number, folder)
                self.assertEqual((code, output, errors), (128 + number, "", "cede: interrupted\n"))
                self.assertEqual(self.leftovers(), [])
                self.assertEqual(os.listdir(folder), [])

    def test_children_do_not_outlive_one_that_is_killed(self):
        with tempfile.TemporaryDirectory() as folder:
            code, _, _ = self.interrupted(signal.SIGKILL, folder)
            self.assertEqual(code, -signal.SIGKILL)
            self.wait_until_nobody_is_left()

    def test_a_report_that_cannot_be_written_does_not_take_the_figures_with_it(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "report.html").mkdir()
            code, output, errors = self.compare(
                "--kinds", "cooperative", "--connections", "10", "--out", folder, *comparison.TINY)
        self.assertEqual(code, 1)
        self.assertRegex(errors.splitlines()[-1],
                         r"\Acede: cannot write \S+report.html: Is a directory; choose another")
        self.assertIn("cooperative fibers", output)

    def with_fake_server(self, reply):
        """A comparison with a peer that replies by this statement."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        program = folder / "cede"
        shutil.copy(server.PROGRAM, program)
        (folder / "share/cede/peers").mkdir(parents=True)
        (folder / "bench").mkdir()
        fake = folder / "bench/echo_baseline_epoll"
        fake.write_text(FAKE_SERVER.format(reply=reply))
        fake.chmod(0o755)
        return self.compare("--peers", "raw-epoll", "--kinds", "cooperative", "--connections", "10",
                            *comparison.TINY, program=str(program))

    def assert_failed(self, result, *texts):
        code, output, errors = result
        self.assertEqual((code, output), (1, ""), errors)
        last = errors.splitlines()[-1]
        self.assertTrue(last.startswith("cede: raw-epoll, "), last)
        for text in texts:
            self.assertIn(text, last)

    def test_a_server_that_answers_right_passes(self):
        code, output, errors = self.with_fake_server("peer.sendall(data)")
        self.assertEqual(code, 0, errors)
        self.assertIn("epoll loop by hand", output)

    def test_a_wrong_byte_fails_the_run(self):
        self.assert_failed(self.with_fake_server("peer.sendall(data[:-1] + b'x')"), "the client")

    def test_a_byte_that_is_missing_fails_the_run(self):
        self.assert_failed(
            self.with_fake_server("peer.sendall(data[:-1]); peer.close(); return"), "the client")

    def test_a_lost_connection_fails_the_run(self):
        self.assert_failed(self.with_fake_server("peer.close(); return"), "the client")

    def test_a_server_that_ends_fails_the_run(self):
        self.assert_failed(self.with_fake_server("import os; os._exit(7)"))


if __name__ == "__main__":
    unittest.main()
