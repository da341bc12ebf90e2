// Copies from global to shared memory that a warp has begun with cp.async and not waited for yet.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "program.h"

namespace nibble::simulator {

// What one cp.async of some lanes has begun.
struct AsyncCopy {
    std::uint32_t mask = 0;                        // lanes that have not waited for it
    unsigned bytes = 0;                            // of each lane
    std::array<std::uint32_t, lanes> to{};         // offsets in shared memory
    std::array<std::uint64_t, lanes> from{};       // host addresses
    std::array<std::uint32_t, lanes> read_bytes{};  // so many come from there, zeros follow
    std::array<std::uint32_t, lanes> group{};      // how many groups the lane had committed before
};

struct AsyncCopies {
    std::vector<AsyncCopy> pending;  // in their order
    std::array<std::uint32_t, lanes> committed{};  // groups of each lane
};

}  // namespace nibble::simulator
