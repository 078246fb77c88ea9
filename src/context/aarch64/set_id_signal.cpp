// Without own TLS blocks there is nothing to mend.
#include "context/set_id_signal.hpp"

namespace cede::context {

known_thread::known_thread() noexcept = default;
known_thread::~known_thread() { slot_ = -1; }
bool take_set_id_signal() noexcept { return false; }

}  // namespace cede::context
