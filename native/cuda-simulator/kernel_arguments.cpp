#include "kernel_arguments.h"

#include <cstring>

#include "driver.h"

namespace nibble::simulator {
namespace {

// Values of CU_LAUNCH_PARAM_…, which come in pairs with what they name.
constexpr std::uintptr_t extra_end = 0;
constexpr std::uintptr_t extra_pointer = 1;
constexpr std::uintptr_t extra_size = 2;

void copy_each(const Function& function, void** arguments, std::vector<std::byte>& target) {
    for (std::size_t i = 0; i < function.parameters.size(); i++) {
        require(arguments[i] != nullptr, invalid_value);
        const Parameter& parameter = function.parameters[i];
        std::memcpy(target.data() + parameter.offset, arguments[i], parameter.bytes);
    }
}

void copy_block(void** extra, std::vector<std::byte>& target) {
    const void* block = nullptr;
    std::size_t bytes = 0;
    for (; reinterpret_cast<std::uintptr_t>(*extra) != extra_end; extra += 2) {
        const auto what = reinterpret_cast<std::uintptr_t>(extra[0]);
        require(what == extra_pointer || what == extra_size, invalid_value);
        if (what == extra_pointer) {
            block = extra[1];
        } else {
            bytes = *static_cast<const std::size_t*>(extra[1]);
        }
    }
    require(block != nullptr && bytes >= target.size(), invalid_value);
    std::memcpy(target.data(), block, target.size());
}

}  // namespace

KernelWork kernel_work(const KernelNodeParameters& parameters, const Context& context) {
    KernelWork work;
    work.function = driver().functions.get(parameters.function);
    require(work.function->context.lock().get() == &context, invalid_handle);
    const Function& function = *work.function->function;
    work.grid = {parameters.grid[0], parameters.grid[1], parameters.grid[2]};
    work.block = {parameters.block[0], parameters.block[1], parameters.block[2]};
    work.dynamic_shared = parameters.dynamic_shared;
    work.parameters.resize(function.parameter_bytes);
    require(parameters.arguments == nullptr || parameters.extra == nullptr, invalid_value);
    if (parameters.arguments != nullptr) {
        copy_each(function, parameters.arguments, work.parameters);
    } else if (!function.parameters.empty()) {
        require(parameters.extra != nullptr, invalid_value);
        copy_block(parameters.extra, work.parameters);
    }
    try {
        check_launch(work.launch());
    } catch (const LaunchRefused& refused) {
        const int status = refused.out_of_resources() ? out_of_resources : invalid_value;
        driver().report(status, refused.what());
        fail(status);
    }
    return work;
}

}  // namespace nibble::simulator
