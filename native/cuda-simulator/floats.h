// Parts that float instructions share.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "decode_types.h"
#include "halves.h"

namespace nibble::simulator {

// Denormals become zeros of the same sign.
inline float flush(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return (bits & 0x7f800000) == 0 ? std::bit_cast<float>(bits & 0x80000000) : value;
}

// Into [0, 1]; NaN becomes 0.
template <class T>
T saturate(T value) {
    return value > T{0} ? (value < T{1} ? value : T{1}) : T{0};
}

// flags: bits of what happens around an operation.
constexpr std::uint8_t flush_flag = 1;
constexpr std::uint8_t saturate_flag = 2;

// Takes rn, rz, rm, rp (or the integer forms with i, if asked); nearest without any.
Rounding take_rounding(Decoder& decoder);

}  // namespace nibble::simulator
