// Copies and fills. Host memory that is not pinned is read by the calling thread before it goes on, or filled before it goes on;
// pinned memory is read and filled when the stream comes to it.
#include "api.h"

#include <cstring>
#include <optional>
#include <utility>

#include "capture.h"
#include "work.h"

using namespace nibble::simulator;

namespace {

constexpr Handle legacy_stream = 0;

bool is_pinned(std::uint64_t address) {
    const auto range = driver().devices.front()->memory.find(address);
    return range && range->kind == MemoryKind::pinned_host;
}

// Pageable memory as it is now.
std::shared_ptr<std::vector<std::byte>> stage(const Place& source, std::uint64_t bytes) {
    if (source.device != nullptr || is_pinned(source.address)) {
        return nullptr;
    }
    const auto* const begin = reinterpret_cast<const std::byte*>(source.address);
    return std::make_shared<std::vector<std::byte>>(begin, begin + bytes);
}

void finish(Stream& stream) {
    stream.tail().wait();
    stream.context.lock()->require_usable();
}

void copy(Place target, Place source, std::uint64_t bytes, Handle handle) {
    const auto stream = usable_stream(handle);
    if (bytes == 0) {
        return;
    }
    const bool captured = capture_state(*stream) != CaptureState::none;
    CopyWork work{target, source, bytes, captured ? nullptr : stage(source, bytes)};
    enqueue(*stream, std::move(work));
    if (!captured && target.device == nullptr && !is_pinned(target.address)) {
        finish(*stream);
    }
}

// Waits for the copy, on the default stream.
void copy_now(Place target, Place source, std::uint64_t bytes) {
    copy(target, source, bytes, legacy_stream);
    finish(*usable_stream(legacy_stream));
}

Place host_place(const void* address, std::uint64_t bytes) {
    const auto number = reinterpret_cast<std::uint64_t>(address);
    if (bytes == 0) {
        return {number, nullptr};
    }
    const Place place = place_anywhere(number, bytes);
    require(place.device == nullptr, invalid_value);
    return place;
}

Place device_place(std::uint64_t address, std::uint64_t bytes) {
    (void)usable_context();
    return bytes == 0 ? Place{address, nullptr} : place_in_device(address, bytes);
}

Place any_place(std::uint64_t address, std::uint64_t bytes) {
    (void)usable_context();
    return bytes == 0 ? Place{address, nullptr} : place_anywhere(address, bytes);
}

// Memory of a context that the caller names.
Place place_of(std::uint64_t address, Handle handle, std::uint64_t bytes) {
    const auto context = driver().contexts.find(handle);
    require(context != nullptr, invalid_context);
    context->require_usable();
    const Place place = device_place(address, bytes);
    require(bytes == 0 || place.device == nullptr || place.device == &context->device, invalid_value);
    return place;
}

void fill(std::uint64_t target, unsigned width, std::uint32_t value, std::uint64_t count, Handle handle) {
    const auto stream = usable_stream(handle);
    require(target % width == 0, invalid_value);
    if (count > 0) {
        enqueue(*stream, FillWork{place_in_device(target, count * width), width, value, count});
    }
}

void fill_now(std::uint64_t target, unsigned width, std::uint32_t value, std::uint64_t count) {
    fill(target, width, value, count, legacy_stream);
    finish(*usable_stream(legacy_stream));
}

}  // namespace

NIBBLE_EXPORT cuMemcpyHtoDAsync_v2(std::uint64_t target, const void* source, std::size_t bytes, Handle stream) {
    return call(__func__, [&] { copy(device_place(target, bytes), host_place(source, bytes), bytes, stream); });
}

NIBBLE_EXPORT cuMemcpyDtoHAsync_v2(void* target, std::uint64_t source, std::size_t bytes, Handle stream) {
    return call(__func__, [&] { copy(host_place(target, bytes), device_place(source, bytes), bytes, stream); });
}

NIBBLE_EXPORT cuMemcpyDtoDAsync_v2(std::uint64_t target, std::uint64_t source, std::size_t bytes, Handle stream) {
    return call(__func__, [&] { copy(device_place(target, bytes), device_place(source, bytes), bytes, stream); });
}

NIBBLE_EXPORT cuMemcpyAsync(std::uint64_t target, std::uint64_t source, std::size_t bytes, Handle stream) {
    return call(__func__, [&] { copy(any_place(target, bytes), any_place(source, bytes), bytes, stream); });
}

NIBBLE_EXPORT cuMemcpyPeerAsync(std::uint64_t target, Handle target_context, std::uint64_t source, Handle source_context,
                                std::size_t bytes, Handle stream) {
    return call(__func__, [&] {
        copy(place_of(target, target_context, bytes), place_of(source, source_context, bytes), bytes, stream);
    });
}

NIBBLE_EXPORT cuMemcpyHtoD_v2(std::uint64_t target, const void* source, std::size_t bytes) {
    return call(__func__, [&] { copy_now(device_place(target, bytes), host_place(source, bytes), bytes); });
}

NIBBLE_EXPORT cuMemcpyDtoH_v2(void* target, std::uint64_t source, std::size_t bytes) {
    return call(__func__, [&] { copy_now(host_place(target, bytes), device_place(source, bytes), bytes); });
}

NIBBLE_EXPORT cuMemcpyDtoD_v2(std::uint64_t target, std::uint64_t source, std::size_t bytes) {
    return call(__func__, [&] { copy_now(device_place(target, bytes), device_place(source, bytes), bytes); });
}

NIBBLE_EXPORT cuMemcpy(std::uint64_t target, std::uint64_t source, std::size_t bytes) {
    return call(__func__, [&] { copy_now(any_place(target, bytes), any_place(source, bytes), bytes); });
}

NIBBLE_EXPORT cuMemcpyPeer(std::uint64_t target, Handle target_context, std::uint64_t source, Handle source_context,
                           std::size_t bytes) {
    return call(__func__, [&] {
        copy_now(place_of(target, target_context, bytes), place_of(source, source_context, bytes), bytes);
    });
}

NIBBLE_EXPORT cuMemsetD8Async(std::uint64_t target, std::uint8_t value, std::size_t count, Handle stream) {
    return call(__func__, [&] { fill(target, 1, value, count, stream); });
}

NIBBLE_EXPORT cuMemsetD16Async(std::uint64_t target, std::uint16_t value, std::size_t count, Handle stream) {
    return call(__func__, [&] { fill(target, 2, value, count, stream); });
}

NIBBLE_EXPORT cuMemsetD32Async(std::uint64_t target, std::uint32_t value, std::size_t count, Handle stream) {
    return call(__func__, [&] { fill(target, 4, value, count, stream); });
}

NIBBLE_EXPORT cuMemsetD8_v2(std::uint64_t target, std::uint8_t value, std::size_t count) {
    return call(__func__, [&] { fill_now(target, 1, value, count); });
}

NIBBLE_EXPORT cuMemsetD16_v2(std::uint64_t target, std::uint16_t value, std::size_t count) {
    return call(__func__, [&] { fill_now(target, 2, value, count); });
}

NIBBLE_EXPORT cuMemsetD32_v2(std::uint64_t target, std::uint32_t value, std::size_t count) {
    return call(__func__, [&] { fill_now(target, 4, value, count); });
}
