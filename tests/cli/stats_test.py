"""`cede serve echo --stats` answers lines on its stdin with its own count of what it has done."""

import json
import subprocess
import unittest

import server


class Stats(server.Case):
    def serve(self, *arguments):
        running = server.Server("--stats", "--workers", "1", *arguments, stdin=subprocess.PIPE)
        self.enterContext(running)
        return running

    def ask(self, running, lines="\n"):
        running.process.stdin.write(lines)
        running.process.stdin.flush()
        return [json.loads(running.process.stdout.readline()) for _ in range(lines.count("\n"))]

    def close(self, running, name):
        getattr(running.process, name).close()
        setattr(running.process, name, None)  # or Popen goes on to use it

    def test_every_message_of_a_fiber_takes_a_switch_to_it(self):
        running = self.serve("--kind", "cooperative")
        with running.connect() as connection:
            before = self.ask(running)[0]
            for _ in range(100):
                server.exchange(connection, b"hello")
            after = self.ask(running)[0]
        self.assertGreaterEqual(after["switches"] - before["switches"], 100)
        self.assert_stops(running)

    def test_the_messages_of_a_thread_take_none(self):
        running = self.serve("--kind", "os-thread")
        with running.connect() as connection:
            server.exchange(connection, b"hello")
            before = self.ask(running)[0]
            for _ in range(100):
                server.exchange(connection, b"hello")
            after = self.ask(running)[0]
        self.assertLess(after["switches"] - before["switches"], 10)
        self.assert_stops(running)

    def test_connections_that_have_ended_are_counted(self):
        running = self.serve()
        with running.connect() as connection:
            server.exchange(connection, b"x" * 300)
        while self.ask(running)[0]["connections"] < 1:
            pass
        self.assertEqual(self.ask(running)[0]["bytes"], 300)
        self.assert_stops(running)

    def test_what_hogs_compute_is_counted(self):
        running = self.serve("--kind", "os-thread", "--hog-byte", "H", "--hog-for", "50ms")
        self.assertEqual(self.ask(running)[0]["hog_units"], 0)
        with running.connect() as connection:
            server.exchange(connection, b"H")
        told = self.ask(running)[0]
        self.assertGreater(told["hog_units"], 0)
        self.assertEqual(told["preemptions"], 0)
        self.assertGreater(told["hog_ran_us"], 0)
        self.assert_stops(running)

    @unittest.skipUnless("preemptive" in server.permitted_kinds(), "no preemptive fibers here")
    def test_preemptions_are_counted(self):
        running = self.serve("--kind", "preemptive", "--hog-byte", "H", "--hog-for", "200ms")
        with running.connect() as connection, running.connect() as other:
            connection.sendall(b"H")
            server.exchange(other, b"hello")
            self.assertEqual(server.receive(connection, 1), b"H")
        self.assertGreater(self.ask(running)[0]["preemptions"], 0)
        self.assert_stops(running)

    def test_each_line_gets_an_answer_and_what_it_says_does_not_matter(self):
        self.assertEqual(len(self.ask(self.serve(), "\n\nso, how was your day?\n")), 3)

    def test_the_end_of_its_stdin_ends_nothing(self):
        running = self.serve()
        self.close(running, "stdin")
        with running.connect() as connection:
            server.exchange(connection, b"still there")
        self.assert_stops(running)

    def test_a_reader_that_has_left_ends_nothing(self):
        running = self.serve()
        self.close(running, "stdout")
        running.process.stdin.write("\n")
        running.process.stdin.flush()
        with running.connect() as connection:
            server.exchange(connection, b"still there")
        self.assert_stops(running)


if __name__ == "__main__":
    unittest.main()
