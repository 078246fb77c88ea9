"""`cede load --cues` stops at each stage until a line tells it to go on."""

import json
import subprocess
import unittest

import server


class LoadCues(server.Case):
    def load(self, running, *arguments):
        client = subprocess.Popen(
            [server.PROGRAM, "load", *arguments, "--json", "--cues",
             "--port", str(running.address[1])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(client.communicate)
        self.addCleanup(client.kill)
        return client

    def read(self, client):
        return json.loads(client.stdout.readline())

    def go_on(self, client):
        client.stdin.write("\n")
        client.stdin.flush()

    def test_idle_stops_at_each_stage_and_reports_at_the_end(self):
        with server.Server() as running:
            client = self.load(running, "idle", "--late-echo", "--first", "3", "--connections", "10")
            for stage in ("first-opened", "opened", "exchanged"):
                self.assertEqual(self.read(client), {"stage": stage})
                self.go_on(client)
            self.assertEqual(self.read(client)["connections"], 10)
            self.assertEqual(client.wait(server.PATIENCE), 0)
            self.assert_stops(running)

    def test_what_is_weighed_late_has_seen_no_message(self):
        with server.Server("--stats", stdin=subprocess.PIPE) as running:
            client = self.load(running, "idle", "--late-echo", "--connections", "5")
            self.assertEqual(self.read(client), {"stage": "first-opened"})
            self.go_on(client)
            self.assertEqual(self.read(client), {"stage": "opened"})
            client.kill()  # and tell it nothing more: nobody might be left to read it
            answer = {"connections": 0}
            while answer["connections"] < 5:
                running.process.stdin.write("\n")
                running.process.stdin.flush()
                answer = json.loads(running.process.stdout.readline())
            self.assertEqual(answer["bytes"], 0)

    def test_echo_tells_all_messages_between_its_last_two_stages(self):
        with server.Server("--stats", stdin=subprocess.PIPE) as running:
            client = self.load(running, "echo", "--connections", "4", "--size", "10",
                               "--warm-up", "10ms", "--duration", "20ms")
            for stage in ("first-opened", "opened", "measured"):
                self.assertEqual(self.read(client), {"stage": stage})
                self.go_on(client)
            report = self.read(client)
            self.assertEqual(client.wait(server.PATIENCE), 0)
            answer = {"connections": 0}
            while answer["connections"] < 4:
                running.process.stdin.write("\n")
                running.process.stdin.flush()
                answer = json.loads(running.process.stdout.readline())
        greetings = 4
        self.assertEqual(answer["bytes"], 10 * (report["messages_in_all"] + greetings))
        self.assertGreaterEqual(report["messages_in_all"], report["messages"])

    def test_the_end_of_stdin_is_an_error(self):
        with server.Server() as running:
            client = self.load(running, "idle", "--connections", "1")
            _, errors = client.communicate()
        self.assertEqual(client.returncode, 1)
        self.assertEqual(errors, "cede: --cues: stdin ended at the stage 'first-opened'\n")


if __name__ == "__main__":
    unittest.main()
