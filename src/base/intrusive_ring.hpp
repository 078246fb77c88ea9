// A list of list_hooks that takes one pointer, for objects by the million that have a list each and
// nearly always an empty one. What it has beyond intrusive_list is the chain: elements taken out
// together, which their new owner goes through after it has given up the lock of the ring.
//
// An element's hook is in one of three states:
//   idle       both links null
//   in a ring  both links set; the ring is closed, so a lone element points to itself
//   chained    previous null; next is the following element of the chain, or null
//
// Neither owns its elements and neither locks. This class is a view: the pointer to the first
// element belongs to whoever makes it.
#pragma once

#include <cstddef>
#include <utility>

#include "base/assert.hpp"
#include "base/intrusive_list.hpp"

namespace cede::base {

template <class T, class Tag>
class intrusive_ring {
  using hook = list_hook<Tag>;

 public:
  explicit intrusive_ring(T*& first) noexcept : first_(first) {}

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  // Whether `element` is in a ring; false while it is chained.
  [[nodiscard]] static bool holds(const T& element) noexcept {
    return static_cast<const hook&>(element).previous_ != nullptr;
  }

  void push_back(T& element) noexcept {
    hook& links = element;
    CEDE_ASSERT(!links.linked(), "intrusive_ring: element is in a list already");
    if (empty()) {
      links.next_ = links.previous_ = &links;
      first_ = &element;
      return;
    }
    hook& first = *first_;
    links.next_ = &first;
    links.previous_ = first.previous_;
    first.previous_->next_ = &links;
    first.previous_ = &links;
  }

  void push_front(T& element) noexcept {
    push_back(element);
    first_ = &element;
  }

  // Requires: `element` is in this ring.
  void remove(T& element) noexcept {
    hook& links = element;
    CEDE_ASSERT(holds(element), "intrusive_ring: removed what is in no ring");
    if (links.next_ == &links) {
      first_ = nullptr;
    } else {
      links.previous_->next_ = links.next_;
      links.next_->previous_ = links.previous_;
      if (first_ == &element) first_ = static_cast<T*>(links.next_);
    }
    links.next_ = links.previous_ = nullptr;
  }

  struct chain {
    T* first = nullptr;
    std::size_t size = 0;
  };

  // Takes up to `most` elements from the front.
  [[nodiscard]] chain take(std::size_t most) noexcept {
    chain taken;
    hook* last = nullptr;
    for (; taken.size < most && !empty(); ++taken.size) {
      T& element = *first_;
      remove(element);
      if (last == nullptr)
        taken.first = &element;
      else
        last->next_ = &element;
      last = &element;
    }
    return taken;
  }

  // The first element of a chain, made idle, or null.
  [[nodiscard]] static T* pop(chain& from) noexcept {
    if (from.first == nullptr) return nullptr;
    hook& links = *from.first;
    --from.size;
    return std::exchange(from.first, static_cast<T*>(std::exchange(links.next_, nullptr)));
  }

 private:
  T*& first_;
};

}  // namespace cede::base
