"""The model of the mutex holds, and finds the bugs that are planted in it."""

import unittest

import model_checking


class MutexModelTest(model_checking.ModelTest):
    model = "mutex.pml"

    def test_it_excludes_and_everybody_gets_through(self):
        self.assert_holds()
        self.assert_holds("PATIENCE=2")

    def test_freeing_under_the_lock_of_the_queue_touches_a_destroyed_mutex(self):
        self.assert_found("destroyed", "BUG_FREE_UNDER_LOCK")

    def test_waiting_for_a_free_mutex_breaks_the_flags(self):
        self.assert_found("assertion violated", "BUG_BLIND_ANNOUNCE")

    def test_a_woken_waiter_that_stays_woken_is_never_woken_again(self):
        self.assert_found("acceptance cycle", "BUG_KEEP_WAKING")


if __name__ == "__main__":
    unittest.main()
