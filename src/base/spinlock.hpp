// The spinlock under the name that the layers use. Its text is a public header, as public types
// have one as a member.
#pragma once

#include <cede/detail/spinlock.hpp>
