#include "settings.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace nibble::simulator {
namespace {

constexpr unsigned most_devices = 16;

std::string variable(const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != 0 ? value : otherwise;
}

[[noreturn]] void refuse(const char* name, const std::string& value, const char* example) {
    throw std::invalid_argument(std::string(name) + "=" + value + " is not understood; an example is " + example);
}

// One part of the list: 8GiB, or 2x8GiB.
bool read_memory(const std::string& item, unsigned& count, std::uint64_t& bytes) {
    int start = 0;
    if (std::sscanf(item.c_str(), "%2ux%n", &count, &start) != 1 || start == 0) {
        count = 1;
        start = 0;
    }
    char unit = 0;
    int end = -1;
    const char* const size = item.c_str() + start;
    if (std::sscanf(size, "%5" SCNu64 "%ciB%n", &bytes, &unit, &end) != 2 || end < 0 || size[end] != 0) {
        return false;
    }
    bytes <<= unit == 'G' ? 30 : 20;
    return count > 0 && bytes > 0 && (unit == 'G' || unit == 'M');
}

std::vector<std::uint64_t> read_memories() {
    constexpr const char* name = "NIBBLE_SIMULATED_DEVICES";
    const std::string text = variable(name, "2x8GiB");
    if (text == "0") {
        return {};
    }
    std::vector<std::uint64_t> memories;
    bool whole = true;
    std::istringstream items(text);
    for (std::string item; whole && std::getline(items, item, ',');) {
        unsigned count = 1;
        std::uint64_t bytes = 0;
        whole = read_memory(item, count, bytes);
        memories.insert(memories.end(), whole ? count : 0, bytes);
    }
    if (!whole || memories.empty() || memories.size() > most_devices) {
        refuse(name, text, "2x8GiB");
    }
    return memories;
}

// False where the text is not a number, a point and a number.
bool read_version(const std::string& text, std::pair<int, int>& version) {
    int read = -1;
    return std::sscanf(text.c_str(), "%2d.%2d%n", &version.first, &version.second, &read) == 2 &&
           read == static_cast<int>(text.size()) && version.first >= 0 && version.second >= 0;
}

std::vector<unsigned> read_capabilities() {
    constexpr const char* name = "NIBBLE_SIMULATED_CAPABILITY";
    const std::string text = variable(name, "8.0");
    std::vector<unsigned> capabilities;
    std::istringstream items(text);
    for (std::string item; std::getline(items, item, ',');) {
        std::pair<int, int> version;
        if (!read_version(item, version)) {
            refuse(name, text, "8.0 or 8.0,7.5");
        }
        capabilities.push_back(static_cast<unsigned>(10 * version.first + version.second));
    }
    return capabilities;
}

int read_driver() {
    constexpr const char* name = "NIBBLE_SIMULATED_DRIVER";
    const std::string text = variable(name, "12.8");
    std::pair<int, int> version;
    if (!read_version(text, version)) {
        refuse(name, text, "12.8");
    }
    return 1000 * version.first + 10 * version.second;
}

bool read_execution() {
    constexpr const char* name = "NIBBLE_SIMULATED_EXECUTION";
    const std::string text = variable(name, "on");
    if (text != "on" && text != "off") {
        refuse(name, text, "off");
    }
    return text == "on";
}

}  // namespace

Settings read_settings() {
    Settings settings;
    settings.memories = read_memories();
    settings.capabilities = read_capabilities();
    settings.driver_version = read_driver();
    settings.execution = read_execution();
    settings.verbose = !variable("NIBBLE_SIMULATOR_VERBOSE", "").empty();
    settings.faults = variable("NIBBLE_SIMULATOR_FAULTS", "");
    return settings;
}

// Source: the table of releases in NVIDIA's PTX ISA manual.
unsigned newest_ptx(int driver_version) {
    const int major = driver_version / 1000;
    const int minor = driver_version % 1000 / 10;
    if (major == 11) {
        return static_cast<unsigned>(70 + minor);
    }
    if (major == 12) {
        return static_cast<unsigned>(80 + minor - (minor >= 6 ? 1 : 0));
    }
    return static_cast<unsigned>(major < 11 ? 60 : 90 + minor);
}

}  // namespace nibble::simulator
