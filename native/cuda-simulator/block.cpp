// Runs the warps of a block in turns and releases barriers.
#include <string>

#include "warp.h"

namespace nibble::simulator {

namespace {

bool ended(const Warp& warp) { return warp.active == 0 && warp.groups.empty() && warp.wait.at == nullptr; }

unsigned count_bits(std::uint32_t bits) { return static_cast<unsigned>(__builtin_popcount(bits)); }

struct Arrival {
    unsigned waiting = 0;
    unsigned arrived = 0;
    unsigned expected = 0;
    std::uint32_t true_lanes = 0;
};

Arrival arrival(const Block& block, const BarrierWait& at) {
    Arrival sum;
    for (const Warp& warp : block.warps) {
        if (warp.wait.at != nullptr && warp.wait.number == at.number) {
            sum.waiting += count_bits(warp.wait.lanes);
            sum.true_lanes += count_bits(warp.wait.bits);
        }
    }
    sum.arrived = sum.waiting + block.arrivals[at.number];
    sum.expected = at.threads != 0 ? at.threads : block.threads;
    return sum;
}

// A barrier that cannot open: who is missing?
[[noreturn]] void missing(const Block& block, const Warp& warp, const Arrival& found) {
    unsigned gone = 0;
    for (const Warp& other : block.warps) {
        gone += count_bits(other.dead);
    }
    gone -= static_cast<unsigned>(block.warps.size()) * lanes - block.threads;
    fault(warp, *warp.wait.at, first_lane(warp.wait.lanes), FaultKind::barrier,
          "barrier " + std::to_string(warp.wait.number) + " is reached by " + std::to_string(found.arrived) + " of " +
              std::to_string(found.expected) + " threads; " + std::to_string(gone) + " threads of the block have ended" +
              (found.arrived + gone < found.expected ? ", others wait at another barrier" : ""));
}

void release(Block& block, std::uint32_t number, const Arrival& found) {
    for (Warp& warp : block.warps) {
        if (warp.wait.at != nullptr && warp.wait.number == number) {
            finish_barrier(warp, found.true_lanes, found.waiting);
            warp.wait.at = nullptr;
        }
        warp.syncs = 0;
    }
    block.arrivals[number] = 0;
    block.shared.next_epoch();
}

// Opens the barriers that all their threads have reached; false where none opens.
bool release_barriers(Block& block) {
    bool opened = false;
    for (Warp& warp : block.warps) {
        if (warp.wait.at == nullptr) {
            continue;
        }
        const BarrierWait wait = warp.wait;
        const Arrival found = arrival(block, wait);
        if (found.arrived == found.expected) {
            release(block, wait.number, found);
            opened = true;
        } else if (found.arrived > found.expected) {
            missing(block, warp, found);
        }
    }
    return opened;
}

}  // namespace

void run_block(Block& block) {
    for (;;) {
        bool ran = false;
        bool left = false;
        for (Warp& warp : block.warps) {
            if (!ended(warp) && warp.wait.at == nullptr) {
                run_warp(warp);
                ran = true;
            }
            left |= !ended(warp);
        }
        if (!left) {
            return;
        }
        if (!ran && !release_barriers(block)) {
            for (const Warp& warp : block.warps) {
                if (warp.wait.at != nullptr) {
                    missing(block, warp, arrival(block, warp.wait));
                }
            }
        }
    }
}

}  // namespace nibble::simulator
