// Modules, functions and launches.
#include "api.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "capture.h"
#include "kernel_arguments.h"

using namespace nibble::simulator;

namespace {

// Values of CUjit_option.
constexpr int jit_error_log = 5;
constexpr int jit_error_log_bytes = 6;

// Where the caller wants the messages of a compilation that fails.
struct ErrorLog {
    char* text = nullptr;
    std::size_t room = 0;
    void** written = nullptr;

    ErrorLog(unsigned count, const int* options, void** values) {
        require(count == 0 || (options != nullptr && values != nullptr), invalid_value);
        for (unsigned i = 0; i < count; i++) {
            if (options[i] == jit_error_log) {
                text = static_cast<char*>(values[i]);
            } else if (options[i] == jit_error_log_bytes) {
                room = reinterpret_cast<std::uintptr_t>(values[i]) & 0xffffffff;
                written = &values[i];
            }
        }
    }

    void write(const std::string& messages) {
        if (text == nullptr || room == 0) {
            return;
        }
        const std::size_t length = std::min(messages.size(), room - 1);
        std::memcpy(text, messages.data(), length);
        text[length] = 0;
        *written = reinterpret_cast<void*>(length + 1);
    }
};

void load(Handle* handle, std::string_view image, ErrorLog& log) {
    require(handle != nullptr, invalid_value);
    const auto context = usable_context();
    forbid_in_capture(nullptr);
    std::string messages;
    try {
        auto loaded = std::make_shared<LoadedModule>();
        loaded->context = context;
        loaded->module = compile(image, context->device, messages);
        *handle = driver().modules.add(loaded);
    } catch (const Failure& failure) {
        log.write(messages);
        driver().report(failure.status(), messages);
        throw;
    }
}

void load_text(Handle* handle, const void* image, ErrorLog& log) {
    require(image != nullptr, invalid_value);
    load(handle, static_cast<const char*>(image), log);
}

std::string read(const char* path) {
    require(path != nullptr, invalid_value);
    std::ifstream file(path, std::ios::binary);
    require(file.good(), file_not_found);
    return {std::istreambuf_iterator<char>(file), {}};
}

// The same function has the same handle each time.
Handle function_handle(const std::shared_ptr<LoadedModule>& module, const Function& function) {
    const auto known = driver().functions.select([&](const LoadedFunction& each) { return each.function == &function; });
    if (!known.empty()) {
        return known.front()->handle;
    }
    auto loaded = std::make_shared<LoadedFunction>();
    loaded->context = module->context;
    loaded->module = module;
    loaded->function = &function;
    return driver().functions.add(loaded);
}

void unload(Handle handle) {
    const auto module = driver().modules.get(handle);
    for (const auto& function :
         driver().functions.select([&](const LoadedFunction& each) { return each.module == module; })) {
        driver().functions.remove(function->handle);
    }
    driver().modules.remove(handle);
}

// The numbers are those of CUfunction_attribute.
int function_attribute(const LoadedFunction& loaded, int attribute) {
    const Function& function = *loaded.function;
    switch (attribute) {
        case 0: return static_cast<int>(function.max_threads);
        case 1: return static_cast<int>(function.static_shared_bytes);
        case 2: return static_cast<int>(function.constant_bytes);
        case 3: return static_cast<int>(function.local_bytes);
        case 4: return static_cast<int>(function.registers);
        case 5:
        case 6: return static_cast<int>(function.target);
        case 7: return 0;
        case 8: return static_cast<int>(loaded.dynamic_shared_limit);
        case 9: return -1;
        default: fail(invalid_value);
    }
}

void set_function_attribute(LoadedFunction& loaded, int attribute, int value) {
    constexpr int dynamic_shared = 8;
    constexpr int carveout = 9;
    require(attribute == dynamic_shared || attribute == carveout, invalid_value);
    if (attribute == carveout) {
        require(value >= -1 && value <= 100, invalid_value);
        return;
    }
    const auto context = loaded.context.lock();
    require(context != nullptr, invalid_handle);
    const int most = context->device.capability.shared_per_block_optin - static_cast<int>(loaded.function->static_shared_bytes);
    require(value >= 0 && value <= most, invalid_value);
    loaded.dynamic_shared_limit = static_cast<unsigned>(value);
}

}  // namespace

NIBBLE_EXPORT cuModuleLoadDataEx(Handle* module, const void* image, unsigned count, int* options, void** values) {
    return call(__func__, [&] {
        ErrorLog log(count, options, values);
        load_text(module, image, log);
    });
}

NIBBLE_EXPORT cuModuleLoadData(Handle* module, const void* image) {
    return call(__func__, [&] {
        ErrorLog log(0, nullptr, nullptr);
        load_text(module, image, log);
    });
}

NIBBLE_EXPORT cuModuleLoad(Handle* module, const char* path) {
    return call(__func__, [&] {
        ErrorLog log(0, nullptr, nullptr);
        load(module, read(path), log);
    });
}

NIBBLE_EXPORT cuModuleUnload(Handle module) {
    return call(__func__, [&] {
        const auto context = current_context();
        unload(module);
        context->require_usable();
    });
}

NIBBLE_EXPORT cuModuleGetFunction(Handle* function, Handle module, const char* name) {
    return call(__func__, [&] {
        (void)usable_context();
        const auto loaded = driver().modules.get(module);
        const Function* const found = loaded->module->function(&given(name));
        require(found != nullptr, not_found);
        given(function) = function_handle(loaded, *found);
    });
}

NIBBLE_EXPORT cuModuleGetGlobal_v2(std::uint64_t* pointer, std::size_t* bytes, Handle module, const char* name) {
    return call(__func__, [&] {
        (void)usable_context();
        const Variable* const found = driver().modules.get(module)->module->variable(&given(name));
        require(found != nullptr, not_found);
        if (pointer != nullptr) {
            *pointer = found->address;
        }
        if (bytes != nullptr) {
            *bytes = found->bytes;
        }
    });
}

NIBBLE_EXPORT cuFuncGetAttribute(int* value, int attribute, Handle function) {
    return call(__func__, [&] {
        (void)usable_context();
        given(value) = function_attribute(*driver().functions.get(function), attribute);
    });
}

NIBBLE_EXPORT cuFuncSetAttribute(Handle function, int attribute, int value) {
    return call(__func__, [&] {
        (void)usable_context();
        set_function_attribute(*driver().functions.get(function), attribute, value);
    });
}

NIBBLE_EXPORT cuFuncSetCacheConfig(Handle function, int) {
    return call(__func__, [&] { (void)driver().functions.get(function); });
}

NIBBLE_EXPORT cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Handle function, int threads,
                                                         std::size_t dynamic_shared) {
    return call(__func__, [&] {
        const auto context = usable_context();
        require(threads > 0, invalid_value);
        const auto loaded = driver().functions.get(function);
        given(blocks) = active_blocks(*loaded->function, context->device, threads, dynamic_shared);
    });
}

NIBBLE_EXPORT cuLaunchKernel(Handle function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                             unsigned block_y, unsigned block_z, unsigned dynamic_shared, Handle handle, void** arguments,
                             void** extra) {
    return call(__func__, [&] {
        const auto stream = usable_stream(handle);
        const auto context = usable_context();
        require(stream->context.lock() == context, invalid_handle);
        enqueue(*stream, kernel_work({function, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, dynamic_shared,
                                      arguments, extra}, *context));
    });
}
