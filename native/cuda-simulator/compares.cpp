// Comparisons and selection: setp, set, selp, slct.
#include <bit>
#include <cmath>

#include "decode_types.h"
#include "halves.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

using W = std::uint32_t;

enum class Compare : std::uint8_t { eq, ne, lt, le, gt, ge, lo, ls, hi, hs, equ, neu, ltu, leu, gtu, geu, num, nan };

template <Compare C, class T>
bool holds(T a, T b) {
    const bool unordered = std::is_floating_point_v<T> && (a != a || b != b);
    switch (C) {
        case Compare::eq: return a == b;
        case Compare::ne: return !unordered && a != b;
        case Compare::lt:
        case Compare::lo: return a < b;
        case Compare::le:
        case Compare::ls: return a <= b;
        case Compare::gt:
        case Compare::hi: return a > b;
        case Compare::ge:
        case Compare::hs: return a >= b;
        case Compare::equ: return unordered || a == b;
        case Compare::neu: return a != b;
        case Compare::ltu: return !(a >= b);
        case Compare::leu: return !(a > b);
        case Compare::gtu: return !(a <= b);
        case Compare::geu: return !(a < b);
        case Compare::num: return !unordered;
        case Compare::nan: return unordered;
    }
}

template <class T>
using Comparer = W (*)(const T* a, const T* b);

template <class T, Compare C>
W compare(const T* a, const T* b) {
    return compare_lanes<T, holds<C, T>>(a, b);
}

template <class T, std::size_t... I>
Comparer<T> comparer(std::size_t index, std::index_sequence<I...>) {
    static constexpr Comparer<T> table[] = {compare<T, static_cast<Compare>(I)>...};
    return table[index];
}

enum class Combine : std::uint8_t { none, both, either, different };

W combined(W first, W second, std::uint8_t how) {
    switch (static_cast<Combine>(how)) {
        case Combine::both: return first & second;
        case Combine::either: return first | second;
        case Combine::different: return first ^ second;
        default: return first;
    }
}

// d = a ? b combined with the predicate c, e = !(a ? b) combined with it. `more_flags`: 1 flips c.
template <class T, Compare C>
void set_predicates(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const W first = compare<T, C>(warp.in<T>(in.a), warp.in<T>(in.b));
    const W third = in.c != no_slot ? *warp.in<W>(in.c) ^ (in.more_flags != 0 ? all_lanes : 0) : 0;
    if (in.e != no_slot) {
        set_predicate(warp, in.e, combined(~first, third, in.flags), mask);
    }
    set_predicate(warp, in.d, combined(first, third, in.flags), mask);
}

// Flushes denormals of a source first.
template <Compare C>
void set_predicates_flushed(Warp& warp, const Instruction& in, std::uint32_t mask) {
    alignas(64) float a[lanes];
    alignas(64) float b[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        const float x = warp.in<float>(in.a)[lane];
        const float y = warp.in<float>(in.b)[lane];
        a[lane] = std::fabs(x) < 0x1p-126F ? 0.0F : x;
        b[lane] = std::fabs(y) < 0x1p-126F ? 0.0F : y;
    }
    const W first = compare<float, C>(a, b);
    const W third = in.c != no_slot ? *warp.in<W>(in.c) ^ (in.more_flags != 0 ? all_lanes : 0) : 0;
    if (in.e != no_slot) {
        set_predicate(warp, in.e, combined(~first, third, in.flags), mask);
    }
    set_predicate(warp, in.d, combined(first, third, in.flags), mask);
}

// Halves: `immediate` says which half of a word and whether as bfloat16.
template <Compare C>
void set_predicates_half(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const bool pair = (in.immediate & 1) != 0;
    const HalfFormat format = (in.immediate & 2) != 0 ? HalfFormat::bf16 : HalfFormat::f16;
    W bits[2];
    for (unsigned half = 0; half < (pair ? 2 : 1); half++) {
        alignas(64) float a[lanes];
        alignas(64) float b[lanes];
        widen_lanes(warp, in.a, pair, half, format, a);
        widen_lanes(warp, in.b, pair, half, format, b);
        bits[half] = compare<float, C>(a, b);
    }
    const W third = in.c != no_slot ? *warp.in<W>(in.c) ^ (in.more_flags != 0 ? all_lanes : 0) : 0;
    if (in.e != no_slot) {
        set_predicate(warp, in.e, combined(pair ? bits[1] : ~bits[0], third, in.flags), mask);
    }
    set_predicate(warp, in.d, combined(bits[0], third, in.flags), mask);
}

enum class Kind { plain, flushed, half };

template <class T, Kind kind, std::size_t... I>
Handler predicate_setter(std::size_t index, std::index_sequence<I...>) {
    if constexpr (kind == Kind::half) {
        static constexpr Handler table[] = {set_predicates_half<static_cast<Compare>(I)>...};
        return table[index];
    } else if constexpr (kind == Kind::flushed) {
        static constexpr Handler table[] = {set_predicates_flushed<static_cast<Compare>(I)>...};
        return table[index];
    } else {
        static constexpr Handler table[] = {set_predicates<T, static_cast<Compare>(I)>...};
        return table[index];
    }
}

using Integers = std::make_index_sequence<10>;
using Floats = std::make_index_sequence<18>;

Handler predicate_setter(Type type, std::size_t compare, bool flush) {
    if (type == Type::f32) {
        return flush ? predicate_setter<float, Kind::flushed>(compare, Floats{}) : predicate_setter<float, Kind::plain>(compare, Floats{});
    }
    if (type == Type::f64) {
        return predicate_setter<double, Kind::plain>(compare, Floats{});
    }
    if (is_float(type)) {
        return predicate_setter<float, Kind::half>(compare, Floats{});
    }
    return compare >= 10 ? nullptr : by_integer(type, [&]<class T>() { return predicate_setter<T, Kind::plain>(compare, Integers{}); });
}

int take_compare(Decoder& d) {
    return d.take_one({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
}

// Emits the comparison of the statement into predicates d and e.
void emit_comparison(Decoder& d, Type type, int compare, bool flush, std::uint8_t combine, Slot result, Slot second) {
    const Handler handler = compare < 0 ? nullptr : predicate_setter(type, static_cast<std::size_t>(compare), flush);
    if (handler == nullptr) {
        d.fail("the simulator does not know this comparison");
    }
    d.expect_operands(combine != 0 ? 4 : 3, combine != 0 ? 4 : 3);
    const Slot a = d.source(1, type);
    const Slot b = d.source(2, type);
    const Slot c = combine != 0 ? d.named_predicate(d.operand(3).name, false) : no_slot;
    const bool negated = combine != 0 && d.operand(3).negated;
    Instruction& made = d.emit(handler);
    made.d = result;
    made.e = second;
    made.a = a;
    made.b = b;
    made.c = c;
    made.flags = combine;
    made.more_flags = negated ? 1 : 0;
    made.immediate = (bits_of(type) == 32 ? 1U : 0U) | (type == Type::bf16 || type == Type::bf16x2 ? 2U : 0U);
}

void decode_setp(Decoder& d) {
    const int compare = take_compare(d);
    const auto combine = static_cast<std::uint8_t>(d.take_one({"and", "or", "xor"}) + 1);
    const bool flush = d.take("ftz");
    const Type type = d.take_type();
    d.finish();
    const Slot result = d.named_predicate(d.operand(0).name, true);
    const Slot second = d.operand(0).second.empty() ? no_slot : d.named_predicate(d.operand(0).second, true);
    emit_comparison(d, type, compare, flush, combine, result, second);
}

// d = `immediate` in lanes of the predicate a, else 0.
void spread(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const W bits = *warp.in<W>(in.a);
    alignas(64) W result[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        result[lane] = (bits >> lane & 1) != 0 ? static_cast<W>(in.immediate) : 0;
    }
    merge(warp.out<W>(in.d), result, mask);
}

// set.cmp.dtype.stype d, a, b: all ones or 1.0 where the comparison holds.
void decode_set(Decoder& d) {
    const int compare = take_compare(d);
    const auto combine = static_cast<std::uint8_t>(d.take_one({"and", "or", "xor"}) + 1);
    const bool flush = d.take("ftz");
    const Type type = d.take_type();
    const Type source = d.take_type();
    d.finish();
    if (bits_of(type) != 32 || type == Type::f16x2 || type == Type::bf16x2) {
        d.fail("the simulator knows set with results of 32 bits only");
    }
    const Slot predicate = d.scratch(1);
    emit_comparison(d, source, compare, flush, combine, predicate, no_slot);
    const Slot result = d.result(0, type);
    Instruction& made = d.emit(spread);
    made.d = result;
    made.a = predicate;
    made.immediate = type == Type::f32 ? std::bit_cast<W>(1.0F) : all_lanes;
}

template <class T>
void select(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const T* a = warp.in<T>(in.a);
    const T* b = warp.in<T>(in.b);
    const W bits = *warp.in<W>(in.c);
    T* d = warp.out<T>(in.d);
    alignas(64) T result[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        result[lane] = (bits >> lane & 1) != 0 ? a[lane] : b[lane];
    }
    if (whole(warp, mask)) {
        __builtin_memcpy(d, result, sizeof result);
    } else {
        merge(d, result, mask);
    }
}

void decode_selp(Decoder& d) {
    const Type type = d.take_type();
    emit_map(d, by_width(bits_of(type), []<class T>() -> Handler { return select<T>; }), type, {type, type, Type::pred});
}

template <class T, class C>
T by_sign(T a, T b, C c) {
    return c >= 0 ? a : b;
}

void decode_slct(Decoder& d) {
    d.take("ftz");
    const Type type = d.take_type();
    const Type condition = d.take_type();
    emit_map(d, by_width(bits_of(type), [&]<class T>() -> Handler {
                 return condition == Type::f32 ? map3<T, T, T, float, by_sign<T, float>>
                                               : map3<T, T, T, std::int32_t, by_sign<T, std::int32_t>>;
             }), type, {type, type, condition});
}

}  // namespace

void add_compare_opcodes(OpcodeTable& table) {
    table["setp"] = decode_setp;
    table["set"] = decode_set;
    table["selp"] = decode_selp;
    table["slct"] = decode_slct;
}

}  // namespace nibble::simulator
