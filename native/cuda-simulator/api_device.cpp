// The driver itself, its errors, and its devices.
#include "api.h"

#include <chrono>
#include <cstring>
#include <string>
#include <thread>

using namespace nibble::simulator;

namespace nibble::simulator {
namespace {

constexpr std::size_t longest_text = 900;

struct StatusText {
    const char* name;
    const char* description;
};

const StatusText* find_text(int status) {
    switch (status) {
#define NIBBLE_TEXT(code, name, driver_name, description) \
    case code: {                                          \
        static constexpr StatusText text{driver_name, description}; \
        return &text;                                     \
    }
        NIBBLE_STATUSES(NIBBLE_TEXT)
#undef NIBBLE_TEXT
        default: return nullptr;
    }
}

std::string base_name(const char* function) {
    const std::string name = function;
    const std::size_t suffix = name.rfind("_v");
    return suffix == std::string::npos ? name : name.substr(0, suffix);
}

void copy_text(char* target, int room, const std::string& text) {
    require(target != nullptr && room > 0, invalid_value);
    const std::size_t length = std::min(text.size(), static_cast<std::size_t>(room) - 1);
    std::memcpy(target, text.data(), length);
    target[length] = 0;
}

// The description, with what the checkers said if this status is the last fault's. Callers keep the address.
const char* describe(int status, const char* description) {
    Driver& all = driver();
    const std::lock_guard lock(all.mutex);
    if (status == success || status != all.message_status) {
        return description;
    }
    const std::string text = (std::string(description) + ": " + all.message).substr(0, longest_text);
    if (all.texts.empty() || all.texts.back() != text) {
        all.texts.push_back(text);
    }
    return all.texts.back().c_str();
}

}  // namespace

void disturb_call(const char* function) {
    const Disturbance disturbance = driver().faults.count(base_name(function));
    std::this_thread::sleep_for(std::chrono::milliseconds(disturbance.milliseconds));
    if (disturbance.lost) {
        const auto& stack = context_stack();
        Device& device = stack.empty() || stack.back() == nullptr ? driver().device(0) : stack.back()->device;
        device.lost = disturbance.status;
        driver().report(disturbance.status, std::string("the device is lost, as requested, at ") + function);
    }
    require(disturbance.status == success, disturbance.status);
}

std::shared_ptr<Context> usable_context() {
    auto context = current_context();
    context->require_usable();
    return context;
}

std::shared_ptr<Stream> usable_stream(Handle handle) {
    auto stream = usable_context()->stream(handle);
    const auto owner = stream->context.lock();
    require(owner != nullptr, invalid_handle);
    owner->require_usable();
    return stream;
}

}  // namespace nibble::simulator

NIBBLE_EXPORT cuInit(unsigned flags) {
    try {
        require(flags == 0, invalid_value);
        driver().start();
        return success;
    } catch (const Failure& failure) {
        return failure.status();
    } catch (const std::exception&) {
        return out_of_memory;
    }
}

NIBBLE_EXPORT cuDriverGetVersion(int* version) {
    if (version == nullptr) {
        return invalid_value;
    }
    *version = driver().settings.driver_version;
    return success;
}

NIBBLE_EXPORT cuGetErrorName(int status, const char** name) {
    const StatusText* const text = find_text(status);
    *name = text == nullptr ? nullptr : text->name;
    return text == nullptr ? invalid_value : success;
}

NIBBLE_EXPORT cuGetErrorString(int status, const char** description) {
    const StatusText* const text = find_text(status);
    *description = text == nullptr ? nullptr : describe(status, text->description);
    return text == nullptr ? invalid_value : success;
}

NIBBLE_EXPORT cuDeviceGetCount(int* count) {
    return call(__func__, [&] { given(count) = static_cast<int>(driver().devices.size()); });
}

NIBBLE_EXPORT cuDeviceGet(int* device, int ordinal) {
    return call(__func__, [&] { given(device) = driver().device(ordinal).ordinal; });
}

NIBBLE_EXPORT cuDeviceGetName(char* name, int room, int device) {
    return call(__func__, [&] { copy_text(name, room, driver().device(device).name()); });
}

NIBBLE_EXPORT cuDeviceGetUuid(std::uint8_t* uuid, int device) {
    return call(__func__, [&] {
        const auto bytes = driver().device(device).uuid();
        std::memcpy(&given(uuid), bytes.data(), bytes.size());
    });
}

NIBBLE_EXPORT cuDeviceGetUuid_v2(std::uint8_t* uuid, int device) { return cuDeviceGetUuid(uuid, device); }

NIBBLE_EXPORT cuDeviceGetAttribute(int* value, int attribute, int device) {
    return call(__func__, [&] {
        const auto found = driver().device(device).attribute(attribute);
        require(found.has_value(), invalid_value);
        given(value) = *found;
    });
}

NIBBLE_EXPORT cuDeviceTotalMem_v2(std::size_t* bytes, int device) {
    return call(__func__, [&] { given(bytes) = driver().device(device).memory.capacity(); });
}

NIBBLE_EXPORT cuDeviceComputeCapability(int* major, int* minor, int device) {
    return call(__func__, [&] {
        given(major) = *driver().device(device).attribute(75);
        given(minor) = *driver().device(device).attribute(76);
    });
}

NIBBLE_EXPORT cuDeviceGetPCIBusId(char* id, int room, int device) {
    return call(__func__, [&] {
        copy_text(id, room, "0000:0" + std::to_string(driver().device(device).ordinal + 1) + ":00.0");
    });
}

NIBBLE_EXPORT cuDeviceCanAccessPeer(int* can, int device, int peer) {
    return call(__func__, [&] {
        const bool other = driver().device(device).ordinal != driver().device(peer).ordinal;
        given(can) = other && driver().peers_possible ? 1 : 0;
    });
}
