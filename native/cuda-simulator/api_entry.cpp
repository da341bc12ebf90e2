// The search for functions by name and version.
#include "api.h"

#include <cstring>

#include "entries.h"

#define NIBBLE_DECLARE(name, since, symbol) extern "C" int symbol();
NIBBLE_ENTRIES(NIBBLE_DECLARE)
#undef NIBBLE_DECLARE

namespace {

using namespace nibble::simulator;

constexpr std::uint64_t per_thread_default_stream = 2;
constexpr int symbol_found = 0;
constexpr int symbol_not_found = 1;
constexpr int version_not_sufficient = 2;

struct Entry {
    const char* name;
    int since;
    int (*function)();
};

constexpr Entry entries[] = {
#define NIBBLE_ENTRY(name, since, symbol) {#name, since, &symbol},
    NIBBLE_ENTRIES(NIBBLE_ENTRY)
#undef NIBBLE_ENTRY
};

// The newest function of this name that a program written for this version knows.
int find(const char* name, int version, void*& function) {
    int result = symbol_not_found;
    int newest = 0;
    function = nullptr;
    for (const Entry& entry : entries) {
        if (std::strcmp(entry.name, name) != 0) {
            continue;
        }
        if (entry.since > version) {
            result = result == symbol_found ? symbol_found : version_not_sufficient;
        } else if (entry.since > newest) {
            newest = entry.since;
            function = reinterpret_cast<void*>(entry.function);
            result = symbol_found;
        }
    }
    return result;
}

}  // namespace

NIBBLE_EXPORT cuGetProcAddress_v2(const char* name, void** function, int version, std::uint64_t flags, int* result) {
    if (name == nullptr || function == nullptr || (flags & per_thread_default_stream) != 0) {
        return invalid_value;
    }
    const int found = find(name, version, *function);
    if (result != nullptr) {
        *result = found;
    }
    return found == symbol_found || result != nullptr ? success : not_found;
}

NIBBLE_EXPORT cuGetProcAddress(const char* name, void** function, int version, std::uint64_t flags) {
    return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}
