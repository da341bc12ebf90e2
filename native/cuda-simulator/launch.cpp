// Launches: their limits, and the blocks on the pool of threads. See launch.h.
#include "launch.h"

#include <cstdlib>
#include <memory>

#include "pool.h"
#include "warp.h"

namespace nibble::simulator {

namespace {

std::string text_of(const Dim3& size) {
    return std::to_string(size.x) + " x " + std::to_string(size.y) + " x " + std::to_string(size.z);
}

bool switched_off(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && std::string_view(value) == "off";
}

std::uint32_t special_value(const Warp& warp, Special special, unsigned lane) {
    const Block& block = *warp.block;
    const Launch& launch = block.grid->launch;
    const unsigned thread = warp.number * lanes + lane;
    const std::uint32_t bit = 1U << lane;
    switch (special) {
        case Special::tid_x: return thread % launch.block.x;
        case Special::tid_y: return thread / launch.block.x % launch.block.y;
        case Special::tid_z: return thread / launch.block.x / launch.block.y;
        case Special::ntid_x: return launch.block.x;
        case Special::ntid_y: return launch.block.y;
        case Special::ntid_z: return launch.block.z;
        case Special::ctaid_x: return block.index.x;
        case Special::ctaid_y: return block.index.y;
        case Special::ctaid_z: return block.index.z;
        case Special::nctaid_x: return launch.grid.x;
        case Special::nctaid_y: return launch.grid.y;
        case Special::nctaid_z: return launch.grid.z;
        case Special::laneid: return lane;
        case Special::warpid: return warp.number;
        case Special::nwarpid: return static_cast<std::uint32_t>(block.warps.size());
        case Special::smid: return 0;
        case Special::nsmid: return 1;
        case Special::gridid: return 0;
        case Special::dynamic_smem_size: return launch.dynamic_shared;
        case Special::total_smem_size: return block.shared.size;
        case Special::lanemask_eq: return bit;
        case Special::lanemask_le: return bit | (bit - 1);
        case Special::lanemask_lt: return bit - 1;
        case Special::lanemask_ge: return ~(bit - 1);
        case Special::lanemask_gt: return ~(bit | (bit - 1));
    }
    return 0;
}

void begin_warp(Block& block, unsigned number) {
    const Program& program = block.grid->program;
    Warp& warp = block.warps[number];
    const auto start = (reinterpret_cast<std::uintptr_t>(block.registers.data()) + 63) / 64 * 64;
    warp.base = {reinterpret_cast<std::byte*>(start) + std::size_t{number} * program.register_bytes, program.constant_base()};
    warp.block = &block;
    warp.number = number;
    const unsigned left = block.threads - number * lanes;
    warp.active = left >= lanes ? all_lanes : (1U << left) - 1;
    warp.dead = ~warp.active;
    warp.pc = program.entry;
    warp.groups.assign(1, {warp.pc, warp.active, false});
    warp.active = 0;
    warp.fair = false;
    warp.rotate = false;
    warp.wait = {};
    warp.syncs = 0;
    warp.steps = 0;
    warp.copies.pending.clear();
    warp.copies.committed.fill(0);
    warp.local = block.local.data() + std::size_t{number} * lanes * program.local_bytes;
    warp.local_written.assign(std::size_t{lanes} * ((program.local_bytes + 3) / 4), 0);
    for (const auto& [special, slot] : program.specials) {
        std::uint32_t* values = warp.out<std::uint32_t>(slot);
        for (unsigned lane = 0; lane < lanes; lane++) {
            values[lane] = special_value(warp, special, lane);
        }
    }
}

// One block per thread of the machine, used again and again.
void run_one(const Grid& grid, std::uint64_t number) {
    thread_local Block block;
    const Launch& launch = grid.launch;
    const Program& program = grid.program;
    block.grid = &grid;
    block.index = {static_cast<unsigned>(number % launch.grid.x), static_cast<unsigned>(number / launch.grid.x % launch.grid.y),
                   static_cast<unsigned>(number / launch.grid.x / launch.grid.y)};
    block.threads = static_cast<unsigned>(launch.block.count());
    const unsigned warps = (block.threads + lanes - 1) / lanes;
    block.shared.begin_block(program.static_shared + launch.dynamic_shared, program.shared_granule, grid.checks.races);
    block.warps.resize(warps);
    block.registers.resize(std::size_t{warps} * program.register_bytes + 64);
    block.local.resize(std::size_t{warps} * lanes * program.local_bytes);
    block.recent.fill({UINT64_MAX, 0, nullptr});
    block.arrivals.fill(0);
    for (unsigned warp = 0; warp < warps; warp++) {
        begin_warp(block, warp);
    }
    run_block(block);
}

}  // namespace

Checks Checks::from_environment() {
    const char* limit = std::getenv("NIBBLE_SIMULATOR_STEP_LIMIT");
    return {!switched_off("NIBBLE_SIMULATOR_CHECK_UNWRITTEN"), !switched_off("NIBBLE_SIMULATOR_CHECK_RACES"),
            limit != nullptr ? std::strtoull(limit, nullptr, 10) : 50'000'000ULL};
}

void check_launch(const Launch& launch) {
    const Function& function = *launch.function;
    const std::string kernel = "kernel " + function.name + ": ";
    const Dim3& grid = launch.grid;
    const Dim3& block = launch.block;
    if (grid.count() == 0 || grid.x > max_grid_x || grid.y > max_grid_yz || grid.z > max_grid_yz) {
        throw LaunchRefused(kernel + "a grid of " + text_of(grid) + " blocks is not possible", false);
    }
    if (block.count() == 0 || block.x > max_block_x || block.y > max_block_y || block.z > max_block_z ||
        block.count() > max_block_threads) {
        throw LaunchRefused(kernel + "a block of " + text_of(block) + " threads is not possible (1024 at most)", false);
    }
    if (block.count() > function.max_threads) {
        throw LaunchRefused(kernel + "a block of " + text_of(block) + " threads is more than the " +
                                std::to_string(function.max_threads) + " that it was compiled for",
                            true);
    }
    const std::uint64_t shared = std::uint64_t{function.static_shared_bytes} + launch.dynamic_shared;
    if (launch.dynamic_shared > launch.dynamic_shared_limit || shared > std::max(launch.dynamic_shared_limit, max_static_shared)) {
        throw LaunchRefused(kernel + std::to_string(launch.dynamic_shared) + " bytes of dynamic and " +
                                std::to_string(function.static_shared_bytes) + " of static shared memory are more than the limit of " +
                                std::to_string(launch.dynamic_shared_limit),
                            false);
    }
}

void run(const Launch& launch, DeviceMemory& memory) {
    check_launch(launch);
    const std::shared_ptr<const AddressMap> ranges = memory.addresses();
    const Grid grid{launch, *launch.function->program, memory, *ranges, Checks::from_environment()};
    for_each(launch.grid.count(), [&](std::uint64_t number) { run_one(grid, number); });
}

}  // namespace nibble::simulator
