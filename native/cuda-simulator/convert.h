// Values of lanes in their widest form, between reading and writing registers.
#pragma once

#include <cstdint>

#include "decoder.h"
#include "halves.h"

namespace nibble::simulator {

// What a cvt does; stored in Instruction::immediate. Registers may be wider than the types.
struct ConvertPlan {
    Type from;
    Type to;
    std::uint8_t from_bits;
    std::uint8_t to_bits;
    Rounding rounding;
    bool integral : 1;  // rounds to an integral value
    bool flushes : 1;
    bool saturates : 1;
    bool relu : 1;
    std::uint16_t unused;
};
static_assert(sizeof(ConvertPlan) == 8);

// Values of 64 bits without sign keep their bits.
void read_integers(const Warp& warp, Slot slot, Type type, unsigned register_bits, std::int64_t* to);
void write_integers(const Warp& warp, Slot slot, Type type, unsigned register_bits, const std::int64_t* from, std::uint32_t mask);
void saturate_integers(Type from, Type to, std::int64_t* values);
void read_floats(const Warp& warp, Slot slot, Type type, bool flushes, double* to);
void write_floats(const Warp& warp, Slot slot, const ConvertPlan& plan, const double* from, std::uint32_t mask);
void write_from_integers(const Warp& warp, Slot slot, const ConvertPlan& plan, const std::int64_t* from, std::uint32_t mask);
void round_to_integral(Rounding rounding, double* values);
// The nearest integers of a type; NaN becomes 0, or the highest bit alone where 64 bits are involved.
void limit_to_integers(Type from, Type to, const double* values, std::int64_t* result);

}  // namespace nibble::simulator
