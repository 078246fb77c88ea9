#include "measure/compare/proc_text.hpp"

#include <gtest/gtest.h>

namespace cede::measure::compare {
namespace {

constexpr std::string_view status =
    "Name:\tcede\nUmask:\t0022\nVmPTE:\t      96 kB\nThreads:\t3\n"
    "voluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";

constexpr std::string_view slabinfo =
    "slabinfo - version: 2.1\n"
    "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables\n"
    "TCP                   26     39   2368   13    8 : tunables    0    0    0 : slabdata\n"
    "kmalloc-192         8086   8127    192   21    1 : tunables    0    0    0 : slabdata\n"
    "a_line_cut_off        12\n"
    "\n"
    "eventpoll_epi        320    320    128   32    1 : tunables    0    0    0 : slabdata";

TEST(ProcText, voluntary_switches_are_not_taken_for_the_others) {
  const auto switches = switches_of(status);
  ASSERT_TRUE(switches);
  EXPECT_EQ(switches->voluntary, 150U);
  EXPECT_EQ(switches->involuntary, 545U);
}

TEST(ProcText, a_status_without_switches_has_none) {
  EXPECT_FALSE(switches_of("Name:\tcede\n"));
  EXPECT_FALSE(switches_of("voluntary_ctxt_switches:\t150\n"));
}

TEST(ProcText, caches_are_read_and_lines_of_another_form_passed_over) {
  const auto caches = slab_caches_of(slabinfo);
  ASSERT_TRUE(caches);
  ASSERT_EQ(caches->size(), 3U);
  EXPECT_EQ(caches->at(0).name, "TCP");
  EXPECT_EQ(caches->at(0).objects, 26U);
  EXPECT_EQ(caches->at(0).object_bytes, 2368U);
  EXPECT_EQ(caches->at(1).name, "kmalloc-192");
  EXPECT_EQ(caches->at(2).objects, 320U);
}

TEST(ProcText, what_is_no_slabinfo_is_refused) {
  EXPECT_FALSE(slab_caches_of(""));
  EXPECT_FALSE(slab_caches_of("TCP 26 39 2368 13 8\n"));
  EXPECT_FALSE(slab_caches_of("slabinfo - version: 2.1\n# name\n"));
  EXPECT_FALSE(slab_caches_of("slabinfo - version: 3.0\nTCP 26 39 2368 13 8\n"));
}

TEST(ProcText, waiting_for_disks_is_idle_and_guests_are_not_counted_twice) {
  const auto ticks =
      cpu_ticks_of("cpu  100 10 50 1000 200 3 7 40 5 1\ncpu0 1 2 3 4 5 6 7 8 9 10\n");
  ASSERT_TRUE(ticks);
  EXPECT_EQ(ticks->busy, 170U);
  EXPECT_EQ(ticks->stolen, 40U);
  EXPECT_EQ(ticks->all, 1410U);
}

TEST(ProcText, a_stat_line_that_is_cut_off_is_refused) {
  EXPECT_FALSE(cpu_ticks_of("cpu  100 10 50 1000\n"));
  EXPECT_FALSE(cpu_ticks_of("cpu0 100 10 50 1000 200 3 7 40 5 1\n"));
  EXPECT_FALSE(cpu_ticks_of(""));
}

TEST(ProcText, the_load_and_the_threads_of_the_system) {
  const auto load = load_of("13.76 7.59 3.30 16/179 19802\n");
  ASSERT_TRUE(load);
  EXPECT_DOUBLE_EQ(load->one_minute, 13.76);
  EXPECT_EQ(load->threads, 179U);
  EXPECT_FALSE(load_of("13.76 7.59 3.30 16 19802\n"));
  EXPECT_FALSE(load_of("13,76 7.59 3.30 16/179 19802\n"));
}

}  // namespace
}  // namespace cede::measure::compare
