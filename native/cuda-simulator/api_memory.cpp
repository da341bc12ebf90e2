// Memory of devices and of the host.
#include "api.h"

#include <cstdlib>

#include "capture.h"

using namespace nibble::simulator;

namespace {

constexpr std::size_t page = 4096;
constexpr unsigned host_flags = 7;  // portable, mapped, write-combined

std::uint64_t allocate(std::uint64_t bytes) {
    const auto context = usable_context();
    forbid_in_capture(nullptr);
    require(bytes > 0, invalid_value);
    const std::uint64_t address = context->device.memory.allocate(bytes);
    require(address != 0, out_of_memory);
    const std::lock_guard lock(context->mutex);
    context->allocations.emplace(address, bytes);
    return address;
}

// Memory may be freed from any context of the process; what is enqueued in its own comes first.
void release(std::uint64_t address) {
    (void)current_context();
    forbid_in_capture(nullptr);
    if (address == 0) {
        return;
    }
    const auto owner = driver().allocator_of(address);
    require(owner != nullptr, invalid_value);
    owner->synchronize();
    {
        const std::lock_guard lock(owner->mutex);
        require(owner->allocations.erase(address) != 0, invalid_value);
    }
    owner->device.memory.free(address);
    owner->require_usable();
}

std::uint64_t allocate_host(std::uint64_t bytes, unsigned flags) {
    const auto context = usable_context();
    forbid_in_capture(nullptr);
    require(bytes > 0 && flags <= host_flags, invalid_value);
    void* const memory = std::aligned_alloc(page, (bytes + page - 1) / page * page);
    require(memory != nullptr, out_of_memory);
    const auto address = reinterpret_cast<std::uint64_t>(memory);
    for (const auto& device : driver().devices) {
        device->memory.map_host(address, bytes);
    }
    const std::lock_guard lock(context->mutex);
    context->host_allocations.emplace(address, bytes);
    context->host_flags.emplace(address, flags);
    return address;
}

void release_host(std::uint64_t address) {
    (void)current_context();
    forbid_in_capture(nullptr);
    const auto owner = driver().allocator_of(address);
    require(owner != nullptr, invalid_value);
    for (const auto& each : driver().contexts.select([](const Context&) { return true; })) {
        each->synchronize();
    }
    require(free_host(*owner, address), invalid_value);
    owner->require_usable();
}

// A live range of a device or of pinned memory, and whose it is.
struct Range {
    Allocation allocation;
    std::shared_ptr<Context> context;
};

Range range_of(std::uint64_t address) {
    Device* const device = driver().owner_of(address);
    const auto found = (device == nullptr ? *driver().devices.front() : *device).memory.find(address);
    auto context = driver().allocator_of(address);
    require(found.has_value() && (context != nullptr || device != nullptr), invalid_value);
    return {*found, std::move(context)};
}

template <class T>
void put(void* target, T value) {
    *static_cast<T*>(target) = value;
}

// The numbers are those of CUpointer_attribute and CUmemorytype.
void put_attribute(void* target, int attribute, std::uint64_t address) {
    const Range range = range_of(address);
    const bool host = range.allocation.kind == MemoryKind::pinned_host;
    switch (attribute) {
        case 1: put<Handle>(target, range.context == nullptr ? 0 : range.context->handle); break;
        case 2: put<unsigned>(target, host ? 1 : 2); break;
        case 3: put<std::uint64_t>(target, address); break;
        case 4:
            require(host, invalid_value);
            put<std::uint64_t>(target, address);
            break;
        case 9: put<int>(target, range.context == nullptr ? driver().owner_of(address)->ordinal : range.context->device.ordinal); break;
        case 11: put<std::uint64_t>(target, range.allocation.address); break;
        case 12: put<std::uint64_t>(target, range.allocation.bytes); break;
        case 13: put<int>(target, 1); break;
        default: fail(invalid_value);
    }
}

// What is said of an address that is not the driver's.
void put_nothing(void* target, int attribute) {
    switch (attribute) {
        case 2: put<unsigned>(target, 0); break;
        case 9: put<int>(target, -2); break;
        case 13: put<int>(target, 0); break;
        default: put<std::uint64_t>(target, 0); break;
    }
}

}  // namespace

NIBBLE_EXPORT cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
    return call(__func__, [&] {
        const DeviceMemory& memory = usable_context()->device.memory;
        given(total) = memory.capacity();
        given(free) = memory.capacity() - memory.used();
    });
}

NIBBLE_EXPORT cuMemAlloc_v2(std::uint64_t* pointer, std::size_t bytes) {
    return call(__func__, [&] { put_made(pointer, [&] { return allocate(bytes); }); });
}

NIBBLE_EXPORT cuMemFree_v2(std::uint64_t pointer) {
    return call(__func__, [&] { release(pointer); });
}

NIBBLE_EXPORT cuMemHostAlloc(std::uint64_t* pointer, std::size_t bytes, unsigned flags) {
    return call(__func__, [&] { put_made(pointer, [&] { return allocate_host(bytes, flags); }); });
}

NIBBLE_EXPORT cuMemAllocHost_v2(std::uint64_t* pointer, std::size_t bytes) {
    return call(__func__, [&] { put_made(pointer, [&] { return allocate_host(bytes, 0); }); });
}

NIBBLE_EXPORT cuMemFreeHost(std::uint64_t pointer) {
    return call(__func__, [&] { release_host(pointer); });
}

NIBBLE_EXPORT cuMemHostGetDevicePointer_v2(std::uint64_t* pointer, std::uint64_t host, unsigned flags) {
    return call(__func__, [&] {
        (void)usable_context();
        require(flags == 0 && range_of(host).allocation.kind == MemoryKind::pinned_host, invalid_value);
        given(pointer) = host;
    });
}

NIBBLE_EXPORT cuMemHostGetFlags(unsigned* flags, std::uint64_t host) {
    return call(__func__, [&] {
        (void)usable_context();
        const Range range = range_of(host);
        require(range.allocation.kind == MemoryKind::pinned_host && range.context != nullptr, invalid_value);
        const std::lock_guard lock(range.context->mutex);
        given(flags) = range.context->host_flags.at(range.allocation.address);
    });
}

NIBBLE_EXPORT cuMemGetAddressRange_v2(std::uint64_t* base, std::size_t* bytes, std::uint64_t pointer) {
    return call(__func__, [&] {
        (void)usable_context();
        const Allocation allocation = range_of(pointer).allocation;
        if (base != nullptr) {
            *base = allocation.address;
        }
        if (bytes != nullptr) {
            *bytes = allocation.bytes;
        }
    });
}

NIBBLE_EXPORT cuPointerGetAttribute(void* data, int attribute, std::uint64_t pointer) {
    return call(__func__, [&] {
        require(data != nullptr, invalid_value);
        (void)usable_context();
        put_attribute(data, attribute, pointer);
    });
}

NIBBLE_EXPORT cuPointerGetAttributes(unsigned count, const int* attributes, void** data, std::uint64_t pointer) {
    return call(__func__, [&] {
        require(count > 0 && attributes != nullptr && data != nullptr, invalid_value);
        (void)usable_context();
        for (unsigned i = 0; i < count; i++) {
            try {
                put_attribute(data[i], attributes[i], pointer);
            } catch (const Failure&) {
                put_nothing(data[i], attributes[i]);
            }
        }
    });
}
