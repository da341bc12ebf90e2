// Integer products: low, high and wide, with sums, of 24 bits, with carries; dot products of bytes.
#include <algorithm>
#include <type_traits>
#ifdef __AVX512BW__
#include <immintrin.h>
#endif

#include "decode_types.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

template <class T>
struct Wider;
template <> struct Wider<std::uint16_t> { using type = std::uint32_t; };
template <> struct Wider<std::int16_t> { using type = std::int32_t; };
template <> struct Wider<std::uint32_t> { using type = std::uint64_t; };
template <> struct Wider<std::int32_t> { using type = std::int64_t; };
template <> struct Wider<std::uint64_t> { using type = unsigned __int128; };
template <> struct Wider<std::int64_t> { using type = __int128; };
template <class T>
using Wide = typename Wider<T>::type;

template <class T>
T low(T a, T b) {
    return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

template <class T>
T high(T a, T b) {
    return static_cast<T>(static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b) >> (8 * sizeof(T)));
}

template <class T>
Wide<T> wide(T a, T b) {
    return static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b);
}

template <class T, auto P>
T plus(T a, T b, T c) {
    return static_cast<T>(static_cast<std::uint64_t>(P(a, b)) + static_cast<std::uint64_t>(c));
}

template <class T>
Wide<T> wide_plus(T a, T b, Wide<T> c) {
    return static_cast<Wide<T>>(static_cast<std::uint64_t>(wide(a, b)) + static_cast<std::uint64_t>(c));
}

std::int32_t high_plus_saturated(std::int32_t a, std::int32_t b, std::int32_t c) {
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(std::int64_t{high(a, b)} + c, INT32_MIN, INT32_MAX));
}

// Products of the low 24 bits: bits 0-31 or 16-47 of 48.
template <class T, bool upper>
T product24(T a, T b) {
    const std::int64_t x = std::is_signed_v<T> ? static_cast<std::int32_t>(static_cast<std::uint32_t>(a) << 8) >> 8 : a & 0xffffff;
    const std::int64_t y = std::is_signed_v<T> ? static_cast<std::int32_t>(static_cast<std::uint32_t>(b) << 8) >> 8 : b & 0xffffff;
    return static_cast<T>(upper ? x * y >> 16 : x * y);
}

// mad.cc and madc: c plus half of the product, with carries; `flags` says which half.
template <class T>
void product_with_carry(Warp& warp, const Instruction& in, std::uint32_t mask) {
    using U = std::make_unsigned_t<T>;
    U* d = warp.out<U>(in.d);
    const T* a = warp.in<T>(in.a);
    const T* b = warp.in<T>(in.b);
    const U* c = warp.in<U>(in.c);
    const Slot carry_slot = in.immediate != 0 ? static_cast<Slot>(warp.block->grid->program.table[in.table]) : no_slot;
    const std::uint32_t carries = carry_slot != no_slot ? *warp.in<std::uint32_t>(carry_slot) : 0;
    std::uint32_t out = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        if ((mask >> lane & 1) == 0) {
            continue;
        }
        const U half = static_cast<U>(in.flags != 0 ? high(a[lane], b[lane]) : low(a[lane], b[lane]));
        U sum;
        bool over = __builtin_add_overflow(half, c[lane], &sum);
        over |= __builtin_add_overflow(sum, static_cast<U>(carries >> lane & 1), &sum);
        d[lane] = sum;
        out |= (over ? 1U : 0U) << lane;
    }
    if (in.e != no_slot) {
        set_predicate(warp, in.e, out, mask);
    }
}

void decode_carry(Decoder& d, bool carry_in) {
    const bool upper = d.take("hi") || (d.take("lo") && false);
    const bool carry_out = d.take("cc");
    const Type type = d.take_type();
    Instruction& made = emit_same(d, by_integer(type, []<class T>() -> Handler { return product_with_carry<T>; }), type, 3);
    made.flags = upper ? 1 : 0;
    made.immediate = carry_in ? 1 : 0;
    made.e = carry_out ? d.carry() : no_slot;
    if (carry_in) {
        d.attach({}, {d.carry()});
    }
}

void decode_wide(Decoder& d, bool sum) {
    const Type type = d.take_type();
    const unsigned bits = bits_of(type);
    const Type result = bits == 16 ? (is_signed(type) ? Type::s32 : Type::u32) : (is_signed(type) ? Type::s64 : Type::u64);
    const Handler handler = by_integer(type, [&]<class T>() -> Handler {
        if constexpr (sizeof(T) == 8) {
            return nullptr;
        } else {
            return sum ? map3<Wide<T>, T, T, Wide<T>, wide_plus<T>> : map2<Wide<T>, T, T, wide<T>>;
        }
    });
    if (sum) {
        emit_map(d, handler, result, {type, type, result});
    } else {
        emit_map(d, handler, result, {type, type});
    }
}

void decode_24(Decoder& d, bool sum) {
    const bool upper = d.take("hi") || (d.take("lo") && false);
    const Type type = d.take_type();
    emit_same(d, by_integer(type, [&]<class T>() -> Handler {
                  if constexpr (sizeof(T) != 4) {
                      return nullptr;
                  } else if (sum) {
                      return upper ? map3<T, T, T, T, plus<T, product24<T, true>>> : map3<T, T, T, T, plus<T, product24<T, false>>>;
                  } else {
                      return upper ? map2<T, T, T, product24<T, true>> : map2<T, T, T, product24<T, false>>;
                  }
              }), type, sum ? 3 : 2);
}

// A byte of a word, or half of one.
template <bool sign>
std::int64_t byte_of(std::uint32_t word, unsigned index) {
    return sign ? std::int64_t{static_cast<std::int8_t>(word >> 8 * index)} : std::int64_t{static_cast<std::uint8_t>(word >> 8 * index)};
}

template <bool sign>
std::int64_t half_of(std::uint32_t word, unsigned index) {
    return sign ? std::int64_t{static_cast<std::int16_t>(word >> 16 * index)}
                : std::int64_t{static_cast<std::uint16_t>(word >> 16 * index)};
}

#ifdef __AVX512BW__
// Bytes of even or odd number as values of 16 bits.
template <bool sign, bool odd>
__m512i bytes_of(__m512i words) {
    if constexpr (odd) {
        return sign ? _mm512_srai_epi16(words, 8) : _mm512_srli_epi16(words, 8);
    } else {
        return sign ? _mm512_srai_epi16(_mm512_slli_epi16(words, 8), 8) : _mm512_and_si512(words, _mm512_set1_epi16(0xff));
    }
}

// The instruction that products with quantized weights consist of: worth its own vectors.
template <bool a_sign, bool b_sign>
void dot4_lanes(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const std::uint32_t written = whole(warp, mask) ? all_lanes : mask;
    for (unsigned lane = 0; lane < lanes; lane += 16) {
        const __m512i a = _mm512_loadu_si512(warp.in<std::uint32_t>(in.a) + lane);
        const __m512i b = _mm512_loadu_si512(warp.in<std::uint32_t>(in.b) + lane);
        __m512i sum = _mm512_loadu_si512(warp.in<std::uint32_t>(in.c) + lane);
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(bytes_of<a_sign, false>(a), bytes_of<b_sign, false>(b)));
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(bytes_of<a_sign, true>(a), bytes_of<b_sign, true>(b)));
        _mm512_mask_storeu_epi32(warp.out<std::uint32_t>(in.d) + lane, static_cast<__mmask16>(written >> lane), sum);
    }
}
#else
template <bool a_sign, bool b_sign>
std::uint32_t dot4(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    for (unsigned i = 0; i < 4; i++) {
        c += static_cast<std::uint32_t>(static_cast<std::int32_t>(byte_of<a_sign>(a, i)) * static_cast<std::int32_t>(byte_of<b_sign>(b, i)));
    }
    return c;
}

template <bool a_sign, bool b_sign>
void dot4_lanes(Warp& warp, const Instruction& in, std::uint32_t mask) {
    map3<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, dot4<a_sign, b_sign>>(warp, in, mask);
}
#endif

// Two halves of a with bytes 0 and 1 of b, or 2 and 3.
template <bool a_sign, bool b_sign, unsigned first>
std::uint32_t dot2(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    for (unsigned i = 0; i < 2; i++) {
        c += static_cast<std::uint32_t>(half_of<a_sign>(a, i) * byte_of<b_sign>(b, first + i));
    }
    return c;
}

void decode_dot(Decoder& d) {
    const bool four = d.statement().opcode == "dp4a";
    const bool upper = !four && (d.take("hi") || (d.take("lo") && false));
    const bool a = is_signed(d.take_type());
    const bool b = is_signed(d.take_type());
    using W = std::uint32_t;
    static constexpr Handler fours[4] = {dot4_lanes<false, false>, dot4_lanes<false, true>, dot4_lanes<true, false>,
                                         dot4_lanes<true, true>};
    static constexpr Handler twos[8] = {
        map3<W, W, W, W, dot2<false, false, 0>>, map3<W, W, W, W, dot2<false, true, 0>>,
        map3<W, W, W, W, dot2<true, false, 0>>,  map3<W, W, W, W, dot2<true, true, 0>>,
        map3<W, W, W, W, dot2<false, false, 2>>, map3<W, W, W, W, dot2<false, true, 2>>,
        map3<W, W, W, W, dot2<true, false, 2>>,  map3<W, W, W, W, dot2<true, true, 2>>};
    const int signs = 2 * a + b;
    emit_same(d, four ? fours[signs] : twos[signs + 4 * upper], Type::b32, 3);
}

}  // namespace

void decode_integer_product(Decoder& d) {
    const std::string_view opcode = d.statement().opcode;
    const bool sum = opcode == "mad" || opcode == "madc" || opcode == "mad24";
    const auto& modifiers = d.statement().modifiers;
    if (opcode == "mul24" || opcode == "mad24") {
        return decode_24(d, sum);
    }
    if (opcode == "madc" || std::find(modifiers.begin(), modifiers.end(), "cc") != modifiers.end()) {
        return decode_carry(d, opcode == "madc");
    }
    if (opcode != "mul" && opcode != "mad") {
        d.fail("the simulator does not know this instruction for integers");
    }
    const int part = d.take_one({"lo", "hi", "wide"});
    if (part == 2) {
        return decode_wide(d, sum);
    }
    const bool saturate = d.take("sat");
    const Type type = d.take_type();
    if (saturate) {
        using S = std::int32_t;
        emit_same(d, part == 1 && sum && type == Type::s32 ? map3<S, S, S, S, high_plus_saturated> : nullptr, type, 3);
        return;
    }
    emit_same(d, by_integer(type, [&]<class T>() -> Handler {
                  if (sum) {
                      return part == 1 ? map3<T, T, T, T, plus<T, high<T>>> : map3<T, T, T, T, plus<T, low<T>>>;
                  }
                  return part == 1 ? map2<T, T, T, high<T>> : map2<T, T, T, low<T>>;
              }), type, sum ? 3 : 2);
}

void add_dot_opcodes(OpcodeTable& table) {
    table["dp4a"] = decode_dot;
    table["dp2a"] = decode_dot;
}

}  // namespace nibble::simulator
