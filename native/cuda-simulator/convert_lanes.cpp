// Lanes in their widest form: see convert.h.
#include <algorithm>
#include <cmath>
#include <limits>

#include "convert.h"
#include "floats.h"
#include "lanes.h"
#include "rounding.h"

namespace nibble::simulator {

namespace {

template <class T, class R>
void read_as(const Warp& warp, Slot slot, std::int64_t* to) {
    const R* from = warp.in<R>(slot);
    for (unsigned lane = 0; lane < lanes; lane++) {
        to[lane] = static_cast<std::int64_t>(static_cast<T>(from[lane]));
    }
}

template <class T>
void read_from(const Warp& warp, Slot slot, unsigned register_bits, std::int64_t* to) {
    switch (register_bits) {
        case 16: return read_as<T, std::uint16_t>(warp, slot, to);
        case 32: return read_as<T, std::uint32_t>(warp, slot, to);
        default: return read_as<T, std::uint64_t>(warp, slot, to);
    }
}

template <class R>
void write_as(const Warp& warp, Slot slot, const std::int64_t* from, std::uint32_t mask) {
    alignas(64) R values[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        values[lane] = static_cast<R>(from[lane]);
    }
    merge(warp.out<R>(slot), values, mask);
}

std::int64_t least_of(Type type) { return is_signed(type) ? static_cast<std::int64_t>(~0ULL << (bits_of(type) - 1)) : 0; }

std::uint64_t most_of(Type type) {
    const unsigned bits = bits_of(type) - (is_signed(type) ? 1 : 0);
    return bits == 64 ? ~0ULL : (1ULL << bits) - 1;
}

}  // namespace

void read_integers(const Warp& warp, Slot slot, Type type, unsigned register_bits, std::int64_t* to) {
    switch (bits_of(type)) {
        case 8: return is_signed(type) ? read_from<std::int8_t>(warp, slot, register_bits, to)
                                       : read_from<std::uint8_t>(warp, slot, register_bits, to);
        case 16: return is_signed(type) ? read_from<std::int16_t>(warp, slot, register_bits, to)
                                        : read_from<std::uint16_t>(warp, slot, register_bits, to);
        case 32: return is_signed(type) ? read_from<std::int32_t>(warp, slot, register_bits, to)
                                        : read_from<std::uint32_t>(warp, slot, register_bits, to);
        default: return read_from<std::int64_t>(warp, slot, register_bits, to);
    }
}

// A value of fewer bits than the register is extended as its type says.
void write_integers(const Warp& warp, Slot slot, Type type, unsigned register_bits, const std::int64_t* from, std::uint32_t mask) {
    alignas(64) std::int64_t extended[lanes];
    const unsigned unused = 64 - bits_of(type);
    for (unsigned lane = 0; lane < lanes; lane++) {
        const std::uint64_t upper = static_cast<std::uint64_t>(from[lane]) << unused;
        extended[lane] = is_signed(type) ? static_cast<std::int64_t>(upper) >> unused : static_cast<std::int64_t>(upper >> unused);
    }
    switch (register_bits) {
        case 16: return write_as<std::uint16_t>(warp, slot, extended, mask);
        case 32: return write_as<std::uint32_t>(warp, slot, extended, mask);
        default: return write_as<std::uint64_t>(warp, slot, extended, mask);
    }
}

void saturate_integers(Type from, Type to, std::int64_t* values) {
    const std::int64_t least = least_of(to);
    const std::uint64_t most = most_of(to);
    for (unsigned lane = 0; lane < lanes; lane++) {
        const bool negative = is_signed(from) && values[lane] < 0;
        if (negative) {
            values[lane] = std::max(values[lane], least);
        } else if (static_cast<std::uint64_t>(values[lane]) > most) {
            values[lane] = static_cast<std::int64_t>(most);
        }
    }
}

void read_floats(const Warp& warp, Slot slot, Type type, bool flushes, double* to) {
    for (unsigned lane = 0; lane < lanes; lane++) {
        switch (type) {
            case Type::f64: to[lane] = warp.in<double>(slot)[lane]; break;
            case Type::f32: {
                const float value = warp.in<float>(slot)[lane];
                to[lane] = static_cast<double>(flushes ? flush(value) : value);
                break;
            }
            case Type::f16: to[lane] = static_cast<double>(widen_f16(warp.in<std::uint16_t>(slot)[lane])); break;
            default: to[lane] = static_cast<double>(widen_bf16(warp.in<std::uint16_t>(slot)[lane])); break;
        }
    }
}

void write_floats(const Warp& warp, Slot slot, const ConvertPlan& plan, const double* from, std::uint32_t mask) {
    if (plan.to == Type::f64) {
        merge(warp.out<double>(slot), from, mask);
        return;
    }
    // Integral values are exact here, or rounded once more to the nearest.
    const Rounding rounding = plan.integral ? Rounding::nearest : plan.rounding;
    alignas(64) float singles[lanes];
    alignas(64) std::uint16_t halves[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        if (plan.to == Type::f32) {
            singles[lane] = narrow_single(from[lane], rounding);
            singles[lane] = plan.flushes ? flush(singles[lane]) : singles[lane];
        } else {
            halves[lane] = narrow(from[lane], plan.to == Type::bf16 ? HalfFormat::bf16 : HalfFormat::f16, rounding);
        }
    }
    if (plan.to == Type::f32) {
        merge(warp.out<float>(slot), singles, mask);
    } else {
        merge(warp.out<std::uint16_t>(slot), halves, mask);
    }
}

void write_from_integers(const Warp& warp, Slot slot, const ConvertPlan& plan, const std::int64_t* from, std::uint32_t mask) {
    const bool is_unsigned = !is_signed(plan.from);
    alignas(64) double doubles[lanes];
    alignas(64) float singles[lanes];
    alignas(64) std::uint16_t halves[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        doubles[lane] = integer_to_double(from[lane], is_unsigned, plan.rounding);
        singles[lane] = integer_to_single(from[lane], is_unsigned, plan.rounding);
        singles[lane] = plan.saturates ? saturate(singles[lane]) : singles[lane];
        if (plan.to == Type::f16 || plan.to == Type::bf16) {
            halves[lane] = narrow(doubles[lane], plan.to == Type::bf16 ? HalfFormat::bf16 : HalfFormat::f16, plan.rounding);
        }
    }
    if (plan.to == Type::f64) {
        merge(warp.out<double>(slot), doubles, mask);
    } else if (plan.to == Type::f32) {
        merge(warp.out<float>(slot), singles, mask);
    } else {
        merge(warp.out<std::uint16_t>(slot), halves, mask);
    }
}

void round_to_integral(Rounding rounding, double* values) {
    for (unsigned lane = 0; lane < lanes; lane++) {
        const double value = values[lane];
        values[lane] = rounding == Rounding::zero   ? std::trunc(value)
                       : rounding == Rounding::down ? std::floor(value)
                       : rounding == Rounding::up   ? std::ceil(value)
                                                    : std::nearbyint(value);
    }
}

void limit_to_integers(Type from, Type to, const double* values, std::int64_t* result) {
    const bool wide = from == Type::f64 || bits_of(to) == 64;
    const double least = static_cast<double>(least_of(to));
    const double beyond = std::ldexp(1.0, static_cast<int>(bits_of(to)) - (is_signed(to) ? 1 : 0));
    for (unsigned lane = 0; lane < lanes; lane++) {
        const double value = values[lane];
        if (std::isnan(value)) {
            result[lane] = wide ? static_cast<std::int64_t>(1ULL << (bits_of(to) - 1)) : 0;
        } else if (value >= beyond) {
            result[lane] = static_cast<std::int64_t>(most_of(to));
        } else if (value <= least) {
            result[lane] = least_of(to);
        } else {
            result[lane] = value >= 0x1p63 ? static_cast<std::int64_t>(static_cast<std::uint64_t>(value)) : static_cast<std::int64_t>(value);
        }
    }
}

}  // namespace nibble::simulator
