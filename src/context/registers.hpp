// Registers of what a signal interrupted: program_counter, set_program_counter, stack_pointer.
#pragma once

#if defined(__x86_64__)
#include "context/x86_64/registers.hpp"
#elif defined(__aarch64__)
#include "context/aarch64/registers.hpp"
#endif
