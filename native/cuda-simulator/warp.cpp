// How a warp goes through a program: lanes at the same instruction run together, those farthest behind first.
#include "warp.h"

#include <algorithm>
#include <string>

namespace nibble::simulator {

namespace {

constexpr std::uint32_t nowhere = 0xffffffff;
// After so many instructions the other warps, or other lanes, have a turn: they may have to do what this one waits for.
constexpr std::uint64_t turn = 1 << 20;

// The waiting group that goes on next: least pc, or who waits longest.
std::size_t next_group(const Warp& warp) {
    std::size_t best = warp.groups.size();
    for (std::size_t i = 0; i < warp.groups.size(); i++) {
        const Group& group = warp.groups[i];
        if (!group.parked && (best == warp.groups.size() || (!warp.rotate && group.pc < warp.groups[best].pc))) {
            best = i;
        }
    }
    return best;
}

[[noreturn]] void stuck(const Warp& warp) {
    const Program& program = warp.block->grid->program;
    std::string where;
    for (const Group& group : warp.groups) {
        char mask[16];
        std::snprintf(mask, sizeof mask, "0x%08x", group.mask);
        where += std::string(where.empty() ? "" : "; ") + "lanes " + mask + " wait at line " +
                 std::to_string(program.lines[group.pc]);
    }
    const Group& first = warp.groups.front();
    const Instruction& at = program.code[first.pc];
    const bool barrier = (at.flags & 0x80) != 0;
    fault(warp, at, first_lane(first.mask), barrier ? FaultKind::barrier : FaultKind::warp_sync,
          std::string(barrier ? "barrier in divergent code" : "lanes that a warp-wide instruction names do not come to it") + ": " +
              where + "; other lanes have ended");
}

// Makes the next group active; false where none can go on.
bool pick(Warp& warp) {
    const std::size_t best = next_group(warp);
    if (best == warp.groups.size()) {
        if (!warp.groups.empty()) {
            stuck(warp);
        }
        return false;
    }
    const std::uint32_t pc = warp.groups[best].pc;
    warp.pc = pc;
    warp.active = 0;
    warp.fair = warp.rotate;
    warp.rotate = false;
    std::erase_if(warp.groups, [&](const Group& group) {
        const bool here = !group.parked && group.pc == pc;
        warp.active |= here ? group.mask : 0;
        return here;
    });
    return true;
}

// Finds where the active lanes meet others. False where others are behind them and go first.
bool find_limit(Warp& warp) {
    warp.limit = nowhere;
    for (const Group& group : warp.groups) {
        if (group.parked) {
            continue;
        }
        if (group.pc > warp.pc) {
            warp.limit = std::min(warp.limit, group.pc);
        } else if (!warp.fair) {
            return false;
        }
    }
    return true;
}

void put_back(Warp& warp) {
    if (warp.active != 0) {
        warp.groups.push_back({warp.pc, warp.active, false});
        warp.active = 0;
    }
}

}  // namespace

void send(Warp& warp, std::uint32_t mask, std::uint32_t pc) {
    warp.groups.push_back({pc, mask, false});
    warp.active &= ~mask;
}

void end_lanes(Warp& warp, std::uint32_t mask) {
    warp.active &= ~mask;
    warp.dead |= mask;
    // Those that wait may have waited for these: they look again.
    for (Group& group : warp.groups) {
        group.parked = false;
    }
}

std::uint32_t gather(Warp& warp, const Instruction& instruction, std::uint32_t mask, std::uint32_t needed) {
    std::uint32_t here = mask;
    const std::uint32_t pc = instruction.serial;
    if ((needed & ~warp.dead & ~here) != 0) {
        for (const Group& group : warp.groups) {
            here |= group.parked && group.pc == pc ? group.mask : 0;
        }
    }
    if ((needed & ~warp.dead & ~here) != 0) {
        warp.active &= ~mask;
        warp.groups.push_back({pc, mask, true});
        return 0;
    }
    if (here != mask) {
        std::erase_if(warp.groups, [&](const Group& group) { return group.parked && group.pc == pc; });
        warp.active |= here;
    }
    return here;
}

void run_warp(Warp& warp) {
    const Instruction* const code = warp.block->grid->program.code.data();
    const std::uint64_t step_limit = warp.block->grid->checks.step_limit;
    const std::uint64_t turn_end = warp.steps + turn;
    while (warp.active != 0 || pick(warp)) {
        find_limit(warp);
        const Instruction* at = code + warp.pc;
        const Instruction* counted = at;
        const Instruction* limit = code + warp.limit;
        std::uint32_t active = warp.active;
        while (at < limit) {
            const std::uint32_t mask = active & (*warp.in<std::uint32_t>(at->guard) ^ at->flip);
            if (!at->control) {
                if (mask != 0) {
                    at->handler(warp, *at, mask);
                }
                ++at;
                continue;
            }
            warp.pc = static_cast<std::uint32_t>(at - code) + 1;
            warp.steps += static_cast<std::uint64_t>(at + 1 - counted);
            if (mask != 0) {
                at->handler(warp, *at, mask);
            }
            if (warp.steps > step_limit) {
                fault(warp, *at, first_lane(active), FaultKind::too_long,
                      "more than " + std::to_string(step_limit) + " instructions in a warp (NIBBLE_SIMULATOR_STEP_LIMIT)");
            }
            if (warp.wait.at != nullptr) {
                return;
            }
            active = warp.active;
            if (active == 0) {
                break;
            }
            if (warp.steps > turn_end) {
                put_back(warp);
                warp.rotate = true;
                return;
            }
            at = counted = code + warp.pc;
            if (!find_limit(warp)) {
                break;
            }
            limit = code + warp.limit;
        }
        warp.steps += at > counted ? static_cast<std::uint64_t>(at - counted) : 0;
        warp.pc = static_cast<std::uint32_t>(at - code);
        put_back(warp);
    }
}

}  // namespace nibble::simulator
