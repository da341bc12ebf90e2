// A simulated device.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "memory.h"

namespace nibble::simulator {

struct Context;

// What differs between compute capabilities.
struct Capability {
    unsigned number;                // 10 * major + minor
    int shared_per_block_optin;     // bytes
    int shared_per_multiprocessor;  // bytes
    int threads_per_multiprocessor;
    int blocks_per_multiprocessor;
};

struct Device {
    Device(int device_ordinal, std::uint64_t bytes, const Capability& device_capability)
        : ordinal(device_ordinal), capability(device_capability), memory(device_ordinal, bytes) {}

    const int ordinal;
    const Capability& capability;
    DeviceMemory memory;
    std::atomic<int> lost = 0;  // the error of every call, once the device is lost

    std::mutex mutex;  // guards what follows
    std::shared_ptr<Context> primary;
    int primary_owners = 0;
    unsigned primary_flags = 0;

    std::string name() const;
    std::array<std::uint8_t, 16> uuid() const;
    // Nothing where there is no attribute of this number.
    std::optional<int> attribute(int number) const;
};

// The one of this number, or the nearest below it that is known; null below 7.5.
const Capability* find_capability(unsigned number);

}  // namespace nibble::simulator
