// Modules and functions that a program has loaded into a context.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "handles.h"
#include "launch.h"
#include "module.h"

namespace nibble::simulator {

struct Context;
struct Device;
struct LoadedModule;

struct LoadedFunction {
    Handle handle = 0;
    std::weak_ptr<Context> context;
    std::shared_ptr<LoadedModule> module;
    const Function* function = nullptr;
    std::atomic<unsigned> dynamic_shared_limit = max_static_shared;
};

struct LoadedModule {
    Handle handle = 0;
    std::weak_ptr<Context> context;
    std::unique_ptr<Module> module;
};

// Parses PTX for a device. Throws Failure, and writes to `log` what is wrong, as the driver's compiler does.
std::unique_ptr<Module> compile(std::string_view image, Device& device, std::string& log);

// How many blocks of so many threads a multiprocessor of the device runs at once.
int active_blocks(const Function& function, const Device& device, int threads, std::uint64_t dynamic_shared);

}  // namespace nibble::simulator
