#include "io/operation.hpp"

#include "base/assert.hpp"
#include "base/slab.hpp"
#include "sched/parking.hpp"

namespace cede::io {
namespace {

// Never destroyed: a late event of a reactor in some other static still looks here.
base::slab<operation>& operations() {
  static auto* const all = new base::slab<operation>;
  return *all;
}

}  // namespace

operation::owner operation::make(code what, int fd, sched::runnable& waiter,
                                 std::span<std::byte> buffer) noexcept {
  return owner(operations().create(what, fd, waiter, buffer));
}

void operation::disposer::operator()(operation* o) const noexcept {
  CEDE_REQUIRE(!o->outstanding, "an I/O operation is given up before its completion has come");
  operations().destroy(o);
}

event_tag operation::tag() const noexcept {
  const std::uint32_t index = operations().index_of(this);
  return {.about = event_tag::subject::operation,
          .index = index,
          .generation = operations().generation_of(index) & event_tag::generation_mask};
}

operation* operation::find(event_tag tag) noexcept {
  operation* const found = operations().at(tag.index);
  return found->tag().generation == tag.generation ? found : nullptr;
}

void operation::complete(int outcome) noexcept {
  CEDE_ASSERT(outstanding, "an I/O operation completes twice");
  result = outcome;
  outstanding = false;
  sched::unpark(waiter);
}

}  // namespace cede::io
