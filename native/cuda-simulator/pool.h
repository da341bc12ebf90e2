// Threads that share the blocks of launches.
#pragma once

#include <cstdint>
#include <functional>

namespace nibble::simulator {

// Calls work(i) for all i below the count, on this thread and on those of the pool, and returns when all calls have ended. After a call
// that throws, no more are begun, and what it threw is thrown again here. May be called by several threads at once.
void for_each(std::uint64_t count, const std::function<void(std::uint64_t)>& work);

}  // namespace nibble::simulator
