#include "loaded_module.h"

#include <algorithm>
#include <charconv>
#include <new>

#include "device.h"
#include "driver.h"
#include "status.h"

namespace nibble::simulator {
namespace {

constexpr unsigned registers_per_multiprocessor = 65536;
constexpr unsigned reserved_shared = 1024;  // of each block, from compute capability 8.0 on

// 10 * major + minor of the `.version` line; 0 where there is none.
unsigned ptx_version(std::string_view text) {
    constexpr std::string_view directive = ".version";
    const std::size_t found = text.find(directive);
    if (found == std::string_view::npos) {
        return 0;
    }
    const std::size_t start = text.find_first_not_of(" \t", found + directive.size());
    unsigned major = 0;
    unsigned minor = 0;
    const char* const end = text.data() + text.size();
    const char* at = std::from_chars(text.data() + std::min(start, text.size()), end, major).ptr;
    if (at != end && *at == '.') {
        std::from_chars(at + 1, end, minor);
    }
    return 10 * major + minor;
}

std::string dotted(unsigned version) { return std::to_string(version / 10) + "." + std::to_string(version % 10); }

void check_version(std::string_view image, std::string& log) {
    const unsigned version = ptx_version(image);
    if (version == 0) {
        log = "the image has no .version: it is no PTX text, which is all that the simulator loads";
        fail(invalid_image);
    }
    const unsigned newest = newest_ptx(driver().settings.driver_version);
    if (version > newest) {
        log = "PTX version " + dotted(version) + " is newer than the driver's newest, " + dotted(newest);
        fail(unsupported_ptx_version);
    }
}

void check_target(const Module& module, const Device& device, std::string& log) {
    for (const auto& function : module.functions()) {
        if (function->target > device.capability.number) {
            log = "the PTX is for sm_" + std::to_string(function->target) + ", the device is an sm_" +
                  std::to_string(device.capability.number);
            fail(invalid_ptx);
        }
    }
}

}  // namespace

std::unique_ptr<Module> compile(std::string_view image, Device& device, std::string& log) {
    if (image.substr(0, 4) == "\x7f" "ELF") {
        log = "the image is a cubin; the simulator loads PTX text";
        fail(no_binary_for_gpu);
    }
    check_version(image, log);
    try {
        auto module = std::make_unique<Module>(image, device.memory);
        check_target(*module, device, log);
        return module;
    } catch (const PtxError& error) {
        log = error.what();
        fail(invalid_ptx);
    }
}

int active_blocks(const Function& function, const Device& device, int threads, std::uint64_t dynamic_shared) {
    const Capability& capability = device.capability;
    const unsigned warps = (static_cast<unsigned>(threads) + warp_size - 1) / warp_size;
    const unsigned registers = std::max(1U, function.registers) * warp_size * warps;
    const std::uint64_t reserved = capability.number >= 80 ? reserved_shared : 0;
    const std::uint64_t shared = function.static_shared_bytes + dynamic_shared;
    if (threads > static_cast<int>(function.max_threads) || registers > registers_per_multiprocessor ||
        shared > static_cast<std::uint64_t>(capability.shared_per_block_optin)) {
        return 0;
    }
    std::uint64_t blocks = static_cast<std::uint64_t>(capability.blocks_per_multiprocessor);
    blocks = std::min<std::uint64_t>(blocks, static_cast<unsigned>(capability.threads_per_multiprocessor) / (warps * warp_size));
    blocks = std::min<std::uint64_t>(blocks, registers_per_multiprocessor / registers);
    if (shared + reserved > 0) {
        blocks = std::min(blocks, static_cast<std::uint64_t>(capability.shared_per_multiprocessor) / (shared + reserved));
    }
    return static_cast<int>(blocks);
}

}  // namespace nibble::simulator
