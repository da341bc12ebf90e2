// Runs a kernel on the processor's cores and checks what it does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "memory.h"
#include "module.h"

namespace nibble::simulator {

struct Dim3 {
    unsigned x = 1;
    unsigned y = 1;
    unsigned z = 1;

    std::uint64_t count() const { return std::uint64_t{x} * y * z; }
};

// Limits of the simulated devices (those of compute capability 8.0 where capabilities differ).
constexpr unsigned warp_size = 32;
constexpr unsigned max_block_threads = 1024;
constexpr unsigned max_block_x = 1024;
constexpr unsigned max_block_y = 1024;
constexpr unsigned max_block_z = 64;
constexpr unsigned max_grid_x = 2147483647;
constexpr unsigned max_grid_yz = 65535;
constexpr unsigned max_static_shared = 48 * 1024;

// One launch. `dynamic_shared_limit` is what the function may use: 48 KiB, or what the program set for it.
struct Launch {
    const Function* function = nullptr;
    Dim3 grid;
    Dim3 block;
    unsigned dynamic_shared = 0;
    unsigned dynamic_shared_limit = max_static_shared;
    const std::byte* parameters = nullptr;  // (function->parameter_bytes), laid out as the offsets of its parameters say
};

// What a kernel did wrong. Names in brackets: what the driver reports on hardware, where hardware notices.
enum class FaultKind {
    illegal_address,     // outside of live memory (CUDA_ERROR_ILLEGAL_ADDRESS)
    misaligned_address,  // (CUDA_ERROR_MISALIGNED_ADDRESS)
    unwritten_read,      // memory that nothing has written is read
    shared_race,         // two threads use shared memory with no barrier between them, and one of them writes
    barrier,             // a barrier that not all threads reach, or that a part of a warp reaches
    warp_sync,           // a shuffle, vote or other warp-wide instruction with lanes that never come
    trap,                // the kernel stops itself (CUDA_ERROR_LAUNCH_FAILED)
    too_long,            // more instructions than the limit (CUDA_ERROR_LAUNCH_TIMEOUT)
};

// The launch as a whole is refused: too many threads, too much shared memory, an empty grid. The driver answers with an error and
// the context stays good.
class LaunchRefused : public std::runtime_error {
public:
    LaunchRefused(const std::string& message, bool out_of_resources)
        : std::runtime_error(message), out_of_resources_(out_of_resources) {}
    // CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES instead of CUDA_ERROR_INVALID_VALUE
    bool out_of_resources() const { return out_of_resources_; }

private:
    bool out_of_resources_;
};

// A kernel went wrong while it ran: the message names the kernel, the PTX line, block and thread, and the address with the
// allocation nearest to it. The context is lost, as on hardware.
class KernelFault : public std::runtime_error {
public:
    KernelFault(FaultKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
    FaultKind kind() const { return kind_; }

private:
    FaultKind kind_;
};

// Throws LaunchRefused; cheap, so that the driver can ask when a launch is enqueued.
void check_launch(const Launch& launch);

// Runs all blocks, on all cores, and returns when they have ended. Throws LaunchRefused, or KernelFault (of the first block that failed).
void run(const Launch& launch, DeviceMemory& memory);

}  // namespace nibble::simulator
