// cp.async: copies from global to shared memory that are done when their thread waits for them.
#include <algorithm>
#include <cstring>
#include <string>

#include "access.h"
#include "memory_operands.h"

namespace nibble::simulator {

namespace {

using W = std::uint32_t;

bool is_in(std::uint32_t mask, unsigned lane) { return (mask >> lane & 1) != 0; }

// Where the copy goes to. Reads of that place are refused until the wait: it counts as not written. Threads that have read or written
// there since the last barrier race with the copy, which may be done at once.
void begin_writes(Warp& warp, const Instruction& in, AsyncCopy& copy) {
    Access access;
    access.mask = copy.mask;
    access.bytes = copy.bytes;
    access.use = Use::write;
    const auto offset = static_cast<std::int32_t>(in.immediate);
    for (unsigned lane = 0; lane < lanes; lane++) {
        access.at[lane] = in.wide_address ? warp.in<std::uint64_t>(in.a)[lane] + static_cast<std::uint64_t>(std::int64_t{offset})
                                          : warp.in<W>(in.a)[lane] + static_cast<W>(offset);
    }
    locate_shared(warp, in, access);
    SharedMemory& shared = warp.block->shared;
    for (unsigned lane = 0; lane < lanes; lane++) {
        if (is_in(copy.mask, lane)) {
            copy.to[lane] = static_cast<W>(access.at[lane] - reinterpret_cast<std::uint64_t>(shared.bytes.data()));
            std::memset(&shared.written[copy.to[lane] / 4], 0, copy.bytes / 4);
        }
    }
}

// Finds global memory for lanes that read so many bytes there; they are checked byte by byte where a lane reads less than a whole copy.
void check_reads(Warp& warp, const Instruction& in, AsyncCopy& copy) {
    std::uint32_t whole = 0;
    std::uint32_t some = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        const bool reads = is_in(copy.mask, lane) && copy.read_bytes[lane] != 0;
        whole |= (reads && copy.read_bytes[lane] == copy.bytes ? 1U : 0U) << lane;
        some |= (reads ? 1U : 0U) << lane;
    }
    if (some == 0) {
        return;
    }
    Access access;
    access.mask = some;
    access.bytes = copy.bytes;
    std::copy(copy.from.begin(), copy.from.end(), access.at);
    find_pattern(access);
    check_alignment(warp, in, access, "global");
    if (whole != 0) {
        access.mask = whole;
        locate_global(warp, in, access);
    }
    for (unsigned byte = 0; some != whole && byte < copy.bytes; byte++) {
        Access one;
        one.bytes = 1;
        for (unsigned lane = 0; lane < lanes; lane++) {
            one.at[lane] = copy.from[lane] + byte;
            one.mask |= (is_in(some & ~whole, lane) && byte < copy.read_bytes[lane] ? 1U : 0U) << lane;
        }
        if (one.mask != 0) {
            locate_global(warp, in, one);
        }
    }
}

// a: address in shared memory, b: in global memory, c: bytes to read (or none). immediate: what is added to a and, in its upper half, to
// b. flags: bytes of a copy.
void run_copy(Warp& warp, const Instruction& in, std::uint32_t mask) {
    AsyncCopy copy;
    copy.mask = mask;
    copy.bytes = in.flags;
    copy.group = warp.copies.committed;
    const std::uint64_t* from = warp.in<std::uint64_t>(in.b);
    const W* read_bytes = in.c != no_slot ? warp.in<W>(in.c) : nullptr;
    const auto offset = static_cast<std::int32_t>(in.immediate >> 32);
    for (unsigned lane = 0; lane < lanes; lane++) {
        copy.from[lane] = from[lane] + static_cast<std::uint64_t>(std::int64_t{offset});
        copy.read_bytes[lane] = read_bytes != nullptr ? read_bytes[lane] : copy.bytes;
        if (is_in(mask, lane) && copy.read_bytes[lane] > copy.bytes) {
            fault(warp, in, lane, FaultKind::illegal_address,
                  "a copy of " + std::to_string(copy.bytes) + " bytes reads " + std::to_string(copy.read_bytes[lane]));
        }
    }
    begin_writes(warp, in, copy);
    check_reads(warp, in, copy);
    warp.copies.pending.push_back(copy);
}

void run_commit(Warp& warp, const Instruction&, std::uint32_t mask) {
    for (unsigned lane = 0; lane < lanes; lane++) {
        warp.copies.committed[lane] += mask >> lane & 1;
    }
}

// Does the copy for some lanes; the store is that of the wait.
void finish(Warp& warp, const Instruction& in, const AsyncCopy& copy, std::uint32_t mask) {
    Access access;
    access.mask = mask;
    access.bytes = copy.bytes;
    access.use = Use::write;
    std::copy(copy.to.begin(), copy.to.end(), access.at);
    locate_shared(warp, in, access);
    for (std::uint32_t left = mask; left != 0; left &= left - 1) {
        const unsigned lane = first_lane(left);
        std::byte* to = reinterpret_cast<std::byte*>(access.at[lane]);
        const W read = copy.read_bytes[lane];
        std::memset(to + read, 0, copy.bytes - read);
        if (read != 0) {
            std::memcpy(to, reinterpret_cast<const std::byte*>(copy.from[lane]), read);
        }
    }
}

// Finishes all groups but the last `immediate` ones of each lane. flags: a group is committed first.
void run_wait(Warp& warp, const Instruction& in, std::uint32_t mask) {
    if (in.flags != 0) {
        run_commit(warp, in, mask);
    }
    for (AsyncCopy& copy : warp.copies.pending) {
        std::uint32_t done = 0;
        for (unsigned lane = 0; lane < lanes; lane++) {
            const bool due = copy.group[lane] + in.immediate < warp.copies.committed[lane];
            done |= (due ? 1U : 0U) << lane;
        }
        done &= copy.mask & mask;
        if (done != 0) {
            finish(warp, in, copy, done);
            copy.mask &= ~done;
        }
    }
    std::erase_if(warp.copies.pending, [](const AsyncCopy& copy) { return copy.mask == 0; });
}

unsigned copy_bytes(Decoder& d, bool past_l1) {
    const std::uint64_t bytes = d.immediate(d.operand(2));
    if (bytes != 16 && (past_l1 || (bytes != 4 && bytes != 8))) {
        d.fail("cp.async copies 16 bytes, with .ca also 4 or 8, not " + std::to_string(bytes));
    }
    return static_cast<unsigned>(bytes);
}

void decode_copy(Decoder& d) {
    const int cache = d.take_one({"ca", "cg"});
    if (cache < 0 || d.take_one({"shared", "shared::cta"}) < 0 || !d.take("global")) {
        d.fail("the simulator does not know this cp.async");
    }
    d.take_one({"L2::64B", "L2::128B", "L2::256B"});
    const std::size_t policies = d.take("L2::cache_hint") ? 1 : 0;
    d.finish();
    d.expect_operands(3 + policies, 4 + policies);
    const unsigned bytes = copy_bytes(d, cache == 1);
    const MemoryOperand to = take_memory_operand(d, d.operand(0), Space::shared);
    MemoryOperand from = take_memory_operand(d, d.operand(1), Space::global);
    if (from.fixed) {
        from.base = d.constant(from.offset, 64);
        from.offset = 0;
        from.wide = true;
    }
    const auto offset = static_cast<std::int64_t>(from.offset);
    if (!from.wide || offset != static_cast<std::int32_t>(offset)) {
        d.fail("an address of 64 bits with an offset of 32 is needed");
    }
    const Slot read_bytes = d.count() == 4 + policies ? d.source(3, Type::u32) : no_slot;
    Instruction& made = d.emit(run_copy);
    apply(made, to);
    made.immediate = (from.offset & 0xffffffff) << 32 | (to.offset & 0xffffffff);
    made.b = from.base;
    made.c = read_bytes;
    made.flags = static_cast<std::uint8_t>(bytes);
    note_granule(d, Space::shared, bytes);
}

void decode_async(Decoder& d) {
    if (!d.take("async")) {
        d.fail("the simulator knows cp.async only");
    }
    d.expect_target(80);
    switch (d.take_one({"commit_group", "wait_group", "wait_all"})) {
        case 0:
            d.finish();
            d.expect_operands(0, 0);
            d.emit(run_commit);
            return;
        case 1: {
            d.finish();
            d.expect_operands(1, 1);
            const std::uint64_t groups = d.immediate(d.operand(0));
            d.emit(run_wait).immediate = groups;
            return;
        }
        case 2:
            d.finish();
            d.expect_operands(0, 0);
            d.emit(run_wait).flags = 1;
            return;
        default: decode_copy(d);
    }
}

}  // namespace

void add_async_copy_opcodes(OpcodeTable& table) { table["cp"] = decode_async; }

}  // namespace nibble::simulator
