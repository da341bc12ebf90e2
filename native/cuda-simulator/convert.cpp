// cvt: between integers of all widths, floats, halves and pairs of halves.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "convert.h"
#include "floats.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

bool is_half(Type type) { return type == Type::f16 || type == Type::bf16; }

HalfFormat format_of(Type type) {
    return type == Type::bf16 || type == Type::bf16x2 ? HalfFormat::bf16 : HalfFormat::f16;
}

// Integers to integers.
void convert_integers(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const auto plan = std::bit_cast<ConvertPlan>(in.immediate);
    alignas(64) std::int64_t values[lanes];
    read_integers(warp, in.a, plan.from, plan.from_bits, values);
    if (plan.saturates) {
        saturate_integers(plan.from, plan.to, values);
    }
    write_integers(warp, in.d, plan.to, plan.to_bits, values, mask);
}

// Between registers of natural width.
template <class D, class S>
D cast(S a) {
    return static_cast<D>(a);
}

template <class S>
Handler natural_to(Type to) {
    return by_integer(to, []<class D>() -> Handler { return map1<D, S, cast<D, S>>; });
}

Handler natural(Type to, Type from) {
    return by_integer(from, [&]<class S>() { return natural_to<S>(to); });
}

void convert_to_integers(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const auto plan = std::bit_cast<ConvertPlan>(in.immediate);
    alignas(64) double values[lanes];
    alignas(64) std::int64_t result[lanes];
    read_floats(warp, in.a, plan.from, plan.flushes, values);
    round_to_integral(plan.rounding, values);
    limit_to_integers(plan.from, plan.to, values, result);
    write_integers(warp, in.d, plan.to, plan.to_bits, result, mask);
}

// A float's value as an integer, the common case.
template <Rounding rounding>
std::int32_t to_integer(float value) {
    const float whole = rounding == Rounding::zero ? __builtin_truncf(value)
                        : rounding == Rounding::down ? __builtin_floorf(value)
                        : rounding == Rounding::up ? __builtin_ceilf(value)
                                                   : __builtin_rintf(value);
    const float limited = whole < -0x1p31F ? -0x1p31F : whole;
    return whole != whole ? 0 : limited >= 0x1p31F ? INT32_MAX : static_cast<std::int32_t>(limited);
}

Handler to_signed(Rounding rounding) {
    switch (rounding) {
        case Rounding::zero: return map1<std::int32_t, float, to_integer<Rounding::zero>>;
        case Rounding::down: return map1<std::int32_t, float, to_integer<Rounding::down>>;
        case Rounding::up: return map1<std::int32_t, float, to_integer<Rounding::up>>;
        default: return map1<std::int32_t, float, to_integer<Rounding::nearest>>;
    }
}

void convert_from_integers(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const auto plan = std::bit_cast<ConvertPlan>(in.immediate);
    alignas(64) std::int64_t values[lanes];
    read_integers(warp, in.a, plan.from, plan.from_bits, values);
    write_from_integers(warp, in.d, plan, values, mask);
}

void convert_floats(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const auto plan = std::bit_cast<ConvertPlan>(in.immediate);
    alignas(64) double values[lanes];
    read_floats(warp, in.a, plan.from, plan.flushes, values);
    if (plan.integral) {
        round_to_integral(plan.rounding, values);
    }
    for (double& value : values) {
        value = plan.saturates ? saturate(value) : value;
        value = plan.relu && value <= 0 ? 0.0 : value;
    }
    write_floats(warp, in.d, plan, values, mask);
}

// cvt.rn.f16x2.f32 d, a, b: a goes to the upper half.
void convert_to_pair(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const auto plan = std::bit_cast<ConvertPlan>(in.immediate);
    const HalfFormat format = format_of(plan.to);
    const double largest = format == HalfFormat::f16 ? 65504.0 : 0x1.fep127;
    alignas(64) std::uint32_t result[lanes] = {};
    const Slot sources[2] = {in.b, in.a};
    for (unsigned half = 0; half < 2; half++) {
        const float* values = warp.in<float>(sources[half]);
        for (unsigned lane = 0; lane < lanes; lane++) {
            double value = values[lane];
            value = plan.relu && value <= 0 ? 0.0 : value;
            value = plan.saturates && value == value ? std::clamp(value, -largest, largest) : value;
            const bool fast = plan.rounding == Rounding::nearest;
            const std::uint16_t bits = !fast ? narrow(value, format, plan.rounding)
                                       : format == HalfFormat::f16 ? narrow_f16(static_cast<float>(value))
                                                                   : narrow_bf16(static_cast<float>(value));
            result[lane] |= static_cast<std::uint32_t>(bits) << 16 * half;
        }
    }
    merge(warp.out<std::uint32_t>(in.d), result, mask);
}

Handler fast_float(const ConvertPlan& plan) {
    using H = std::uint16_t;
    const bool plain = !plan.saturates && !plan.flushes && !plan.relu && !plan.integral && plan.rounding == Rounding::nearest;
    if (plan.from == Type::f32 && plan.to == Type::f32 && plan.saturates && !plan.flushes && !plan.integral) {
        return map1<float, float, saturate<float>>;
    }
    if (!plain) {
        return nullptr;
    }
    if (plan.to == Type::f32 && is_half(plan.from)) {
        return plan.from == Type::f16 ? map1<float, H, widen_f16> : map1<float, H, widen_bf16>;
    }
    if (plan.from == Type::f32 && is_half(plan.to)) {
        return plan.to == Type::f16 ? map1<H, float, narrow_f16> : map1<H, float, narrow_bf16>;
    }
    if (plan.from == Type::f32 && plan.to == Type::f64) {
        return map1<double, float, cast<double, float>>;
    }
    return plan.from == Type::f64 && plan.to == Type::f32 ? map1<float, double, cast<float, double>> : nullptr;
}

Handler choose(const ConvertPlan& plan) {
    const bool natural_width = plan.from_bits == bits_of(plan.from) && plan.to_bits == bits_of(plan.to);
    if (is_float(plan.from) && is_float(plan.to)) {
        const Handler fast = fast_float(plan);
        return fast != nullptr ? fast : convert_floats;
    }
    if (is_float(plan.from)) {
        const bool common = plan.from == Type::f32 && plan.to == Type::s32 && plan.to_bits == 32 && !plan.flushes;
        return common ? to_signed(plan.rounding) : convert_to_integers;
    }
    if (is_float(plan.to)) {
        const bool common = plan.to == Type::f32 && plan.from_bits == 32 && plan.rounding == Rounding::nearest && !plan.saturates;
        if (common && plan.from == Type::s32) {
            return map1<float, std::int32_t, cast<float, std::int32_t>>;
        }
        return common && plan.from == Type::u32 ? map1<float, std::uint32_t, cast<float, std::uint32_t>> : convert_from_integers;
    }
    return natural_width && !plan.saturates ? natural(plan.to, plan.from) : convert_integers;
}

void take_rounding(Decoder& d, ConvertPlan& plan) {
    const int integral = d.take_one({"rni", "rzi", "rmi", "rpi"});
    constexpr Rounding roundings[] = {Rounding::nearest, Rounding::zero, Rounding::down, Rounding::up};
    plan.integral = integral >= 0;
    plan.rounding = integral >= 0 ? roundings[integral] : take_rounding(d);
}

void decode_pair(Decoder& d, ConvertPlan plan) {
    if (plan.from != Type::f32) {
        d.fail("the simulator makes pairs of halves from f32 only");
    }
    plan.saturates = d.take("satfinite");
    emit_map(d, convert_to_pair, plan.to, {Type::f32, Type::f32}).immediate = std::bit_cast<std::uint64_t>(plan);
}

void decode_convert(Decoder& d) {
    ConvertPlan plan{};
    take_rounding(d, plan);
    plan.flushes = d.take("ftz");
    plan.saturates = d.take("sat");
    plan.relu = d.take("relu");
    plan.to = d.take_type();
    plan.from = d.take_type();
    if (plan.to == Type::f16x2 || plan.to == Type::bf16x2) {
        return decode_pair(d, plan);
    }
    d.finish();
    d.expect_operands(2, 2);
    unsigned from_bits = 0;
    unsigned to_bits = 0;
    const Slot source = d.wide_source(d.operand(1), plan.from, from_bits);
    const Slot result = d.wide_result(d.operand(0), plan.to, to_bits);
    plan.from_bits = static_cast<std::uint8_t>(from_bits);
    plan.to_bits = static_cast<std::uint8_t>(to_bits);
    Instruction& made = d.emit(choose(plan));
    made.d = result;
    made.a = source;
    made.immediate = std::bit_cast<std::uint64_t>(plan);
}

}  // namespace

void add_convert_opcodes(OpcodeTable& table) { table["cvt"] = decode_convert; }

}  // namespace nibble::simulator
