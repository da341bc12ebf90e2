// What a stream does when it comes to it: kernels, copies, fills and calls of the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "launch.h"
#include "loaded_module.h"

namespace nibble::simulator {

struct Context;
struct Device;
class Stream;

struct KernelWork {
    std::shared_ptr<LoadedFunction> function;
    Dim3 grid;
    Dim3 block;
    unsigned dynamic_shared = 0;
    std::vector<std::byte> parameters;

    // Points into this object.
    Launch launch() const;
};

// One end of a copy. No device: host memory.
struct Place {
    std::uint64_t address = 0;
    Device* device = nullptr;
};

struct CopyWork {
    Place target;
    Place source;
    std::uint64_t bytes = 0;
    std::shared_ptr<std::vector<std::byte>> staged;  // what is copied instead of the source: host memory as it was at the call
};

struct FillWork {
    Place target;
    unsigned width = 1;  // bytes of the value: 1, 2 or 4
    std::uint32_t value = 0;
    std::uint64_t count = 0;
};

struct HostWork {
    void (*function)(void*) = nullptr;
    void* data = nullptr;
};

using Work = std::variant<KernelWork, CopyWork, FillWork, HostWork>;

// The type of its node in a graph, as CUgraphNodeType numbers them.
int node_type(const Work& work);

// The place of a live range of device memory or pinned host memory; throws Failure for others.
Place place_in_device(std::uint64_t address, std::uint64_t bytes);
// The place of any host memory but a null pointer, or as above.
Place place_anywhere(std::uint64_t address, std::uint64_t bytes);

// Captures or enqueues work; on a stream it is done in the stream's context, and an error breaks that context.
void enqueue(Stream& stream, Work work);

// Does it now. An error breaks the context.
void perform(Context& context, const Work& work);

}  // namespace nibble::simulator
