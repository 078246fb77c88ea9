"""The model of the parking protocol holds, and finds the bugs that are planted in it."""

import unittest

import model_checking


class ParkingModelTest(model_checking.ModelTest):
    model = "parking.pml"

    def test_a_fiber_is_woken_once_for_each_claim(self):
        self.assert_holds("ROUNDS=2")

    def test_an_os_thread_is_woken_once_for_each_claim(self):
        self.assert_holds("ROUNDS=2", "KERNEL")

    def test_parking_without_a_look_at_the_permit_loses_a_wake(self):
        self.assert_found("acceptance cycle", "ROUNDS=2", "BUG_BLIND_PUBLISH")
        self.assert_found("acceptance cycle", "ROUNDS=2", "BUG_BLIND_PUBLISH", "KERNEL")

    def test_leaving_although_claimed_leaves_a_permit_behind(self):
        self.assert_found("assertion violated", "ROUNDS=2", "BUG_NO_AWAIT")

    def test_a_deadline_that_does_not_look_readies_twice(self):
        self.assert_found("readied==1", "ROUNDS=2", "BUG_UNCHECKED_EXPIRE")

    def test_a_carrier_read_before_the_mark_may_be_the_wrong_one(self):
        self.assert_found("by==carrier", "ROUNDS=2", "BUG_CARRIER_FIRST")


if __name__ == "__main__":
    unittest.main()
