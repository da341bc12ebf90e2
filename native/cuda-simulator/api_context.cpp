// Contexts.
#include "api.h"

#include <utility>

#include "capture.h"

using namespace nibble::simulator;

namespace {

constexpr unsigned known_flags = 0xff;
constexpr unsigned api_version = 3020;

void require_alive(const Device& device) { require(device.lost == success, device.lost); }

std::shared_ptr<Context> make_context(Device& device, unsigned flags, bool primary) {
    auto context = std::make_shared<Context>(device, flags, primary);
    driver().contexts.add(context);
    return context;
}

std::shared_ptr<Context> context_of(Handle handle) {
    auto context = driver().contexts.find(handle);
    require(context != nullptr, invalid_context);
    return context;
}

// Takes the primary context from its device, if its owners are none or it is to be reset.
std::shared_ptr<Context> take_primary(Device& device, bool reset) {
    const std::lock_guard lock(device.mutex);
    if (!reset) {
        require(device.primary_owners > 0, invalid_context);
        if (--device.primary_owners > 0) {
            return nullptr;
        }
    }
    device.primary_owners = 0;
    return std::exchange(device.primary, nullptr);
}

void end_primary(int ordinal, bool reset) {
    if (const auto context = take_primary(driver().device(ordinal), reset)) {
        end_context(context);
    }
}

void enable_peer(Context& context, Context& peer, unsigned flags) {
    require(flags == 0, invalid_value);
    require(&context.device != &peer.device && driver().peers_possible, peer_access_unsupported);
    {
        const std::lock_guard lock(context.mutex);
        require(context.peers.insert(peer.handle).second, peer_already_enabled);
    }
    const std::lock_guard lock(driver().mutex);
    if (driver().peers[{context.device.ordinal, peer.device.ordinal}]++ == 0) {
        context.device.memory.allow_peer(peer.device.memory);
    }
}

Handle handle_of(const std::shared_ptr<Context>& context) { return context == nullptr ? 0 : context->handle; }

}  // namespace

NIBBLE_EXPORT cuDevicePrimaryCtxRetain(Handle* context, int ordinal) {
    return call(__func__, [&] {
        Device& device = driver().device(ordinal);
        require_alive(device);
        require(context != nullptr, invalid_value);
        const std::lock_guard lock(device.mutex);
        if (device.primary == nullptr) {
            device.primary = make_context(device, device.primary_flags, true);
        }
        *context = device.primary->handle;
        device.primary_owners++;
    });
}

NIBBLE_EXPORT cuDevicePrimaryCtxRelease_v2(int ordinal) {
    return call(__func__, [&] { end_primary(ordinal, false); });
}

NIBBLE_EXPORT cuDevicePrimaryCtxReset_v2(int ordinal) {
    return call(__func__, [&] { end_primary(ordinal, true); });
}

NIBBLE_EXPORT cuDevicePrimaryCtxSetFlags_v2(int ordinal, unsigned flags) {
    return call(__func__, [&] {
        require(flags <= known_flags, invalid_value);
        Device& device = driver().device(ordinal);
        const std::lock_guard lock(device.mutex);
        device.primary_flags = flags;
        if (device.primary != nullptr) {
            device.primary->flags = flags;
        }
    });
}

NIBBLE_EXPORT cuDevicePrimaryCtxGetState(int ordinal, unsigned* flags, int* active) {
    return call(__func__, [&] {
        Device& device = driver().device(ordinal);
        const std::lock_guard lock(device.mutex);
        given(flags) = device.primary_flags;
        given(active) = device.primary != nullptr ? 1 : 0;
    });
}

NIBBLE_EXPORT cuCtxCreate_v2(Handle* context, unsigned flags, int ordinal) {
    return call(__func__, [&] {
        require(flags <= known_flags, invalid_value);
        Device& device = driver().device(ordinal);
        require_alive(device);
        require(context != nullptr, invalid_value);
        auto made = make_context(device, flags, false);
        *context = made->handle;
        context_stack().push_back(std::move(made));
    });
}

NIBBLE_EXPORT cuCtxDestroy_v2(Handle handle) {
    return call(__func__, [&] {
        const auto context = context_of(handle);
        require(!context->primary, invalid_context);
        end_context(context);
        auto& stack = context_stack();
        if (!stack.empty() && stack.back() == context) {
            stack.pop_back();
        }
    });
}

NIBBLE_EXPORT cuCtxPushCurrent_v2(Handle handle) {
    return call(__func__, [&] { context_stack().push_back(context_of(handle)); });
}

NIBBLE_EXPORT cuCtxPopCurrent_v2(Handle* context) {
    return call(__func__, [&] {
        auto& stack = context_stack();
        require(!stack.empty(), invalid_context);
        if (context != nullptr) {
            *context = handle_of(stack.back());
        }
        stack.pop_back();
    });
}

NIBBLE_EXPORT cuCtxSetCurrent(Handle handle) {
    return call(__func__, [&] {
        auto& stack = context_stack();
        auto context = handle == 0 ? nullptr : context_of(handle);
        if (!stack.empty()) {
            stack.pop_back();
        }
        if (context != nullptr) {
            stack.push_back(std::move(context));
        }
    });
}

NIBBLE_EXPORT cuCtxGetCurrent(Handle* context) {
    return call(__func__, [&] {
        const auto& stack = context_stack();
        given(context) = stack.empty() ? 0 : handle_of(stack.back());
    });
}

NIBBLE_EXPORT cuCtxGetDevice(int* device) {
    return call(__func__, [&] { given(device) = current_context()->device.ordinal; });
}

NIBBLE_EXPORT cuCtxGetFlags(unsigned* flags) {
    return call(__func__, [&] { given(flags) = current_context()->flags; });
}

NIBBLE_EXPORT cuCtxGetApiVersion(Handle context, unsigned* version) {
    return call(__func__, [&] {
        (void)(context == 0 ? current_context() : context_of(context));
        given(version) = api_version;
    });
}

NIBBLE_EXPORT cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    return call(__func__, [&] {
        (void)usable_context();
        given(least) = 0;
        given(greatest) = 0;
    });
}

NIBBLE_EXPORT cuCtxSynchronize() {
    return call("cuCtxSynchronize", [&] {
        const auto context = usable_context();
        forbid_in_capture(nullptr);
        context->synchronize();
        context->require_usable();
    });
}

NIBBLE_EXPORT cuCtxEnablePeerAccess(Handle peer, unsigned flags) {
    return call(__func__, [&] { enable_peer(*usable_context(), *context_of(peer), flags); });
}

NIBBLE_EXPORT cuCtxDisablePeerAccess(Handle peer) {
    return call(__func__, [&] { require(disable_peer(*usable_context(), *context_of(peer)), peer_not_enabled); });
}
