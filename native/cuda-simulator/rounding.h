// Float arithmetic in the directions of rounding that PTX names.
#pragma once

#include <cstdint>

#include "halves.h"

namespace nibble::simulator {

enum class FloatOperation : std::uint8_t { add, subtract, multiply, fuse, divide, square_root, reciprocal };

// d = a (operation) b (+ c) for 32 lanes, rounded downwards, upwards or towards zero.
void round_lanes(FloatOperation operation, Rounding rounding, const float* a, const float* b, const float* c, float* d);
void round_lanes(FloatOperation operation, Rounding rounding, const double* a, const double* b, const double* c, double* d);

float narrow_single(double value, Rounding rounding);
double integer_to_double(std::int64_t value, bool is_unsigned, Rounding rounding);
float integer_to_single(std::int64_t value, bool is_unsigned, Rounding rounding);

}  // namespace nibble::simulator
