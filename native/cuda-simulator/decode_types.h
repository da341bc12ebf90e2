// Chooses the instantiation of a handler for an operand type.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "decoder.h"

namespace nibble::simulator {

// make<T>() for the C++ type of an integer or bit type; null for other types.
template <class Make>
Handler by_integer(Type type, Make make) {
    switch (type) {
        case Type::b16:
        case Type::u16: return make.template operator()<std::uint16_t>();
        case Type::b32:
        case Type::u32: return make.template operator()<std::uint32_t>();
        case Type::b64:
        case Type::u64: return make.template operator()<std::uint64_t>();
        case Type::s16: return make.template operator()<std::int16_t>();
        case Type::s32: return make.template operator()<std::int32_t>();
        case Type::s64: return make.template operator()<std::int64_t>();
        default: return nullptr;
    }
}

// The same by width alone.
template <class Make>
Handler by_width(unsigned bits, Make make) {
    switch (bits) {
        case 16: return make.template operator()<std::uint16_t>();
        case 32: return make.template operator()<std::uint32_t>();
        case 64: return make.template operator()<std::uint64_t>();
        default: return nullptr;
    }
}

// Emits d = handler(a, b, c ...) with as many sources as there are types.
Instruction& emit_map(Decoder& decoder, Handler handler, Type result, std::initializer_list<Type> sources);

// Emits handler(...) for the opcode's only type, as many operands of it as `sources` says.
Instruction& emit_same(Decoder& decoder, Handler handler, Type type, unsigned sources);

// bar.warp.sync, after the word "warp".
void decode_warp_barrier(Decoder& decoder);

// Arithmetic by the kind of type: each decodes the statement, whose type it has not taken yet.
void decode_integer_arithmetic(Decoder& decoder);
void decode_integer_product(Decoder& decoder);
void decode_float_arithmetic(Decoder& decoder);
void decode_half_arithmetic(Decoder& decoder);

}  // namespace nibble::simulator
