// The control block of an OS thread that cede has spawned: a runnable that the kernel carries.
#pragma once

#include <array>

#include "sched/spawned.hpp"

namespace cede::sched {

class os_thread final : public spawned {
 public:
  /// Created and running.
  /// Errors: thread_unavailable, not_permitted, invalid_argument.
  static result<os_thread*> create(const attributes& how, const detail::body& callable,
                                   child_group* group, scheduler& owner);

  os_thread() noexcept;

 private:
  static void* enter(void* self);
  result<> place_body(const detail::body& callable);
  void free_storage() noexcept;
  void abandon(const detail::body& callable) noexcept;
  void finish() noexcept;
  std::array<char, 16> short_name() const noexcept;
  void dispose() noexcept override;

  std::size_t alignment_ = 0;
  std::size_t stack_bytes_ = 0;
};

}  // namespace cede::sched
