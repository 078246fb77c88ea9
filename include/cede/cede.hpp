/// \file
/// All of cede.
#pragma once

#include <cede/blocking.hpp>
#include <cede/clock.hpp>
#include <cede/condition_variable.hpp>
#include <cede/deadline.hpp>
#include <cede/endpoint.hpp>
#include <cede/error.hpp>
#include <cede/event.hpp>
#include <cede/hog_report.hpp>
#include <cede/latch.hpp>
#include <cede/log.hpp>
#include <cede/mutex.hpp>
#include <cede/no_preempt.hpp>
#include <cede/reactor_kind.hpp>
#include <cede/runtime.hpp>
#include <cede/scope.hpp>
#include <cede/semaphore.hpp>
#include <cede/spawn.hpp>
#include <cede/stream.hpp>
#include <cede/tcp.hpp>
#include <cede/this_fiber.hpp>
#include <cede/wait.hpp>
