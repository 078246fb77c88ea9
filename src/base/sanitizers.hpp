// Which sanitizers this build runs under, as 0 or 1, for gcc and clang alike.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define CEDE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CEDE_ASAN 1
#endif
#endif
#ifndef CEDE_ASAN
#define CEDE_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define CEDE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CEDE_TSAN 1
#endif
#endif
#ifndef CEDE_TSAN
#define CEDE_TSAN 0
#endif

// For functions that read memory which belongs to nobody at that moment, such as another stack.
#define CEDE_NO_SANITIZE_ADDRESS __attribute__((no_sanitize("address")))
#define CEDE_NO_SANITIZE_THREAD __attribute__((no_sanitize("thread")))
