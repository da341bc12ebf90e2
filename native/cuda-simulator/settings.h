// What the environment says of the simulated devices.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nibble::simulator {

struct Settings {
    std::vector<std::uint64_t> memories;  // bytes of each device: NIBBLE_SIMULATED_DEVICES, e.g. 2x8GiB or 8GiB,512MiB or 0
    std::vector<unsigned> capabilities;   // 10 * major + minor of each device, the last one of all others: NIBBLE_SIMULATED_CAPABILITY
    int driver_version = 12080;           // 1000 * major + 10 * minor: NIBBLE_SIMULATED_DRIVER, e.g. 12.8
    bool verbose = false;                 // NIBBLE_SIMULATOR_VERBOSE: faults and leaks are written to stderr
    bool execution = true;                // false: kernels do nothing: NIBBLE_SIMULATED_EXECUTION, on or off
    std::string faults;                   // NIBBLE_SIMULATOR_FAULTS: see fault_requests.h
};

// Throws std::invalid_argument, which names the variable and what it may be.
Settings read_settings();

// The newest PTX version, 10 * major + minor, that a driver of this version of CUDA compiles.
unsigned newest_ptx(int driver_version);

}  // namespace nibble::simulator
