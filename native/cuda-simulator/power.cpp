// NVIDIA's management library (NVML), as far as it tells what devices consume. Each consumes a constant power, its ordinal plus 1 times
// that which tests asked for; none was asked for at first, and then this says that it cannot tell, as old devices do.
#include <atomic>
#include <chrono>
#include <cstdio>

#include "api.h"

using namespace nibble::simulator;

namespace {

constexpr int nvml_invalid_argument = 2;
constexpr int nvml_not_supported = 3;
constexpr int nvml_not_found = 6;

std::atomic<unsigned> milliwatts{0};
std::atomic<bool> counts_energy{true};

// A device is its ordinal plus 1, so that none is null.
using Card = std::uintptr_t;

}  // namespace

// What the first device consumes; 0: it cannot tell. Without `counts`, there is only the power of the moment.
NIBBLE_EXPORT nibbleSimulatorPower(unsigned power, int counts) {
    milliwatts = power;
    counts_energy = counts != 0;
    return success;
}

NIBBLE_EXPORT nvmlInit_v2() { return success; }

// The device that is plugged in at domain:bus:device.function, in hexadecimal numbers.
NIBBLE_EXPORT nvmlDeviceGetHandleByPciBusId_v2(const char* place, Card* card) {
    unsigned domain = 0;
    unsigned bus = 0;
    if (place == nullptr || card == nullptr || std::sscanf(place, "%x:%x:", &domain, &bus) != 2) {
        return nvml_invalid_argument;
    }
    if (domain != 0 || bus == 0 || bus > driver().devices.size()) {
        return nvml_not_found;
    }
    *card = bus;
    return success;
}

NIBBLE_EXPORT nvmlDeviceGetPowerUsage(Card card, unsigned* power) {
    if (card == 0 || power == nullptr) {
        return nvml_invalid_argument;
    }
    *power = static_cast<unsigned>(milliwatts * card);
    return milliwatts == 0 ? nvml_not_supported : success;
}

// Millijoules since some time ago.
NIBBLE_EXPORT nvmlDeviceGetTotalEnergyConsumption(Card card, unsigned long long* energy) {
    if (card == 0 || energy == nullptr) {
        return nvml_invalid_argument;
    }
    const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
    *energy = static_cast<unsigned long long>(now.count() * milliwatts * static_cast<double>(card));
    return milliwatts == 0 || !counts_energy ? nvml_not_supported : success;
}
