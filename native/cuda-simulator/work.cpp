#include "work.h"

#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include "capture.h"
#include "driver.h"

namespace nibble::simulator {
namespace {

int status_of(FaultKind kind) {
    switch (kind) {
        case FaultKind::illegal_address: return illegal_address;
        case FaultKind::misaligned_address: return misaligned_address;
        case FaultKind::too_long: return launch_timeout;
        default: return launch_failed;
    }
}

// Faults on request: of a kernel or copy that a stream comes to.
void disturb(Context& context, const char* name, const std::string& what) {
    const Disturbance disturbance = driver().faults.count(name);
    std::this_thread::sleep_for(std::chrono::milliseconds(disturbance.milliseconds));
    if (disturbance.hangs) {
        driver().faults.await_change();
    }
    if (disturbance.lost) {
        context.device.lost = disturbance.status;
        driver().report(disturbance.status, "the device is lost, as requested, at " + what);
    } else if (disturbance.status != 0) {
        context.break_with(disturbance.status, "fails as requested: " + what);
    }
}

// Memory can be freed between a call and its work, in a graph above all.
void require_live(Place place, std::uint64_t bytes, const char* what) {
    if (place.device == nullptr) {
        return;
    }
    const auto allocation = place.device->memory.find(place.address);
    if (!allocation || bytes > allocation->end() - place.address) {
        throw KernelFault(FaultKind::illegal_address,
                          std::string(what) + " of " + std::to_string(bytes) + " bytes at memory that is not live");
    }
}

void execute(Context& context, const KernelWork& work) {
    disturb(context, "kernel", work.function->function->name);
    if (context.status() == success && driver().settings.execution) {
        run(work.launch(), context.device.memory);
    }
}

void execute(Context& context, const CopyWork& work) {
    disturb(context, "copy", "a copy of " + std::to_string(work.bytes) + " bytes");
    if (context.status() != success) {
        return;
    }
    require_live(work.target, work.bytes, "a copy to device memory");
    require_live(work.source, work.bytes, "a copy from device memory");
    const void* const source = work.staged != nullptr ? static_cast<const void*>(work.staged->data())
                                                      : reinterpret_cast<const void*>(work.source.address);
    std::memmove(reinterpret_cast<void*>(work.target.address), source, work.bytes);
    if (work.target.device == nullptr) {
        return;
    }
    if (work.source.device != nullptr) {
        work.target.device->memory.copy_marks(
            work.target.address, work.source.device->memory, work.source.address, work.bytes);
    } else {
        work.target.device->memory.mark(work.target.address, work.bytes);
    }
}

void execute(Context&, const FillWork& work) {
    const std::uint64_t bytes = work.count * work.width;
    require_live(work.target, bytes, "a fill");
    auto* const target = reinterpret_cast<std::byte*>(work.target.address);
    if (work.width == 1) {
        std::memset(target, static_cast<int>(work.value), bytes);
    } else {
        for (std::uint64_t i = 0; i < bytes; i += work.width) {
            std::memcpy(target + i, &work.value, work.width);
        }
    }
    if (work.target.device != nullptr) {
        work.target.device->memory.mark(work.target.address, bytes);
    }
}

void execute(Context&, const HostWork& work) { work.function(work.data); }

Place pinned(std::uint64_t address, std::uint64_t bytes) {
    const auto& devices = driver().devices;
    const auto range = devices.front()->memory.find(address);
    require(range && range->kind == MemoryKind::pinned_host && bytes <= range->end() - address, invalid_value);
    return {address, nullptr};
}

}  // namespace

Launch KernelWork::launch() const {
    return {function->function, grid, block, dynamic_shared, function->dynamic_shared_limit, parameters.data()};
}

int node_type(const Work& work) {
    constexpr int types[] = {0, 1, 2, 3};  // kernel, memcpy, memset, host
    return types[work.index()];
}

Place place_in_device(std::uint64_t address, std::uint64_t bytes) {
    Device* const device = driver().owner_of(address);
    if (device == nullptr) {
        return pinned(address, bytes);
    }
    const auto allocation = device->memory.find(address);
    require(allocation && bytes <= allocation->end() - address, invalid_value);
    return {address, device};
}

Place place_anywhere(std::uint64_t address, std::uint64_t bytes) {
    require(address != 0, invalid_value);
    return driver().owner_of(address) != nullptr ? place_in_device(address, bytes) : Place{address, nullptr};
}

void enqueue(Stream& stream, Work work) {
    const auto context = stream.context.lock();
    require(context != nullptr, invalid_handle);
    context->require_usable();
    if (capture_work(stream, *context, work)) {
        return;
    }
    context->submit(stream, [context, work = std::move(work)] { perform(*context, work); });
}

void perform(Context& context, const Work& work) {
    if (context.status() != success) {
        return;
    }
    try {
        std::visit([&](const auto& each) { execute(context, each); }, work);
    } catch (const KernelFault& fault) {
        context.break_with(status_of(fault.kind()), fault.what());
    } catch (const std::exception& error) {
        context.break_with(unknown, error.what());
    }
}

}  // namespace nibble::simulator
