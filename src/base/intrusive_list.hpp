// Lists whose links live in the elements: no allocation, removal in constant time.
//
// Neither owns its elements and neither locks: the owner of the list does both. An element outlives
// its membership.
#pragma once

#include <cstddef>
#include <iterator>
#include <utility>

#include "base/assert.hpp"

namespace cede::base {

struct default_tag;
template <class T, class Tag>
class intrusive_list;
template <class T, class Tag>
class intrusive_ring;

// Base class of what can be in one intrusive_list<T, Tag>; several with different tags allow to be
// in several lists at once.
template <class Tag = default_tag>
class list_hook {
 public:
  list_hook() noexcept = default;
  list_hook(const list_hook&) = delete;
  list_hook& operator=(const list_hook&) = delete;
  ~list_hook() { CEDE_ASSERT(!linked(), "list_hook: destroyed while in a list"); }

  [[nodiscard]] bool linked() const noexcept { return next_ != nullptr; }

 private:
  template <class, class>
  friend class intrusive_list;
  template <class, class>
  friend class intrusive_ring;

  list_hook* next_ = nullptr;
  list_hook* previous_ = nullptr;
};

// Doubly linked, circular around a sentinel, so that linking and unlinking have no branch.
template <class T, class Tag = default_tag>
class intrusive_list {
  using hook = list_hook<Tag>;

 public:
  class iterator {
   public:
    using value_type = T;
    using reference = T&;
    using pointer = T*;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;

    iterator() noexcept = default;
    [[nodiscard]] T& operator*() const noexcept { return *static_cast<T*>(at_); }
    [[nodiscard]] T* operator->() const noexcept { return static_cast<T*>(at_); }
    iterator& operator++() noexcept {
      at_ = at_->next_;
      return *this;
    }
    iterator operator++(int) noexcept { return std::exchange(*this, iterator(at_->next_)); }
    bool operator==(const iterator&) const noexcept = default;

   private:
    friend intrusive_list;
    explicit iterator(hook* at) noexcept : at_(at) {}
    hook* at_ = nullptr;
  };

  intrusive_list() noexcept { head_.next_ = head_.previous_ = &head_; }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;
  ~intrusive_list() {
    CEDE_ASSERT(empty(), "intrusive_list: destroyed with elements in it");
    head_.next_ = nullptr;
  }

  void push_back(T& element) noexcept { link_before(head_, element); }
  void push_front(T& element) noexcept { link_before(*head_.next_, element); }
  // Links `element` before `position`, which may be end().
  void insert(iterator position, T& element) noexcept { link_before(*position.at_, element); }

  // The first element, unlinked, or nullptr.
  [[nodiscard]] T* pop_front() noexcept {
    if (empty()) return nullptr;
    T& first = *begin();
    remove(first);
    return &first;
  }

  // Requires: `element` is in this list.
  void remove(T& element) noexcept {
    hook& links = element;
    CEDE_ASSERT(links.linked() && size_ > 0, "intrusive_list: removed what is in no list");
    links.previous_->next_ = links.next_;
    links.next_->previous_ = links.previous_;
    links.next_ = links.previous_ = nullptr;
    --size_;
  }

  // Moves all elements of `other` behind the last one here.
  void splice_back(intrusive_list& other) noexcept {
    if (other.empty()) return;
    hook* const first = other.head_.next_;
    hook* const last = other.head_.previous_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
    size_ += std::exchange(other.size_, 0);
    other.head_.next_ = other.head_.previous_ = &other.head_;
  }

  [[nodiscard]] T* front() noexcept { return empty() ? nullptr : &*begin(); }
  [[nodiscard]] T* back() noexcept { return empty() ? nullptr : static_cast<T*>(head_.previous_); }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] iterator begin() noexcept { return iterator(head_.next_); }
  [[nodiscard]] iterator end() noexcept { return iterator(&head_); }

 private:
  void link_before(hook& position, T& element) noexcept {
    hook& links = element;
    CEDE_ASSERT(!links.linked(), "intrusive_list: element is in a list already");
    links.next_ = &position;
    links.previous_ = position.previous_;
    position.previous_->next_ = &links;
    position.previous_ = &links;
    ++size_;
  }

  hook head_;
  std::size_t size_ = 0;
};

// Singly linked, first in first out: one pointer an element. `Next` is the member that links:
// intrusive_queue<runnable, &runnable::next>.
template <class T, auto Next>
class intrusive_queue {
 public:
  intrusive_queue() noexcept = default;
  intrusive_queue(const intrusive_queue&) = delete;
  intrusive_queue& operator=(const intrusive_queue&) = delete;
  intrusive_queue(intrusive_queue&& other) noexcept { splice_back(other); }

  void push_back(T& element) noexcept {
    element.*Next = nullptr;
    *tail_ = &element;
    tail_ = &(element.*Next);
    ++size_;
  }

  void push_front(T& element) noexcept {
    element.*Next = head_;
    if (head_ == nullptr) tail_ = &(element.*Next);
    head_ = &element;
    ++size_;
  }

  // The first element, unlinked, or nullptr.
  [[nodiscard]] T* pop_front() noexcept {
    T* const first = head_;
    if (first == nullptr) return nullptr;
    head_ = std::exchange(first->*Next, nullptr);
    if (head_ == nullptr) tail_ = &head_;
    --size_;
    return first;
  }

  // Moves all elements of `other` behind the last one here.
  void splice_back(intrusive_queue& other) noexcept {
    if (other.empty()) return;
    *tail_ = std::exchange(other.head_, nullptr);
    tail_ = std::exchange(other.tail_, &other.head_);
    size_ += std::exchange(other.size_, 0);
  }

  [[nodiscard]] T* front() const noexcept { return head_; }
  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  T* head_ = nullptr;
  T** tail_ = &head_;  // where the next element's address goes
  std::size_t size_ = 0;
};

}  // namespace cede::base
