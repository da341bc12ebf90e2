// Integer arithmetic.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "decode_types.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

template <class T>
using Unsigned = std::make_unsigned_t<T>;

template <class T>
T add(T a, T b) {
    return static_cast<T>(static_cast<Unsigned<T>>(a) + static_cast<Unsigned<T>>(b));
}

template <class T>
T subtract(T a, T b) {
    return static_cast<T>(static_cast<Unsigned<T>>(a) - static_cast<Unsigned<T>>(b));
}

std::int32_t clamp(std::int64_t value) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, INT32_MIN, INT32_MAX));
}

std::int32_t add_saturated(std::int32_t a, std::int32_t b) { return clamp(std::int64_t{a} + b); }
std::int32_t subtract_saturated(std::int32_t a, std::int32_t b) { return clamp(std::int64_t{a} - b); }

// Quotients of 32 bits through doubles, which vectors can divide: the nearest double of a quotient never passes an integer, as
// quotients lie at least 2^-32 apart from it, relatively. Division by zero gives ones, as on hardware.
template <class T>
T divide(T a, T b) {
    if constexpr (sizeof(T) == 8) {
        if (b == 0) {
            return static_cast<T>(-1);
        }
        return std::is_signed_v<T> && b == static_cast<T>(-1) ? subtract<T>(0, a) : static_cast<T>(a / b);
    } else {
        const double quotient = static_cast<double>(a) / static_cast<double>(b == 0 ? T{1} : b);
        return b == 0 ? static_cast<T>(-1) : static_cast<T>(static_cast<std::int64_t>(quotient));
    }
}

template <class T>
T remainder(T a, T b) {
    const Unsigned<T> product = static_cast<Unsigned<T>>(static_cast<std::uint64_t>(divide(a, b)) * static_cast<std::uint64_t>(b));
    return b == 0 ? a : static_cast<T>(static_cast<Unsigned<T>>(a) - product);
}

template <class T>
T distance(T a, T b, T c) {
    return add<T>(c, a < b ? subtract(b, a) : subtract(a, b));
}

template <class T>
T relu_min(T a, T b) {
    return std::max<T>(std::min(a, b), 0);
}

template <class T>
T relu_max(T a, T b) {
    return std::max<T>(std::max(a, b), 0);
}

// Two values of 16 bits in a word.
template <class T, auto F>
std::uint32_t pairwise(std::uint32_t a, std::uint32_t b) {
    const auto low = static_cast<std::uint16_t>(F(static_cast<T>(a), static_cast<T>(b)));
    const auto high = static_cast<std::uint16_t>(F(static_cast<T>(a >> 16), static_cast<T>(b >> 16)));
    return low | static_cast<std::uint32_t>(high) << 16;
}

// add.cc, addc, sub.cc, subc: b of lane carries come from c and go to e; the flags say which are used.
template <class T, bool subtracts>
void with_carry(Warp& warp, const Instruction& in, std::uint32_t mask) {
    T* d = warp.out<T>(in.d);
    const T* a = warp.in<T>(in.a);
    const T* b = warp.in<T>(in.b);
    const std::uint32_t carries = in.c != no_slot ? *warp.in<std::uint32_t>(in.c) : 0;
    std::uint32_t out = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        if ((mask >> lane & 1) == 0) {
            continue;
        }
        const T carry = carries >> lane & 1;
        T first;
        T second;
        bool over = false;
        if constexpr (subtracts) {
            over |= __builtin_sub_overflow(a[lane], b[lane], &first);
            over |= __builtin_sub_overflow(first, carry, &second);
        } else {
            over |= __builtin_add_overflow(a[lane], b[lane], &first);
            over |= __builtin_add_overflow(first, carry, &second);
        }
        d[lane] = second;
        out |= (over ? 1U : 0U) << lane;
    }
    if (in.e != no_slot) {
        set_predicate(warp, in.e, out, mask);
    }
}

void decode_carry(Decoder& d, bool subtracts, bool carry_in) {
    const bool carry_out = d.take("cc");
    const Type type = d.take_type();
    Handler handler = nullptr;
    if (bits_of(type) == 64) {
        handler = subtracts ? with_carry<std::uint64_t, true> : with_carry<std::uint64_t, false>;
    } else {
        handler = subtracts ? with_carry<std::uint32_t, true> : with_carry<std::uint32_t, false>;
    }
    const Slot carry = d.carry();
    Instruction& made = emit_same(d, handler, type, 2);
    made.c = carry_in ? carry : no_slot;
    made.e = carry_out ? carry : no_slot;
}

void decode_sum(Decoder& d, bool subtracts) {
    for (const std::string_view modifier : d.statement().modifiers) {
        if (modifier == "cc") {
            return decode_carry(d, subtracts, false);
        }
    }
    const bool saturate = d.take("sat");
    if (d.take("u16x2") || d.take("s16x2")) {
        const Handler pairs = subtracts ? map2<std::uint32_t, std::uint32_t, std::uint32_t, pairwise<std::uint16_t, subtract<std::uint16_t>>>
                                        : map2<std::uint32_t, std::uint32_t, std::uint32_t, pairwise<std::uint16_t, add<std::uint16_t>>>;
        emit_same(d, pairs, Type::b32, 2);
        return;
    }
    const Type type = d.take_type();
    if (saturate) {
        using S = std::int32_t;
        emit_same(d, type != Type::s32 ? nullptr : subtracts ? map2<S, S, S, subtract_saturated> : map2<S, S, S, add_saturated>, type, 2);
        return;
    }
    emit_same(d, by_width(bits_of(type), [&]<class T>() -> Handler {
                  return subtracts ? map2<T, T, T, subtract<T>> : map2<T, T, T, add<T>>;
              }), type, 2);
}

template <class T>
Handler extreme(bool greatest, bool relu) {
    if (relu) {
        return greatest ? map2<T, T, T, relu_max<T>> : map2<T, T, T, relu_min<T>>;
    }
    constexpr auto least = [](T a, T b) { return a < b ? a : b; };
    constexpr auto most = [](T a, T b) { return a < b ? b : a; };
    return greatest ? map2<T, T, T, most> : map2<T, T, T, least>;
}

template <class T>
Handler pair_extreme(bool greatest, bool relu) {
    constexpr auto least = [](T a, T b) { return a < b ? a : b; };
    constexpr auto most = [](T a, T b) { return a < b ? b : a; };
    using W = std::uint32_t;
    if (relu) {
        return greatest ? map2<W, W, W, pairwise<T, relu_max<T>>> : map2<W, W, W, pairwise<T, relu_min<T>>>;
    }
    return greatest ? map2<W, W, W, pairwise<T, most>> : map2<W, W, W, pairwise<T, least>>;
}

void decode_extreme(Decoder& d, bool greatest) {
    const bool relu = d.take("relu");
    if (d.take("u16x2")) {
        emit_same(d, pair_extreme<std::uint16_t>(greatest, relu), Type::b32, 2);
    } else if (d.take("s16x2")) {
        emit_same(d, pair_extreme<std::int16_t>(greatest, relu), Type::b32, 2);
    } else {
        const Type type = d.take_type();
        emit_same(d, by_integer(type, [&]<class T>() { return extreme<T>(greatest, relu); }), type, 2);
    }
}

}  // namespace

void decode_integer_arithmetic(Decoder& d) {
    const std::string_view opcode = d.statement().opcode;
    if (opcode == "add" || opcode == "sub") {
        return decode_sum(d, opcode == "sub");
    }
    if (opcode == "addc" || opcode == "subc") {
        return decode_carry(d, opcode == "subc", true);
    }
    if (opcode == "min" || opcode == "max") {
        return decode_extreme(d, opcode == "max");
    }
    if (opcode == "div" || opcode == "rem" || opcode == "abs" || opcode == "neg" || opcode == "sad") {
        const Type type = d.take_type();
        emit_same(d, by_integer(type, [&]<class T>() -> Handler {
                      constexpr auto negative = [](T a) { return subtract<T>(0, a); };
                      constexpr auto absolute = [](T a) { return a < 0 ? subtract<T>(0, a) : a; };
                      return opcode == "div" ? map2<T, T, T, divide<T>>
                             : opcode == "rem" ? map2<T, T, T, remainder<T>>
                             : opcode == "sad" ? map3<T, T, T, T, distance<T>>
                             : opcode == "abs" ? map1<T, T, absolute>
                                               : map1<T, T, negative>;
                  }), type, opcode == "sad" ? 3 : opcode == "div" || opcode == "rem" ? 2 : 1);
        return;
    }
    decode_integer_product(d);
}

}  // namespace nibble::simulator
