// Logic, shifts, bit fields, bytes.
#include <algorithm>
#include <type_traits>

#include "decode_types.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

using W = std::uint32_t;

// Shifts by the width or more give zeros, or signs.
template <class T>
T shift_left(T a, std::uint32_t by) {
    return by >= 8 * sizeof(T) ? T{0} : static_cast<T>(a << by);
}

template <class T>
T shift_right(T a, std::uint32_t by) {
    constexpr std::uint32_t bits = 8 * sizeof(T);
    if constexpr (std::is_signed_v<T>) {
        return static_cast<T>(a >> std::min(by, bits - 1));
    } else {
        return by >= bits ? T{0} : static_cast<T>(a >> by);
    }
}

template <bool left, bool wrap>
W funnel(W a, W b, W c) {
    const std::uint64_t both = static_cast<std::uint64_t>(b) << 32 | a;
    const W by = wrap ? c & 31 : std::min<W>(c, 32);
    return static_cast<W>(left ? both << by >> 32 : both >> by);
}

template <class T>
T extract(T a, W position, W length) {
    constexpr W bits = 8 * sizeof(T);
    using U = std::make_unsigned_t<T>;
    const W start = position & 0xff;
    const W size = length & 0xff;
    if (size == 0) {
        return 0;
    }
    const std::uint64_t mask = size >= bits ? ~0ULL : (1ULL << size) - 1;
    const std::uint64_t field = start >= bits ? 0 : static_cast<std::uint64_t>(static_cast<U>(a)) >> start & mask;
    if constexpr (std::is_signed_v<T>) {
        const W sign_at = std::min(start + size - 1, bits - 1);
        const bool negative = (static_cast<std::uint64_t>(a) >> sign_at & 1) != 0;
        const W kept = start >= bits ? 0 : std::min(size, bits - start);
        const std::uint64_t upper = kept >= 64 ? 0 : ~0ULL << kept;
        return static_cast<T>(negative ? field | upper : field);
    }
    return static_cast<T>(field);
}

template <class T>
T insert(T a, T b, W position, W length) {
    constexpr W bits = 8 * sizeof(T);
    const W start = position & 0xff;
    const W size = length & 0xff;
    if (start >= bits || size == 0) {
        return b;
    }
    const std::uint64_t field = (size >= 64 ? ~0ULL : (1ULL << size) - 1) << start;
    return static_cast<T>((b & ~field) | (static_cast<std::uint64_t>(a) << start & field));
}

template <class T>
void insert_lanes(Warp& warp, const Instruction& in, std::uint32_t mask) {
    T* d = warp.out<T>(in.d);
    const T* a = warp.in<T>(in.a);
    const T* b = warp.in<T>(in.b);
    const W* position = warp.in<W>(in.c);
    const W* length = warp.in<W>(warp.block->grid->program.table[in.table]);
    alignas(64) T result[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        result[lane] = insert(a[lane], b[lane], position[lane], length[lane]);
    }
    merge(d, result, mask);
}

// The highest bit that differs from the sign (or is set), or how far it must be shifted to the top; all ones without one.
template <class T, bool amount>
W find_bit(T a) {
    constexpr int bits = 8 * sizeof(T);
    using U = std::make_unsigned_t<T>;
    const U value = static_cast<U>(a < 0 ? ~a : a);
    if (value == 0) {
        return all_lanes;
    }
    const int leading = __builtin_clzll(value) - (64 - bits);
    return static_cast<W>(amount ? leading : bits - 1 - leading);
}

template <class T>
T reverse(T a) {
    std::uint64_t x = a;
    x = (x >> 1 & 0x5555555555555555ULL) | (x & 0x5555555555555555ULL) << 1;
    x = (x >> 2 & 0x3333333333333333ULL) | (x & 0x3333333333333333ULL) << 2;
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0fULL) | (x & 0x0f0f0f0f0f0f0f0fULL) << 4;
    return static_cast<T>(__builtin_bswap64(x) >> (64 - 8 * sizeof(T)));
}

template <class T>
W leading_zeros(T a) {
    return a == 0 ? W{8 * sizeof(T)} : static_cast<W>(__builtin_clzll(a)) - (64 - 8 * sizeof(T));
}

template <class T>
W count_ones(T a) {
    return static_cast<W>(__builtin_popcountll(a));
}

// Byte `selector & 7` of b:a, or eight times its sign.
W picked_byte(std::uint64_t both, W selector) {
    const W byte = static_cast<W>(both >> 8 * (selector & 7)) & 0xff;
    return (selector & 8) == 0 ? byte : (byte & 0x80) != 0 ? 0xff : 0;
}

W permute(W a, W b, W selector) {
    const std::uint64_t both = static_cast<std::uint64_t>(b) << 32 | a;
    W result = 0;
    for (unsigned i = 0; i < 4; i++) {
        result |= picked_byte(both, selector >> 4 * i) << 8 * i;
    }
    return result;
}

// The selectors of the named modes, by c & 3.
constexpr W modes[6][4] = {
    {0x3210, 0x4321, 0x5432, 0x6543},  // f4e
    {0x5670, 0x6701, 0x7012, 0x0123},  // b4e
    {0x0000, 0x1111, 0x2222, 0x3333},  // rc8
    {0x3210, 0x3211, 0x3222, 0x3333},  // ecl
    {0x0000, 0x1110, 0x2210, 0x3210},  // ecr
    {0x1010, 0x3232, 0x1010, 0x3232},  // rc16
};

template <int mode>
W permute_mode(W a, W b, W c) {
    return permute(a, b, modes[mode][c & 3]);
}

void decode_permute(Decoder& d) {
    d.take("b32");
    static constexpr Handler handlers[6] = {map3<W, W, W, W, permute_mode<0>>, map3<W, W, W, W, permute_mode<1>>,
                                            map3<W, W, W, W, permute_mode<2>>, map3<W, W, W, W, permute_mode<3>>,
                                            map3<W, W, W, W, permute_mode<4>>, map3<W, W, W, W, permute_mode<5>>};
    const int mode = d.take_one({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
    emit_same(d, mode < 0 ? map3<W, W, W, W, permute> : handlers[mode], Type::b32, 3);
}

// Any function of three bits: the table in the immediate has its value for a, b, c = 11110000, 11001100, 10101010.
void lookup3(Warp& warp, const Instruction& in, std::uint32_t mask) {
    W* d = warp.out<W>(in.d);
    const W* a = warp.in<W>(in.a);
    const W* b = warp.in<W>(in.b);
    const W* c = warp.in<W>(in.c);
    W terms[8];
    for (unsigned i = 0; i < 8; i++) {
        terms[i] = (in.immediate >> i & 1) != 0 ? all_lanes : 0;
    }
    alignas(64) W result[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        const W x = a[lane];
        const W y = b[lane];
        const W z = c[lane];
        const W low = (~y & ((~z & terms[0]) | (z & terms[1]))) | (y & ((~z & terms[2]) | (z & terms[3])));
        const W high = (~y & ((~z & terms[4]) | (z & terms[5]))) | (y & ((~z & terms[6]) | (z & terms[7])));
        result[lane] = (~x & low) | (x & high);
    }
    merge(d, result, mask);
}

W and_or(W a, W b, W c) { return (a & b) | c; }
W xor3(W a, W b, W c) { return a ^ b ^ c; }
W and3(W a, W b, W c) { return a & b & c; }
W or3(W a, W b, W c) { return a | b | c; }
W or_and(W a, W b, W c) { return (a | b) & c; }
W xor_and(W a, W b, W c) { return (a ^ b) & c; }
W and_xor(W a, W b, W c) { return (a & b) ^ c; }
W choose(W a, W b, W c) { return (a & b) | (~a & c); }

// The tables that compilers write most.
Handler common_lookup(std::uint64_t table) {
    switch (table) {
        case 0xea: return map3<W, W, W, W, and_or>;
        case 0x96: return map3<W, W, W, W, xor3>;
        case 0x80: return map3<W, W, W, W, and3>;
        case 0xfe: return map3<W, W, W, W, or3>;
        case 0xa8: return map3<W, W, W, W, or_and>;
        case 0x28: return map3<W, W, W, W, xor_and>;
        case 0x6a: return map3<W, W, W, W, and_xor>;
        case 0xca: return map3<W, W, W, W, choose>;
        default: return lookup3;
    }
}

void decode_lookup(Decoder& d) {
    d.take("b32");
    d.finish();
    d.expect_operands(5, 5);
    const std::uint64_t table = d.immediate(d.operand(4));
    const Slot result = d.result(0, Type::b32);
    const Slot sources[3] = {d.source(1, Type::b32), d.source(2, Type::b32), d.source(3, Type::b32)};
    Instruction& made = d.emit(common_lookup(table));
    made.d = result;
    made.a = sources[0];
    made.b = sources[1];
    made.c = sources[2];
    made.immediate = table;
}

W predicate_value(const Warp& warp, Slot slot) { return *warp.in<W>(slot); }

template <auto F>
void map_predicates(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const W b = in.b != no_slot ? predicate_value(warp, in.b) : 0;
    set_predicate(warp, in.d, F(predicate_value(warp, in.a), b), mask);
}

template <class T>
T both(T a, T b) { return static_cast<T>(a & b); }
template <class T>
T either(T a, T b) { return static_cast<T>(a | b); }
template <class T>
T different(T a, T b) { return static_cast<T>(a ^ b); }
W opposite(W a, W) { return ~a; }

void decode_logic(Decoder& d) {
    const std::string_view opcode = d.statement().opcode;
    const Type type = d.take_type();
    if (type == Type::pred) {
        const Handler handler = opcode == "and" ? map_predicates<both<W>>
                                : opcode == "or" ? map_predicates<either<W>>
                                : opcode == "xor" ? map_predicates<different<W>>
                                                  : map_predicates<opposite>;
        emit_same(d, handler, type, opcode == "not" ? 1 : 2);
        return;
    }
    const Handler handler = by_width(bits_of(type), [&]<class T>() -> Handler {
        constexpr auto inverse = [](T a) { return static_cast<T>(~a); };
        constexpr auto is_zero = [](T a) { return static_cast<T>(a == 0 ? 1 : 0); };
        return opcode == "and" ? map2<T, T, T, both<T>>
               : opcode == "or" ? map2<T, T, T, either<T>>
               : opcode == "xor" ? map2<T, T, T, different<T>>
               : opcode == "not" ? map1<T, T, inverse>
                                 : map1<T, T, is_zero>;
    });
    emit_same(d, handler, type, opcode == "not" || opcode == "cnot" ? 1 : 2);
}

void decode_shift(Decoder& d) {
    const bool left = d.statement().opcode == "shl";
    const Type type = d.take_type();
    emit_map(d, by_integer(type, [&]<class T>() -> Handler {
                 using U = std::make_unsigned_t<T>;
                 return left ? map2<U, U, W, shift_left<U>> : map2<T, T, W, shift_right<T>>;
             }), type, {type, Type::u32});
}

void decode_funnel(Decoder& d) {
    const bool left = d.take_one({"l", "r"}) == 0;
    const bool wrap = d.take_one({"clamp", "wrap"}) == 1;
    d.take("b32");
    const Handler lefts = wrap ? map3<W, W, W, W, funnel<true, true>> : map3<W, W, W, W, funnel<true, false>>;
    const Handler rights = wrap ? map3<W, W, W, W, funnel<false, true>> : map3<W, W, W, W, funnel<false, false>>;
    emit_same(d, left ? lefts : rights, Type::b32, 3);
}

void decode_extract(Decoder& d) {
    const Type type = d.take_type();
    emit_map(d, by_integer(type, []<class T>() -> Handler { return map3<T, T, W, W, extract<T>>; }), type,
             {type, Type::u32, Type::u32});
}

void decode_insert(Decoder& d) {
    const Type type = d.take_type();
    d.finish();
    d.expect_operands(5, 5);
    const Slot result = d.result(0, type);
    const Slot sources[4] = {d.source(1, type), d.source(2, type), d.source(3, Type::u32), d.source(4, Type::u32)};
    Instruction& made = d.emit(bits_of(type) == 64 ? insert_lanes<std::uint64_t> : insert_lanes<W>);
    made.d = result;
    made.a = sources[0];
    made.b = sources[1];
    made.c = sources[2];
    d.attach({}, {sources[3]});
}

void decode_find(Decoder& d) {
    const bool amount = d.take("shiftamt");
    const Type type = d.take_type();
    emit_map(d, by_integer(type, [&]<class T>() -> Handler {
                 return amount ? map1<W, T, find_bit<T, true>> : map1<W, T, find_bit<T, false>>;
             }), Type::u32, {type});
}

void decode_count(Decoder& d) {
    const std::string_view opcode = d.statement().opcode;
    const Type type = d.take_type();
    emit_map(d, by_width(bits_of(type), [&]<class T>() -> Handler {
                 return opcode == "clz" ? map1<W, T, leading_zeros<T>> : map1<W, T, count_ones<T>>;
             }), Type::u32, {type});
}

void decode_reverse(Decoder& d) {
    const Type type = d.take_type();
    emit_same(d, by_width(bits_of(type), []<class T>() -> Handler { return map1<T, T, reverse<T>>; }), type, 1);
}

template <bool wrap>
W bit_mask(W a, W b) {
    const W start = wrap ? a & 31 : a;
    const W size = wrap ? b & 31 : b;
    return start >= 32 ? 0 : (size >= 32 ? all_lanes : (1U << size) - 1) << start;
}

void decode_mask(Decoder& d) {
    const bool wrap = d.take_one({"clamp", "wrap"}) == 1;
    d.take("b32");
    emit_same(d, wrap ? map2<W, W, W, bit_mask<true>> : map2<W, W, W, bit_mask<false>>, Type::b32, 2);
}

// Sign or zero extension from the low b bits.
template <class T, bool wrap>
T extend(T a, W b) {
    const W size = wrap ? b & 31 : std::min<W>(b, 32);
    return size == 32 ? a : extract<T>(a, 0, size);
}

void decode_extend(Decoder& d) {
    const bool wrap = d.take_one({"clamp", "wrap"}) == 1;
    const Type type = d.take_type();
    emit_map(d, by_integer(type, [&]<class T>() -> Handler {
                 return wrap ? map2<T, T, W, extend<T, true>> : map2<T, T, W, extend<T, false>>;
             }), type, {type, Type::u32});
}

}  // namespace

void add_bit_opcodes(OpcodeTable& table) {
    for (const std::string_view opcode : {"and", "or", "xor", "not", "cnot"}) {
        table[opcode] = decode_logic;
    }
    table["shl"] = decode_shift;
    table["shr"] = decode_shift;
    table["shf"] = decode_funnel;
    table["bfe"] = decode_extract;
    table["bfi"] = decode_insert;
    table["bfind"] = decode_find;
    table["brev"] = decode_reverse;
    table["clz"] = decode_count;
    table["popc"] = decode_count;
    table["prmt"] = decode_permute;
    table["lop3"] = decode_lookup;
    table["bmsk"] = decode_mask;
    table["szext"] = decode_extend;
}

}  // namespace nibble::simulator
