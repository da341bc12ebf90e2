// Instructions of the lanes of a warp together: shuffles, votes, matches, reductions, warp barriers.
#include <algorithm>
#include <cstring>

#include "decode_types.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

using W = std::uint32_t;

// Waits for all lanes that the members' masks name; 0 while they are not all here.
W gather_members(Warp& warp, const Instruction& in, W mask, Slot members) {
    const W* member_masks = warp.in<W>(members);
    W needed = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        if ((mask >> lane & 1) != 0) {
            needed |= member_masks[lane];
            if ((member_masks[lane] >> lane & 1) == 0) {
                fault(warp, in, lane, FaultKind::warp_sync, "the lane is not in its own member mask");
            }
        }
    }
    return gather(warp, in, mask, needed);
}

enum class Shuffle : std::uint8_t { up, down, bfly, idx };

// The lane that lane `lane` reads from, and whether it is in range.
unsigned source_lane(Shuffle mode, unsigned lane, W b, W c, bool& inside) {
    const unsigned segment = c >> 8 & 0x1f;
    const unsigned clamp = c & 0x1f;
    const unsigned offset = b & 0x1f;
    const unsigned most = (lane & segment) | (clamp & ~segment);
    const unsigned least = lane & segment;
    switch (mode) {
        case Shuffle::up: inside = static_cast<int>(lane) - static_cast<int>(offset) >= static_cast<int>(most); return lane - offset;
        case Shuffle::down: inside = lane + offset <= most; return lane + offset;
        case Shuffle::bfly: inside = (lane ^ offset) <= most; return lane ^ offset;
        default: inside = (least | (offset & ~segment)) <= most; return least | (offset & ~segment);
    }
}

// d|e = the value a of another lane. b: which, c: clamp and segments, the table: members. flags: the mode.
void run_shuffle(Warp& warp, const Instruction& in, W mask) {
    const W here = gather_members(warp, in, mask, warp.block->grid->program.table[in.table]);
    if (here == 0) {
        return;
    }
    const W* a = warp.in<W>(in.a);
    const W* b = warp.in<W>(in.b);
    const W* c = warp.in<W>(in.c);
    alignas(64) W result[lanes];
    W in_range = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        bool inside = false;
        const unsigned from = source_lane(static_cast<Shuffle>(in.flags), lane, b[lane], c[lane], inside);
        in_range |= (inside ? 1U : 0U) << lane;
        result[lane] = inside ? a[from & 31] : a[lane];
    }
    merge(warp.out<W>(in.d), result, here);
    if (in.e != no_slot) {
        set_predicate(warp, in.e, in_range, here);
    }
}

void decode_shuffle(Decoder& d) {
    if (!d.take("sync")) {
        d.fail("the simulator knows shfl.sync only");
    }
    const int mode = d.take_one({"up", "down", "bfly", "idx"});
    d.take("b32");
    d.finish();
    d.expect_operands(5, 5);
    const Slot result = d.result(0, Type::b32);
    const std::string_view second = d.operand(0).second;
    const Slot in_range = second.empty() ? no_slot : d.named_predicate(second, true);
    const Slot sources[4] = {d.source(1, Type::b32), d.source(2, Type::b32), d.source(3, Type::b32), d.source(4, Type::b32)};
    Instruction& made = d.emit_control(run_shuffle);
    made.d = result;
    made.e = in_range;
    made.a = sources[0];
    made.b = sources[1];
    made.c = sources[2];
    made.flags = static_cast<std::uint8_t>(std::max(mode, 0));
    d.attach({}, {sources[3]});
}

enum class Vote : std::uint8_t { all, any, uni, ballot };

// flags: the vote; more_flags: 1 flips the predicate.
void run_vote(Warp& warp, const Instruction& in, W mask) {
    const W here = gather_members(warp, in, mask, in.b);
    if (here == 0) {
        return;
    }
    const W* members = warp.in<W>(in.b);
    const W bits = *warp.in<W>(in.a) ^ (in.more_flags != 0 ? all_lanes : 0);
    W result[lanes];
    W predicate = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        const W asked = members[lane] & here;
        const W yes = bits & asked;
        result[lane] = yes;
        const bool holds = in.flags == static_cast<std::uint8_t>(Vote::all) ? yes == asked
                           : in.flags == static_cast<std::uint8_t>(Vote::any) ? yes != 0
                                                                            : yes == 0 || yes == asked;
        predicate |= (holds ? 1U : 0U) << lane;
    }
    if (in.flags == static_cast<std::uint8_t>(Vote::ballot)) {
        merge(warp.out<W>(in.d), result, here);
    } else {
        set_predicate(warp, in.d, predicate, here);
    }
}

void decode_vote(Decoder& d) {
    if (!d.take("sync")) {
        d.fail("the simulator knows vote.sync only");
    }
    const int vote = d.take_one({"all", "any", "uni", "ballot"});
    const Type type = d.take_type();
    d.finish();
    d.expect_operands(3, 3);
    const Slot result = type == Type::pred ? d.named_predicate(d.operand(0).name, true) : d.result(0, Type::b32);
    const Slot predicate = d.is_immediate(d.operand(1)) ? d.source(1, Type::pred) : d.named_predicate(d.operand(1).name, false);
    const Slot members = d.source(2, Type::b32);
    Instruction& made = d.emit_control(run_vote);
    made.d = result;
    made.a = predicate;
    made.b = members;
    made.flags = static_cast<std::uint8_t>(vote);
    made.more_flags = d.operand(1).negated ? 1 : 0;
}

// Which lanes have the same value: of any (each lane its own set), or do all have it (e says so).
template <class T, bool all>
void run_match(Warp& warp, const Instruction& in, W mask) {
    const W here = gather_members(warp, in, mask, in.b);
    if (here == 0) {
        return;
    }
    const T* a = warp.in<T>(in.a);
    const W* members = warp.in<W>(in.b);
    W result[lanes];
    W same_all = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        W same = 0;
        for (unsigned other = 0; other < lanes; other++) {
            same |= (a[other] == a[lane] ? 1U : 0U) << other;
        }
        const W asked = members[lane] & here;
        const bool one = (same & asked) == asked;
        result[lane] = all ? (one ? asked : 0) : same & asked;
        same_all |= (one ? 1U : 0U) << lane;
    }
    merge(warp.out<W>(in.d), result, here);
    if (in.e != no_slot) {
        set_predicate(warp, in.e, same_all, here);
    }
}

void decode_match(Decoder& d) {
    const bool all = d.take_one({"any", "all"}) == 1;
    d.take("sync");
    const Type type = d.take_type();
    d.finish();
    d.expect_operands(3, 3);
    const bool wide = bits_of(type) == 64;
    const Slot result = d.result(0, Type::b32);
    const std::string_view second = d.operand(0).second;
    const Slot same = second.empty() ? no_slot : d.named_predicate(second, true);
    const Slot value = d.source(1, type);
    const Slot members = d.source(2, Type::b32);
    Instruction& made = d.emit_control(all ? (wide ? run_match<std::uint64_t, true> : run_match<W, true>)
                                           : (wide ? run_match<std::uint64_t, false> : run_match<W, false>));
    made.d = result;
    made.e = same;
    made.a = value;
    made.b = members;
}

enum class Reduction : std::uint8_t { add, least, most, all_bits, any_bits, odd_bits };

template <class T>
T reduce(T x, T y, std::uint8_t how) {
    switch (static_cast<Reduction>(how)) {
        case Reduction::add: return static_cast<T>(static_cast<W>(x) + static_cast<W>(y));
        case Reduction::least: return std::min(x, y);
        case Reduction::most: return std::max(x, y);
        case Reduction::all_bits: return static_cast<T>(x & y);
        case Reduction::any_bits: return static_cast<T>(x | y);
        default: return static_cast<T>(x ^ y);
    }
}

template <class T>
void run_reduction(Warp& warp, const Instruction& in, W mask) {
    const W here = gather_members(warp, in, mask, in.b);
    if (here == 0) {
        return;
    }
    const T* a = warp.in<T>(in.a);
    const W* members = warp.in<W>(in.b);
    T result[lanes] = {};
    for (unsigned lane = 0; lane < lanes; lane++) {
        bool first = true;
        for (unsigned other = 0; other < lanes; other++) {
            if ((members[lane] & here) >> other & 1) {
                result[lane] = first ? a[other] : reduce(result[lane], a[other], in.flags);
                first = false;
            }
        }
    }
    merge(warp.out<T>(in.d), result, here);
}

void decode_reduction(Decoder& d) {
    d.take("sync");
    const int how = d.take_one({"add", "min", "max", "and", "or", "xor"});
    const Type type = d.take_type();
    Instruction& made = emit_map(d, is_signed(type) ? run_reduction<std::int32_t> : run_reduction<W>, type, {type, Type::b32});
    made.control = true;
    made.flags = static_cast<std::uint8_t>(std::max(how, 0));
}

void run_warp_barrier(Warp& warp, const Instruction& in, W mask) {
    if (gather_members(warp, in, mask, in.a) != 0) {
        warp.syncs = std::min(warp.syncs + 1, 15U);
    }
}

void run_active_mask(Warp& warp, const Instruction& in, W mask) {
    W* d = warp.out<W>(in.d);
    for (unsigned lane = 0; lane < lanes; lane++) {
        d[lane] = (mask >> lane & 1) != 0 ? mask : d[lane];
    }
}

void decode_active_mask(Decoder& d) {
    d.take("b32");
    d.finish();
    const Slot result = d.result(0, Type::b32);
    d.emit(run_active_mask).d = result;
}

// elect.sync d|p, members: the first member.
void run_elect(Warp& warp, const Instruction& in, W mask) {
    const W here = gather_members(warp, in, mask, in.a);
    if (here == 0) {
        return;
    }
    const unsigned chosen = first_lane(here);
    W result[lanes];
    std::fill(std::begin(result), std::end(result), chosen);
    merge(warp.out<W>(in.d), result, here);
    set_predicate(warp, in.e, 1U << chosen, here);
}

void decode_elect(Decoder& d) {
    d.take("sync");
    d.finish();
    const Slot result = d.result(0, Type::b32);
    const Slot chosen = d.named_predicate(d.operand(0).second, true);
    const Slot members = d.source(1, Type::b32);
    Instruction& made = d.emit_control(run_elect);
    made.d = result;
    made.e = chosen;
    made.a = members;
}

}  // namespace

void decode_warp_barrier(Decoder& d) {
    d.take("sync");
    d.finish();
    const Slot members = d.source(0, Type::b32);
    d.emit_control(run_warp_barrier).a = members;
}

void add_warp_opcodes(OpcodeTable& table) {
    table["shfl"] = decode_shuffle;
    table["vote"] = decode_vote;
    table["match"] = decode_match;
    table["redux"] = decode_reduction;
    table["activemask"] = decode_active_mask;
    table["elect"] = decode_elect;
}

}  // namespace nibble::simulator
