// Arithmetic of halves and bfloat16, single and in pairs. Sums and products of halves are exact in double before they are rounded.
#include <algorithm>
#include <bit>

#include "floats.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

enum class HalfOperation : std::uint8_t { add, subtract, multiply, fuse, least, most, magnitude, negate };

struct HalfPlan {
    HalfOperation operation;
    HalfFormat format;
    bool pair;
    bool flushes;
    bool saturates;
    bool relu;
    bool nan;      // min and max: a NaN wins
    bool xorsign;  // min and max of magnitudes, with the product's sign
};
static_assert(sizeof(HalfPlan) == 8);

std::uint16_t flush_half(std::uint16_t bits, HalfFormat format) {
    const std::uint16_t exponent = format == HalfFormat::f16 ? 0x7c00 : 0x7f80;
    return (bits & exponent) == 0 ? bits & 0x8000 : bits;
}

std::uint16_t extreme(const HalfPlan& plan, std::uint16_t a, std::uint16_t b) {
    const std::uint16_t sign = plan.xorsign ? (a ^ b) & 0x8000 : 0;
    const auto mask = static_cast<std::uint16_t>(plan.xorsign ? 0x7fff : 0xffff);
    const float x = widen(a & mask, plan.format);
    const float y = widen(b & mask, plan.format);
    if (x != x || y != y) {
        const bool neither = x != x && y != y;
        return plan.nan || neither ? 0x7fff : static_cast<std::uint16_t>((x != x ? b : a) & mask) | sign;
    }
    const bool greatest = plan.operation == HalfOperation::most;
    const bool first = greatest ? x > y || (x == y && !std::signbit(x)) : x < y || (x == y && std::signbit(x));
    return static_cast<std::uint16_t>(((first ? a : b) & mask) | sign);
}

double combine(HalfOperation operation, double x, double y, double z) {
    switch (operation) {
        case HalfOperation::add: return x + y;
        case HalfOperation::subtract: return x - y;
        case HalfOperation::multiply: return x * y;
        default: return fused_to_odd(x, y, z);
    }
}

std::uint16_t compute(const HalfPlan& plan, std::uint16_t a, std::uint16_t b, std::uint16_t c) {
    if (plan.flushes) {
        a = flush_half(a, plan.format);
        b = flush_half(b, plan.format);
        c = flush_half(c, plan.format);
    }
    if (plan.operation == HalfOperation::magnitude) {
        return a & 0x7fff;
    }
    if (plan.operation == HalfOperation::negate) {
        return a ^ 0x8000;
    }
    if (plan.operation == HalfOperation::least || plan.operation == HalfOperation::most) {
        return extreme(plan, a, b);
    }
    double value = combine(plan.operation, static_cast<double>(widen(a, plan.format)), static_cast<double>(widen(b, plan.format)),
                           static_cast<double>(widen(c, plan.format)));
    value = plan.saturates ? saturate(value) : value;
    value = plan.relu && value <= 0 ? 0.0 : value;
    const std::uint16_t result = narrow(value, plan.format, Rounding::nearest);
    return plan.flushes ? flush_half(result, plan.format) : result;
}

// Sums and products of plain halves in floats, which hold enough bits that rounding twice does no harm.
bool fast(const HalfPlan& plan) {
    return plan.format == HalfFormat::f16 && !plan.flushes && !plan.saturates && !plan.relu && plan.operation <= HalfOperation::multiply;
}

std::uint16_t compute_fast(HalfOperation operation, std::uint16_t a, std::uint16_t b) {
    const float x = widen_f16(a);
    const float y = widen_f16(b);
    return narrow_f16(operation == HalfOperation::add ? x + y : operation == HalfOperation::subtract ? x - y : x * y);
}

template <class R>
void run_half(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const auto plan = std::bit_cast<HalfPlan>(in.immediate);
    static const R zeros[lanes] = {};
    const R* a = warp.in<R>(in.a);
    const R* b = in.b != no_slot ? warp.in<R>(in.b) : zeros;
    const R* c = in.c != no_slot ? warp.in<R>(in.c) : zeros;
    alignas(64) R result[lanes] = {};
    for (unsigned shift = 0; shift < 8 * sizeof(R); shift += 16) {
        for (unsigned lane = 0; lane < lanes; lane++) {
            const auto x = static_cast<std::uint16_t>(a[lane] >> shift);
            const auto y = static_cast<std::uint16_t>(b[lane] >> shift);
            const auto z = static_cast<std::uint16_t>(c[lane] >> shift);
            const std::uint16_t half = fast(plan) ? compute_fast(plan.operation, x, y) : compute(plan, x, y, z);
            result[lane] = static_cast<R>(result[lane] | static_cast<R>(half) << shift);
        }
    }
    merge(warp.out<R>(in.d), result, mask);
}

HalfOperation operation_of(Decoder& d) {
    const std::string_view opcode = d.statement().opcode;
    constexpr std::string_view names[] = {"add", "sub", "mul", "fma", "min", "max", "abs", "neg"};
    const auto found = std::find(std::begin(names), std::end(names), opcode);
    if (found == std::end(names)) {
        d.fail("the simulator does not know this instruction for halves");
    }
    return static_cast<HalfOperation>(found - std::begin(names));
}

}  // namespace

void decode_half_arithmetic(Decoder& d) {
    HalfPlan plan{};
    plan.operation = operation_of(d);
    d.take("rn");
    plan.flushes = d.take("ftz");
    plan.saturates = d.take("sat");
    plan.relu = d.take("relu");
    plan.nan = d.take("NaN");
    plan.xorsign = d.take("xorsign") && d.take("abs");
    const Type type = d.take_type();
    plan.format = type == Type::bf16 || type == Type::bf16x2 ? HalfFormat::bf16 : HalfFormat::f16;
    plan.pair = bits_of(type) == 32;
    const unsigned sources = plan.operation == HalfOperation::fuse ? 3 : plan.operation >= HalfOperation::magnitude ? 1 : 2;
    emit_same(d, plan.pair ? run_half<std::uint32_t> : run_half<std::uint16_t>, type, sources).immediate =
        std::bit_cast<std::uint64_t>(plan);
}

}  // namespace nibble::simulator
