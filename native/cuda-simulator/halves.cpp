// Values of 16 bits: see halves.h.
#include "halves.h"

#include <algorithm>

namespace nibble::simulator {

namespace {

struct Layout {
    int fraction_bits;
    int least_exponent;  // of normal values
    int most_exponent;
};

constexpr Layout layouts[] = {{10, -14, 15}, {7, -126, 127}};

// An integral number of units: which of the two beside the value.
double to_unit(double units, Rounding rounding) {
    switch (rounding) {
        case Rounding::zero: return std::trunc(units);
        case Rounding::down: return std::floor(units);
        case Rounding::up: return std::ceil(units);
        case Rounding::away: return std::round(units);
        default: return std::nearbyint(units);
    }
}

}  // namespace

std::uint16_t narrow(double value, HalfFormat format, Rounding rounding) {
    const Layout& layout = layouts[static_cast<unsigned>(format)];
    const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    const int infinity = (layout.most_exponent - layout.least_exponent + 2) << layout.fraction_bits;
    if (std::isnan(value)) {
        return 0x7fff;
    }
    if (std::isinf(value)) {
        return static_cast<std::uint16_t>(sign | infinity);
    }
    const int exponent = value == 0 ? layout.least_exponent : std::max(std::ilogb(value), layout.least_exponent);
    const double unit = std::ldexp(1.0, exponent - layout.fraction_bits);
    const double rounded = std::fabs(to_unit(value / unit, rounding) * unit);
    const double largest = std::ldexp(2.0 - std::ldexp(1.0, -layout.fraction_bits), layout.most_exponent);
    if (rounded > largest) {
        const bool outwards = rounding == Rounding::nearest || rounding == Rounding::away ||
                              rounding == (sign != 0 ? Rounding::down : Rounding::up);
        return static_cast<std::uint16_t>(sign | (outwards ? infinity : infinity - 1));
    }
    // The bits of a half count up with its magnitude.
    const int own = rounded == 0 ? layout.least_exponent : std::max(std::ilogb(rounded), layout.least_exponent);
    const auto steps = static_cast<int>(std::ldexp(rounded, layout.fraction_bits - own));
    return static_cast<std::uint16_t>(sign | (((own - layout.least_exponent) << layout.fraction_bits) + steps));
}

double fused_to_odd(double a, double b, double c) {
    const double product = a * b;  // exact: halves have few bits
    const double sum = product + c;
    const double back = sum - product;
    const double error = (product - (sum - back)) + (c - back);
    if (error == 0 || !std::isfinite(sum) || (std::bit_cast<std::uint64_t>(sum) & 1) != 0) {
        return sum;
    }
    return std::nextafter(sum, error > 0 ? HUGE_VAL : -HUGE_VAL);
}

void widen_lanes(const Warp& warp, Slot slot, bool pair, unsigned half, HalfFormat format, float* to) {
    alignas(64) std::uint16_t bits[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        bits[lane] = pair ? static_cast<std::uint16_t>(warp.in<std::uint32_t>(slot)[lane] >> 16 * half) : warp.in<std::uint16_t>(slot)[lane];
    }
    for (unsigned lane = 0; lane < lanes; lane++) {
        to[lane] = widen(bits[lane], format);
    }
}

}  // namespace nibble::simulator
