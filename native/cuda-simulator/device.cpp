#include "device.h"

#include "launch.h"

namespace nibble::simulator {
namespace {

constexpr int multiprocessors = 8;
constexpr int registers_per_multiprocessor = 65536;
constexpr int clock_khz = 1000000;
constexpr int l2_bytes = 4 << 20;

// Source: the table of technical specifications in NVIDIA's CUDA C++ Programming Guide.
constexpr Capability capabilities[] = {
    {70, 98304, 98304, 2048, 32},  // which the runtime is to refuse
    {75, 65536, 65536, 1024, 16},     {80, 166912, 167936, 2048, 32},  {86, 101376, 102400, 1536, 16},
    {89, 101376, 102400, 1536, 24},   {90, 232448, 233472, 2048, 32},  {100, 232448, 233472, 2048, 32},
    {120, 101376, 102400, 1536, 24},
};

}  // namespace

const Capability* find_capability(unsigned number) {
    const Capability* found = nullptr;
    for (const Capability& capability : capabilities) {
        if (capability.number <= number) {
            found = &capability;
        }
    }
    return found;
}

std::string Device::name() const {
    return "Nibble simulated GPU (sm_" + std::to_string(capability.number) + ")";
}

std::array<std::uint8_t, 16> Device::uuid() const {
    std::array<std::uint8_t, 16> uuid{'N', 'i', 'b', 'b', 'l', 'e', ' ', 's', 'i', 'm'};
    uuid[15] = static_cast<std::uint8_t>(ordinal);
    return uuid;
}

// The numbers are those of CUdevice_attribute.
std::optional<int> Device::attribute(int number) const {
    switch (number) {
        case 1: return static_cast<int>(max_block_threads);
        case 2: return static_cast<int>(max_block_x);
        case 3: return static_cast<int>(max_block_y);
        case 4: return static_cast<int>(max_block_z);
        case 5: return static_cast<int>(max_grid_x);
        case 6:
        case 7: return static_cast<int>(max_grid_yz);
        case 8: return static_cast<int>(max_static_shared);
        case 9: return 65536;                          // constant memory
        case 10: return static_cast<int>(warp_size);
        case 12:
        case 82: return registers_per_multiprocessor;  // of a block, of a multiprocessor
        case 13:
        case 36: return clock_khz;                     // of processors, of memory
        case 16: return multiprocessors;
        case 18: return 0;                             // no memory shared with the host
        case 19: return 1;                             // can map host memory
        case 20: return 0;                             // any number of contexts
        case 31: return 1;                             // kernels run concurrently
        case 33: return ordinal + 1;                   // PCI bus
        case 34:
        case 50: return 0;                             // PCI device and domain
        case 37: return 256;                           // bits of the memory's bus
        case 38: return l2_bytes;
        case 39: return capability.threads_per_multiprocessor;
        case 40: return 2;                             // engines that copy
        case 41: return 1;                             // unified addressing
        case 75: return static_cast<int>(capability.number / 10);
        case 76: return static_cast<int>(capability.number % 10);
        case 81: return capability.shared_per_multiprocessor;
        case 97: return capability.shared_per_block_optin;
        case 106: return capability.blocks_per_multiprocessor;
        default: return number > 0 && number < 150 ? std::optional(0) : std::nullopt;
    }
}

}  // namespace nibble::simulator
