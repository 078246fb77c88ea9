"""The examples do what they show."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import unittest

EXAMPLES = pathlib.Path(os.environ["CEDE_EXAMPLES"])
SOURCE = pathlib.Path(os.environ["CEDE_SOURCE"])
PATIENCE = 60.0


class Conversation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.result = subprocess.run(
            [EXAMPLES / "conversation"], capture_output=True, text=True, timeout=PATIENCE,
            check=False)
        cls.polite, cls.rude, cls.interrupted = (
            re.findall(r"^ *\d+\.\d\d s  ([AB]): (.*)$", section, re.MULTILINE)
            for section in re.split(r"^B .*:", cls.result.stdout + "\nB :", flags=re.MULTILINE)[:3])

    def test_it_ends_by_itself(self):
        self.assertEqual(self.result.returncode, 0)

    def test_the_watchdog_names_b_once_and_says_where_it_is(self):
        said = self.result.stderr
        self.assertEqual(len(re.findall(r"^cede: fiber 'B' has kept worker 0 for \d+ ms", said,
                                        re.MULTILINE)), 1, said)
        if not os.environ.get("TSAN_OPTIONS"):
            self.assertIn("1 waits behind it", said)
            self.assertRegex(said, r"  #\d+ .* at .*conversation.cpp:\d+")

    def test_while_both_yield_they_take_turns(self):
        self.assertEqual([who for who, _ in self.polite], ["A", "B"] * 5)
        lines = [line for _, line in self.polite]
        self.assertEqual(lines[0], "So, how was your day?")
        asked = lines.index("How nice. Could you pass the butter?")
        self.assertEqual(lines[asked + 1], "Of course, here it is.")

    def test_while_b_does_not_yield_a_cannot_ask_for_the_butter(self):
        self.assertEqual("".join(who for who, _ in self.rude), "ABBBBBABA")
        self.assertEqual(self.rude[0][1], "So, how was your day?")
        lines = [line for _, line in self.rude]
        self.assertEqual(lines.index("Could you pass the butter?"),
                         lines.index("And that is all about llamas.") + 1)


    def test_a_b_that_is_interrupted_lets_a_have_the_butter(self):
        if not self.interrupted:
            self.assertIn("B cannot be interrupted here: ", self.result.stdout)
            return
        lines = [line for _, line in self.interrupted]
        self.assertLess(lines.index("Could you pass the butter?"),
                        lines.index("And that is all about llamas."))


class EchoServer(unittest.TestCase):
    def test_it_is_the_program_that_outside_projects_build(self):
        self.assertEqual((SOURCE / "examples/echo_server.cpp").read_text(),
                         (SOURCE / "tests/install/echo.cpp").read_text())

    def test_it_echoes_and_leaves_with_0_on_sigterm(self):
        process = subprocess.Popen([EXAMPLES / "echo_server"])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        with self.connect(process) as connection:
            connection.sendall(b"So, how was your day?")
            self.assertEqual(connection.recv(100), b"So, how was your day?")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 0)

    def connect(self, process):
        """The example's port is fixed and it prints nothing, so this tries until it listens."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                return socket.create_connection(("127.0.0.1", 7000), PATIENCE)
            except ConnectionRefusedError:
                if process.poll() is not None:
                    self.skipTest("port 7000 is not free")
        raise AssertionError("it does not listen")


if __name__ == "__main__":
    unittest.main()
