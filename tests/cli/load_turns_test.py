"""`cede load echo --turns` measures once for each line on stdin, over the same connections."""

import json
import pathlib
import re
import signal
import subprocess
import unittest

import server


class LoadTurns(server.Case):
    def load(self, running, *arguments):
        client = subprocess.Popen(
            [server.PROGRAM, "load", "echo", *arguments, "--json", "--turns", "--settle", "0ms",
             "--warm-up", "1ms", "--duration", "10ms", "--port", str(running.address[1])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(client.communicate)
        self.addCleanup(client.kill)
        return client

    def turn(self, client, words=""):
        client.stdin.write(words + "\n")
        client.stdin.flush()
        return json.loads(client.stdout.readline())

    def ended(self, client):
        output, errors = client.communicate(timeout=server.PATIENCE)
        return client.returncode, output, errors

    def bytes_answered(self, running, connections):
        answer = {"connections": 0}
        while answer["connections"] < connections:
            running.process.stdin.write("\n")
            running.process.stdin.flush()
            answer = json.loads(running.process.stdout.readline())
        return answer["bytes"]

    def test_all_messages_of_a_turn_and_no_others_are_answered_when_it_has_reported(self):
        with server.Server("--stats", stdin=subprocess.PIPE) as running:
            client = self.load(running, "--connections", "4", "--size", "10")
            turns = [self.turn(client) for _ in range(3)]
            self.assertEqual(self.ended(client), (0, "", ""))
            answered = self.bytes_answered(running, 4)
        greetings = 4
        messages = sum(turn["messages_in_all"] for turn in turns)
        self.assertGreater(messages, 0)
        self.assertEqual(answered, 10 * (messages + greetings))

    def test_the_connections_stay_the_same(self):
        with server.Server() as running:
            client = self.load(running, "--connections", "5")
            openings = {self.turn(client)["opening_seconds"] for _ in range(3)}
            self.assertEqual(len(openings), 1)
            self.assertEqual(self.ended(client)[0], 0)

    def test_a_line_may_ask_for_another_loop_and_the_next_is_as_usual_again(self):
        with server.Server() as running:
            client = self.load(running, "--connections", "5")
            paced = self.turn(client, "--rate 1000/s --duration 20ms")
            self.assertEqual((paced["loop"], paced["seconds"]), ("open", 0.02))
            usual = self.turn(client)
            self.assertEqual((usual["loop"], usual["seconds"]), ("closed", 0.01))
            self.assertEqual(self.ended(client), (0, "", ""))

    def test_no_line_is_no_turn(self):
        with server.Server() as running:
            self.assertEqual(self.ended(self.load(running, "--connections", "5")), (0, "", ""))

    def test_a_line_that_cannot_be_meant_is_refused(self):
        with server.Server() as running:
            client = self.load(running, "--connections", "1")
            client.stdin.write("--duration soon\n")
            code, output, errors = self.ended(client)
        self.assertEqual((code, output), (1, ""))
        self.assertRegex(errors, r"\Acede: --turns: the line '--duration soon': [^\n]+\n\Z")

    def test_neither_end_does_anything_in_the_turn_of_another(self):
        with server.Server() as running, server.Server() as other:
            client = self.load(running, "--connections", "5")
            self.turn(client)
            before = [self.switches_at_rest(one) for one in (client, running.process)]
            self.turn(self.load(other, "--connections", "5"), "--duration 200ms")
            after = [self.switches_at_rest(one) for one in (client, running.process)]
        # A few are the background threads of a sanitizer; at work each has thousands.
        for earlier, later in zip(before, after):
            self.assertLess(later - earlier, 20)

    def switches_at_rest(self, process):
        """How often its threads have waited, once all of them do."""
        for _ in range(10000):
            texts = [status.read_text() for status in
                     pathlib.Path(f"/proc/{process.pid}/task").glob("*/status")]
            if all("\nState:\tS" in text for text in texts):
                return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1])
                           for text in texts)
        self.fail("it does not come to rest")

    def test_a_signal_ends_the_wait_for_a_line(self):
        with server.Server() as running:
            client = self.load(running, "--connections", "5")
            self.turn(client)
            client.send_signal(signal.SIGTERM)
            client.wait(server.PATIENCE)  # its stdin is still open
            output, errors = client.communicate(timeout=server.PATIENCE)
        self.assertEqual((client.returncode, output), (128 + signal.SIGTERM, ""))
        self.assertEqual(errors, "cede: stopped by SIGTERM: the figures are those up to then\n")

    def test_a_server_that_has_gone_meanwhile_fails_the_next_turn(self):
        with server.Server() as running:
            client = self.load(running, "--connections", "2")
            self.turn(client)
            running.process.kill()
            running.process.wait()
            client.stdin.write("\n")
            code, output, errors = self.ended(client)
        self.assertEqual((code, output), (1, ""))
        self.assertRegex(errors, r"\Acede: connection \d, message \d+, [^\n]+\n\Z")


if __name__ == "__main__":
    unittest.main()
