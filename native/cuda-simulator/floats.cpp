// Arithmetic of f32 and f64.
#include "floats.h"

#include "lanes.h"
#include "rounding.h"

namespace nibble::simulator {

namespace {

template <class T>
T plus(T a, T b) { return a + b; }
template <class T>
T minus(T a, T b) { return a - b; }
template <class T>
T times(T a, T b) { return a * b; }
template <class T>
T over(T a, T b) { return a / b; }
inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

// A number if there is one: -0 is less than +0.
template <class T>
T least(T a, T b) {
    const T smaller = a < b || (a == b && std::signbit(a)) ? a : b;
    return a != a ? b : b != b ? a : smaller;
}

template <class T>
T most(T a, T b) {
    const T larger = a > b || (a == b && !std::signbit(a)) ? a : b;
    return a != a ? b : b != b ? a : larger;
}

constexpr std::uint32_t canonical_nan = 0x7fffffff;

template <bool greatest>
float extreme(float a, float b) {
    const float result = greatest ? most(a, b) : least(a, b);
    return result != result ? std::bit_cast<float>(canonical_nan) : result;
}

template <bool greatest>
float extreme_or_nan(float a, float b) {
    return a != a || b != b ? std::bit_cast<float>(canonical_nan) : extreme<greatest>(a, b);
}

// min.xorsign.abs: of the magnitudes, with the product's sign.
template <bool greatest, bool nan>
float extreme_xorsign(float a, float b) {
    const float magnitude = nan ? extreme_or_nan<greatest>(std::fabs(a), std::fabs(b)) : extreme<greatest>(std::fabs(a), std::fabs(b));
    const std::uint32_t sign = (std::bit_cast<std::uint32_t>(a) ^ std::bit_cast<std::uint32_t>(b)) & 0x80000000;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
}

using F = float;

// Flushed sources and results, saturated results: around any of the functions.
template <auto Function, bool flushes, bool saturates>
F around1(F a) {
    F result = Function(flushes ? flush(a) : a);
    result = flushes ? flush(result) : result;
    return saturates ? saturate(result) : result;
}

template <auto Function, bool flushes, bool saturates>
F around2(F a, F b) {
    F result = Function(flushes ? flush(a) : a, flushes ? flush(b) : b);
    result = flushes ? flush(result) : result;
    return saturates ? saturate(result) : result;
}

template <bool flushes, bool saturates>
F around_fused(F a, F b, F c) {
    F result = flushes ? fused(flush(a), flush(b), flush(c)) : fused(a, b, c);
    result = flushes ? flush(result) : result;
    return saturates ? saturate(result) : result;
}

template <auto Function>
Handler binary(bool flushes, bool saturates) {
    return flushes ? (saturates ? map2<F, F, F, around2<Function, true, true>> : map2<F, F, F, around2<Function, true, false>>)
                   : (saturates ? map2<F, F, F, around2<Function, false, true>> : map2<F, F, F, around2<Function, false, false>>);
}

template <auto Function>
Handler unary(bool flushes) {
    return flushes ? map1<F, F, around1<Function, true, false>> : map1<F, F, around1<Function, false, false>>;
}

// Directed rounding. immediate: operation and direction; flags: around it.
template <class T>
void rounded(Warp& warp, const Instruction& in, std::uint32_t mask) {
    alignas(64) T sources[3][lanes] = {};
    const Slot slots[3] = {in.a, in.b, in.c};
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned lane = 0; slots[i] != no_slot && lane < lanes; lane++) {
            sources[i][lane] = warp.in<T>(slots[i])[lane];
            if constexpr (sizeof(T) == 4) {
                sources[i][lane] = (in.flags & flush_flag) != 0 ? flush(sources[i][lane]) : sources[i][lane];
            }
        }
    }
    alignas(64) T result[lanes];
    round_lanes(static_cast<FloatOperation>(in.immediate & 0xff), static_cast<Rounding>(in.immediate >> 8), sources[0], sources[1],
                sources[2], result);
    for (T& lane : result) {
        if constexpr (sizeof(T) == 4) {
            lane = (in.flags & flush_flag) != 0 ? flush(lane) : lane;
        }
        lane = (in.flags & saturate_flag) != 0 ? saturate(lane) : lane;
    }
    merge(warp.out<T>(in.d), result, mask);
}

struct Plan {
    FloatOperation operation;
    unsigned sources;
};

void emit_rounded(Decoder& d, Plan plan, Rounding rounding, Type type, bool flushes, bool saturates) {
    Instruction& made = emit_same(d, type == Type::f32 ? rounded<float> : rounded<double>, type, plan.sources);
    made.immediate = static_cast<std::uint64_t>(plan.operation) | static_cast<std::uint64_t>(rounding) << 8;
    made.flags = static_cast<std::uint8_t>((flushes ? flush_flag : 0) | (saturates ? saturate_flag : 0));
}

Handler nearest_single(FloatOperation operation, bool flushes, bool saturates) {
    constexpr auto root = [](F a) { return __builtin_sqrtf(a); };
    constexpr auto inverse = [](F a) { return 1.0F / a; };
    switch (operation) {
        case FloatOperation::add: return binary<plus<F>>(flushes, saturates);
        case FloatOperation::subtract: return binary<minus<F>>(flushes, saturates);
        case FloatOperation::multiply: return binary<times<F>>(flushes, saturates);
        case FloatOperation::divide: return binary<over<F>>(flushes, saturates);
        case FloatOperation::square_root: return unary<root>(flushes);
        case FloatOperation::reciprocal: return unary<inverse>(flushes);
        default:
            return flushes ? (saturates ? map3<F, F, F, F, around_fused<true, true>> : map3<F, F, F, F, around_fused<true, false>>)
                           : (saturates ? map3<F, F, F, F, around_fused<false, true>> : map3<F, F, F, F, around_fused<false, false>>);
    }
}

Handler nearest_double(FloatOperation operation) {
    using D = double;
    constexpr auto root = [](D a) { return __builtin_sqrt(a); };
    constexpr auto inverse = [](D a) { return 1.0 / a; };
    constexpr auto fuse = [](D a, D b, D c) { return fused(a, b, c); };
    switch (operation) {
        case FloatOperation::add: return map2<D, D, D, plus<D>>;
        case FloatOperation::subtract: return map2<D, D, D, minus<D>>;
        case FloatOperation::multiply: return map2<D, D, D, times<D>>;
        case FloatOperation::divide: return map2<D, D, D, over<D>>;
        case FloatOperation::square_root: return map1<D, D, root>;
        case FloatOperation::reciprocal: return map1<D, D, inverse>;
        default: return map3<D, D, D, D, fuse>;
    }
}

Plan plan_of(std::string_view opcode) {
    return opcode == "add"   ? Plan{FloatOperation::add, 2}
           : opcode == "sub" ? Plan{FloatOperation::subtract, 2}
           : opcode == "mul" ? Plan{FloatOperation::multiply, 2}
           : opcode == "div" ? Plan{FloatOperation::divide, 2}
           : opcode == "sqrt" ? Plan{FloatOperation::square_root, 1}
           : opcode == "rcp"  ? Plan{FloatOperation::reciprocal, 1}
                              : Plan{FloatOperation::fuse, 3};
}

void decode_extreme(Decoder& d, bool greatest) {
    const bool flushes = d.take("ftz");
    const bool nan = d.take("NaN");
    const bool xorsign = d.take("xorsign") && d.take("abs");
    const Type type = d.take_type();
    if (type == Type::f64) {
        emit_same(d, greatest ? map2<double, double, double, most<double>> : map2<double, double, double, least<double>>, type, 2);
        return;
    }
    Handler handler = nullptr;
    if (xorsign) {
        handler = nan ? (greatest ? binary<extreme_xorsign<true, true>>(flushes, false) : binary<extreme_xorsign<false, true>>(flushes, false))
                      : (greatest ? binary<extreme_xorsign<true, false>>(flushes, false) : binary<extreme_xorsign<false, false>>(flushes, false));
    } else {
        handler = nan ? (greatest ? binary<extreme_or_nan<true>>(flushes, false) : binary<extreme_or_nan<false>>(flushes, false))
                      : (greatest ? binary<extreme<true>>(flushes, false) : binary<extreme<false>>(flushes, false));
    }
    const bool third = d.count() == 4;
    if (!third) {
        emit_same(d, handler, type, 2);
        return;
    }
    // Of three: the first two go to a register of their own.
    d.finish();
    const Slot between = d.scratch(32);
    const Slot slots[4] = {d.result(0, type), d.source(1, type), d.source(2, type), d.source(3, type)};
    Instruction& first = d.emit(handler);
    first.d = between;
    first.a = slots[1];
    first.b = slots[2];
    Instruction& second = d.emit(handler);
    second.d = slots[0];
    second.a = between;
    second.b = slots[3];
}

void decode_sign(Decoder& d) {
    const bool absolute = d.statement().opcode == "abs";
    const bool flushes = d.take("ftz");
    const Type type = d.take_type();
    constexpr auto magnitude = [](F a) { return std::fabs(a); };
    constexpr auto negative = [](F a) { return -a; };
    constexpr auto wide_magnitude = [](double a) { return std::fabs(a); };
    constexpr auto wide_negative = [](double a) { return -a; };
    if (type == Type::f64) {
        emit_same(d, absolute ? map1<double, double, wide_magnitude> : map1<double, double, wide_negative>, type, 1);
    } else {
        emit_same(d, absolute ? unary<magnitude>(flushes) : unary<negative>(flushes), type, 1);
    }
}

}  // namespace

Rounding take_rounding(Decoder& d) {
    switch (d.take_one({"rn", "rz", "rm", "rp", "rna"})) {
        case 1: return Rounding::zero;
        case 2: return Rounding::down;
        case 3: return Rounding::up;
        case 4: return Rounding::away;
        default: return Rounding::nearest;
    }
}

void decode_float_arithmetic(Decoder& d) {
    const std::string_view opcode = d.statement().opcode;
    if (opcode == "min" || opcode == "max") {
        return decode_extreme(d, opcode == "max");
    }
    if (opcode == "abs" || opcode == "neg") {
        return decode_sign(d);
    }
    if (opcode != "add" && opcode != "sub" && opcode != "mul" && opcode != "fma" && opcode != "mad" && opcode != "div" &&
        opcode != "sqrt" && opcode != "rcp") {
        d.fail("the simulator does not know this instruction for floats");
    }
    const Plan plan = plan_of(opcode);
    d.take_one({"approx", "full"});  // computed exactly, which is within the error that is allowed
    const Rounding rounding = take_rounding(d);
    const bool flushes = d.take("ftz");
    const bool saturates = d.take("sat");
    const Type type = d.take_type();
    if (rounding != Rounding::nearest || (type == Type::f64 && saturates)) {
        emit_rounded(d, plan, rounding, type, flushes, saturates);
        return;
    }
    emit_same(d, type == Type::f32 ? nearest_single(plan.operation, flushes, saturates) : nearest_double(plan.operation), type,
              plan.sources);
}

}  // namespace nibble::simulator
