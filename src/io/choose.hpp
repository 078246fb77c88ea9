// The backend for a worker.
#pragma once

#include <cede/error.hpp>
#include <cede/reactor_kind.hpp>
#include <memory>

#include "io/reactor.hpp"

namespace cede::sched {
class worker;
}

namespace cede::io {

/// Errors: not_supported if this kernel, or its administrator, does not offer `kind`; EMFILE,
/// ENFILE, ENOMEM; invalid_argument if `kind` is none.
result<std::unique_ptr<reactor>> make_reactor(reactor_kind kind, sched::worker& owner) noexcept;

}  // namespace cede::io
