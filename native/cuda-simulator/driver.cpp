#include "driver.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <stdexcept>

namespace nibble::simulator {

Driver& driver() {
    static Driver* const instance = new Driver;
    return *instance;
}

Driver::Driver() {
    try {
        settings = read_settings();
    } catch (const std::invalid_argument& error) {
        settings_error = error.what();
    }
}

void Driver::start() {
    const std::lock_guard lock(start_mutex);
    if (started) {
        return;
    }
    std::vector<const Capability*> capabilities;
    for (const unsigned number : settings.capabilities) {
        capabilities.push_back(find_capability(number));
        if (settings_error.empty() && capabilities.back() == nullptr) {
            settings_error = "NIBBLE_SIMULATED_CAPABILITY is below 7.5";
        }
    }
    if (settings_error.empty() && !faults.set(settings.faults)) {
        settings_error = "NIBBLE_SIMULATOR_FAULTS=" + settings.faults + " is not understood; an example is cuMemAlloc@3=2";
    }
    if (!settings_error.empty()) {
        std::fprintf(stderr, "CUDA simulator: %s\n", settings_error.c_str());
        fail(unknown);
    }
    require(!settings.memories.empty(), no_device);
    for (const std::uint64_t bytes : settings.memories) {
        const std::size_t ordinal = devices.size();
        devices.push_back(std::make_unique<Device>(
            static_cast<int>(ordinal), bytes, *capabilities[std::min(ordinal, capabilities.size() - 1)]));
    }
    started = true;
}

Device& Driver::device(int ordinal) {
    require(ordinal >= 0 && static_cast<std::size_t>(ordinal) < devices.size(), invalid_device);
    return *devices[static_cast<std::size_t>(ordinal)];
}

Device* Driver::owner_of(std::uint64_t address) {
    for (const auto& candidate : devices) {
        if (candidate->memory.reserves(address)) {
            return candidate.get();
        }
    }
    return nullptr;
}

std::shared_ptr<Context> Driver::allocator_of(std::uint64_t address) {
    const auto owners = contexts.select([&](Context& context) {
        const std::lock_guard lock(context.mutex);
        const auto inside = [&](const std::map<std::uint64_t, std::uint64_t>& ranges) {
            const auto next = ranges.upper_bound(address);
            return next != ranges.begin() && address - std::prev(next)->first < std::prev(next)->second;
        };
        return inside(context.allocations) || inside(context.host_allocations);
    });
    return owners.empty() ? nullptr : owners.front();
}

void Driver::report(int status, const std::string& text) {
    const std::lock_guard lock(mutex);
    message = text;
    message_status = status;
    if (settings.verbose) {
        std::fprintf(stderr, "CUDA simulator: %s\n", text.c_str());
    }
}

}  // namespace nibble::simulator
