// Values of 16 bits: IEEE half and bfloat16.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "program.h"
#include "warp.h"

namespace nibble::simulator {

enum class HalfFormat : std::uint8_t { f16, bf16 };
enum class Rounding : std::uint8_t { nearest, zero, down, up, away };  // away: ties away from zero

inline float widen_f16(std::uint16_t bits) { return static_cast<float>(std::bit_cast<_Float16>(bits)); }
inline float widen_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
inline float widen(std::uint16_t bits, HalfFormat format) {
    return format == HalfFormat::f16 ? widen_f16(bits) : widen_bf16(bits);
}

// The half nearest to a value, in the direction of the rounding. NaN becomes 0x7fff.
std::uint16_t narrow(double value, HalfFormat format, Rounding rounding);

// Both fast: to the nearest, ties to even.
inline std::uint16_t narrow_f16(float value) {
    return value != value ? std::uint16_t{0x7fff} : std::bit_cast<std::uint16_t>(static_cast<_Float16>(value));
}
inline std::uint16_t narrow_bf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return static_cast<std::uint16_t>(value != value ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// a * b + c, such that rounding it to a half gives the half nearest to the exact value: the last bit is odd where it is not exact.
double fused_to_odd(double a, double b, double c);

// One half of each lane (of a register of 16 bits, or of 32 bits with a pair), as floats.
void widen_lanes(const Warp& warp, Slot slot, bool pair, unsigned half, HalfFormat format, float* to);

}  // namespace nibble::simulator
