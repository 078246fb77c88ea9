// How an edge reaches those who wait: descriptor.hpp rules 2 and 6. In two steps, so that a test
// can let a reader come between them; in descriptor::deliver nothing is left of that.
#pragma once

#include "io/descriptor.hpp"
#include "sched/parking.hpp"

namespace cede::io {

// Takes the reader that waits out of its slot and receives on its behalf.
[[gnu::always_inline]] inline descriptor::delivery descriptor::begin_delivery(
    std::uint64_t news) noexcept {
  using namespace descriptor_state;
  sched::runnable* reader = nullptr;
  if ((news & readable) != 0 && (reader = claim(reader_)) != nullptr)
    news = receive_for_reader(news);
  return {.news = news, .reader = reader};
}

// Nearly every edge says "writable" too, to a socket that is known to be. Without a writer nobody
// waits for that or is about to clear the bit: one that comes after this look at the state and
// finds the socket full has found that after the edge.
inline bool descriptor::is_known(std::uint64_t news) const noexcept {
  const std::uint64_t seen = state_.load(std::memory_order_acquire);
  return (seen & news) == news && (seen & descriptor_state::writing) == 0;
}

// A reader that has come since has not seen the news, as they were not there yet: it is in the slot
// by now or will see them (rule 2).
[[gnu::always_inline]] inline void descriptor::finish_delivery(event_tag tag,
                                                               delivery begun) noexcept {
  using namespace descriptor_state;
  if (begun.reader != nullptr && is_known(begun.news)) return sched::unpark(*begun.reader);
  if (add_news(tag, begun.news)) {
    if ((begun.news & readable) != 0 && begun.reader == nullptr) wake(reader_);
    if ((begun.news & writable) != 0) wake(writer_);
  }
  if (begun.reader != nullptr) sched::unpark(*begun.reader);
}

}  // namespace cede::io
