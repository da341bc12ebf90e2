// Shared memory of a block: its bounds, what was written, and races between its threads.
#include <algorithm>
#include <cstring>
#include <string>

#include "access.h"

namespace nibble::simulator {

namespace {

using W = std::uint32_t;

// Tags: see SharedMemory. Flags of reads: lanes of the same warp have read too, other warps have. Of writes: atomic.
constexpr W several_lanes = 1;
constexpr W several_warps = 2;
constexpr W atomic_write = 1;
constexpr W many_syncs = 15;

W epoch_of(W tag) { return tag >> 16; }
W thread_of(W tag) { return tag >> 6 & 0x3ff; }
W warp_of(W tag) { return tag >> 11 & 0x1f; }
W syncs_of(W tag) { return tag >> 2 & 15; }

// Did the other thread of the same warp act since the last barrier of the warp?
bool unordered_in_warp(W tag, W mine) { return syncs_of(tag) == syncs_of(mine) && syncs_of(mine) != many_syncs; }

bool races_with_write(W tag, W mine, bool ordered) {
    if (epoch_of(tag) != epoch_of(mine) || thread_of(tag) == thread_of(mine) || (ordered && (tag & atomic_write) != 0)) {
        return false;
    }
    return warp_of(tag) != warp_of(mine) || unordered_in_warp(tag, mine);
}

bool races_with_reads(W tag, W mine) {
    if (epoch_of(tag) != epoch_of(mine)) {
        return false;
    }
    if ((tag & several_warps) != 0 || warp_of(tag) != warp_of(mine)) {
        return true;
    }
    return ((tag & several_lanes) != 0 || thread_of(tag) != thread_of(mine)) && unordered_in_warp(tag, mine);
}

W with_reader(W tag, W mine) {
    if (epoch_of(tag) != epoch_of(mine)) {
        return mine;
    }
    if (warp_of(tag) != warp_of(mine)) {
        return mine | several_warps;
    }
    const W others = tag & several_warps;
    if (syncs_of(tag) != syncs_of(mine)) {
        return mine | others;
    }
    return mine | others | (thread_of(tag) == thread_of(mine) ? tag & several_lanes : several_lanes);
}

W tag_of(const Warp& warp, unsigned lane) {
    return warp.block->shared.epoch << 16 | (warp.number * lanes + lane) << 6 | warp.syncs << 2;
}

// Both threads store the same: harmless.
bool stores_same(const Warp& warp, const Instruction& in, const Access& access, unsigned lane, W other_tag) {
    if (access.stored == nullptr) {
        return false;
    }
    std::byte mine[16];
    std::byte other[16];
    access.stored(warp, in, lane, mine);
    const unsigned other_lane = thread_of(other_tag) % lanes;
    const bool now = warp_of(other_tag) == warp.number && (access.mask >> other_lane & 1) != 0 && access.at[other_lane] == access.at[lane];
    if (now) {
        access.stored(warp, in, other_lane, other);
    } else {
        std::memcpy(other, warp.block->shared.bytes.data() + access.at[lane], access.bytes);
    }
    return std::memcmp(mine, other, access.bytes) == 0;
}

[[noreturn]] void report(const Warp& warp, const Instruction& in, const Access& access, unsigned lane, W tag, const char* other) {
    const bool several = other[0] == 'r' && (tag & (several_lanes | several_warps)) != 0;
    fault(warp, in, lane, FaultKind::shared_race,
          describe(access, "shared", access.at[lane]) + " races with a " + other + " of thread " + std::to_string(thread_of(tag)) +
              (several ? " and others" : "") + ": no barrier stands between them");
}

void check_lane(Warp& warp, const Instruction& in, const Access& access, unsigned lane) {
    SharedMemory& shared = warp.block->shared;
    const W mine = tag_of(warp, lane);
    const std::uint64_t first = access.at[lane] >> shared.granule;
    const std::uint64_t count = std::max(access.bytes >> shared.granule, 1U);
    for (std::uint64_t i = first; i < first + count; i++) {
        W& write = shared.writes[i];
        W& read = shared.reads[i];
        if (races_with_write(write, mine, access.ordered) &&
            (access.use == Use::read || !stores_same(warp, in, access, lane, write))) {
            report(warp, in, access, lane, write, "store");
        }
        if (access.use == Use::read) {
            read = with_reader(read, mine);
            continue;
        }
        if (!access.ordered && races_with_reads(read, mine)) {
            report(warp, in, access, lane, read, "read");
        }
        // A plain store of the thread itself is still there for others to race with.
        const bool stored_before = write != 0 && (write & ~0x3fU) == (mine & ~0x3fU) && (write & atomic_write) == 0;
        write = mine | (access.ordered && !stored_before ? atomic_write : 0);
    }
}

// All lanes of the warp, a granule each, side by side, none of them used since the last barrier: the common case, in vectors.
bool check_side_by_side(Warp& warp, const Access& access) {
    SharedMemory& shared = warp.block->shared;
    if (!access.contiguous || access.bytes != 1U << shared.granule || access.ordered) {
        return false;
    }
    W* writes = &shared.writes[access.at[0] >> shared.granule];
    W* reads = &shared.reads[access.at[0] >> shared.granule];
    const W first = tag_of(warp, 0);
    W busy = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        const bool written = epoch_of(writes[lane]) == epoch_of(first) && thread_of(writes[lane]) != thread_of(first) + lane;
        const bool was_read = epoch_of(reads[lane]) == epoch_of(first) &&
                              (thread_of(reads[lane]) != thread_of(first) + lane || (reads[lane] & 3) != 0);
        busy |= written || was_read ? 1 : 0;
    }
    if (busy != 0) {
        return false;
    }
    W* tags = access.use == Use::read ? reads : writes;
    for (unsigned lane = 0; lane < lanes; lane++) {
        tags[lane] = first + (lane << 6);
    }
    return true;
}

}  // namespace

void SharedMemory::begin_block(std::uint32_t new_size, unsigned new_granule, bool races) {
    size = new_size;
    const std::size_t words = (std::size_t{size} + 3) / 4;
    bytes.resize(std::max(bytes.size(), words * 4));
    written.assign(words, 0);
    const std::size_t granules = races ? (std::size_t{size} >> new_granule) + 1 : 0;
    if (granules > writes.size() || granule != new_granule) {
        writes.assign(std::max(granules, writes.size()), 0);
        reads.assign(writes.size(), 0);
        epoch = 0;
    }
    granule = new_granule;
    next_epoch();
}

void SharedMemory::next_epoch() {
    epoch++;
    if (epoch == 1U << 16) {
        std::fill(writes.begin(), writes.end(), 0);
        std::fill(reads.begin(), reads.end(), 0);
        epoch = 1;
    }
}

void check_races(Warp& warp, const Instruction& in, const Access& access) {
    if (check_side_by_side(warp, access)) {
        return;
    }
    for (unsigned lane = 0; lane < lanes; lane++) {
        if ((access.mask >> lane & 1) != 0) {
            check_lane(warp, in, access, lane);
        }
    }
}

void locate_shared(Warp& warp, const Instruction& in, Access& access) {
    SharedMemory& shared = warp.block->shared;
    find_pattern(access);
    check_alignment(warp, in, access, "shared");
    const unsigned step = access.contiguous || access.uniform ? lanes : 1;
    const unsigned bytes = access.contiguous ? access.bytes * lanes : access.bytes;
    bool inside = true;
    bool written = true;
    for (unsigned lane = 0; lane < lanes; lane += step) {
        const bool fits = access.at[lane] <= shared.size && shared.size - access.at[lane] >= bytes;
        inside &= fits;
        if (fits && access.use == Use::write) {
            mark_written(shared.written.data(), 0, access.at[lane], bytes, false);
        } else if (fits) {
            written &= all_written(shared.written.data(), 0, access.at[lane], bytes);
        }
    }
    for (unsigned lane = 0; lane < lanes && (!inside || !written); lane++) {
        const std::uint64_t at = access.at[lane];
        if ((access.mask >> lane & 1) == 0) {
            continue;
        }
        if (at > shared.size || shared.size - at < access.bytes) {
            fault(warp, in, lane, FaultKind::illegal_address,
                  describe(access, "shared", at) + " is outside of the " + std::to_string(shared.size) + " bytes of the block");
        }
        if (access.use != Use::write && warp.block->grid->checks.unwritten &&
            !all_written(shared.written.data(), 0, at, access.bytes)) {
            unwritten(warp, in, access, lane, "shared", at, "");
        }
    }
    if (warp.block->grid->checks.races) {
        check_races(warp, in, access);
    }
    const auto base = reinterpret_cast<std::uint64_t>(shared.bytes.data());
    for (unsigned lane = 0; lane < lanes; lane++) {
        access.at[lane] += base;
    }
}

}  // namespace nibble::simulator
