// What tests ask of the simulator beside the driver's functions.
#include "api.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>

using namespace nibble::simulator;

namespace {

int put(const Counts& found, std::uint64_t* target, unsigned room) {
    std::copy_n(found.begin(), std::min<std::size_t>(room, found.size()), target);
    return static_cast<int>(found.size());
}

// Tells of what contexts left behind, where that is wanted, when the process ends.
[[gnu::destructor]] void report_leaks() {
    if (!driver().settings.verbose) {
        return;
    }
    const Counts left = driver().leaked;
    if (std::accumulate(left.begin(), left.end(), std::uint64_t{0}) != 0) {
        std::fprintf(stderr,
                     "CUDA simulator: contexts ended with %llu allocations of %llu bytes, %llu of host memory, %llu streams, "
                     "%llu events, %llu modules, %llu graphs, %llu executions\n",
                     static_cast<unsigned long long>(left[Count::allocations]),
                     static_cast<unsigned long long>(left[Count::allocated_bytes]),
                     static_cast<unsigned long long>(left[Count::host_allocations]),
                     static_cast<unsigned long long>(left[Count::streams]),
                     static_cast<unsigned long long>(left[Count::events]),
                     static_cast<unsigned long long>(left[Count::modules]),
                     static_cast<unsigned long long>(left[Count::graphs]),
                     static_cast<unsigned long long>(left[Count::executions]));
    }
}

}  // namespace

// What the last fault was: of a kernel, of a module that was refused, or one that was asked for. Returns its length.
NIBBLE_EXPORT nibbleSimulatorMessage(char* text, std::size_t room) {
    const std::lock_guard lock(driver().mutex);
    const std::string& message = driver().message;
    if (room > 0) {
        const std::size_t length = std::min(message.size(), room - 1);
        std::memcpy(text, message.data(), length);
        text[length] = 0;
    }
    return static_cast<int>(message.size());
}

// Replaces all faults (see fault_requests.h), counts calls from zero, forgets the last message, and brings lost devices back. 0 where the
// text is not understood.
NIBBLE_EXPORT nibbleSimulatorFaults(const char* text) {
    if (!driver().faults.set(text)) {
        return 0;
    }
    for (const auto& device : driver().devices) {
        device->lost = success;
    }
    const std::lock_guard lock(driver().mutex);
    driver().message.clear();
    driver().message_status = success;
    return 1;
}

// How often a function was called, or `kernel`, `copy` or `call` happened, since the faults were last set.
extern "C" [[gnu::visibility("default")]] std::uint64_t nibbleSimulatorCalls(const char* name) {
    return driver().faults.calls(name);
}

// What is alive, by kind; see Count in context.h. Returns the number of kinds.
NIBBLE_EXPORT nibbleSimulatorLive(std::uint64_t* numbers, unsigned room) { return put(count_live(nullptr), numbers, room); }

// What was alive when its context ended, since the last call; by kind.
NIBBLE_EXPORT nibbleSimulatorLeaks(std::uint64_t* numbers, unsigned room) {
    const std::lock_guard lock(driver().mutex);
    return put(std::exchange(driver().leaked, Counts{}), numbers, room);
}

// Whether devices can access each other's memory from now on.
NIBBLE_EXPORT nibbleSimulatorPeers(int possible) {
    driver().peers_possible = possible != 0;
    return 1;
}
