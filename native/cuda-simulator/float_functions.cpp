// Approximate functions of floats, computed to the last bit or near it; tests of numbers.
#include <algorithm>

#include "floats.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

using F = float;

// 2^x in vectors: 2^n times a polynomial on [-0.5, 0.5], in doubles. The factor 2^n is made of bits.
F power_of_two(F x) {
    const F limited = std::min(std::max(x, -200.0F), 200.0F);
    const double n = __builtin_rint(static_cast<double>(limited));
    const double t = (static_cast<double>(limited) - n) * 0.6931471805599453;
    double sum = 1.0 / 5040;
    sum = sum * t + 1.0 / 720;
    sum = sum * t + 1.0 / 120;
    sum = sum * t + 1.0 / 24;
    sum = sum * t + 1.0 / 6;
    sum = sum * t + 0.5;
    sum = sum * t + 1.0;
    sum = sum * t + 1.0;
    const double scale = std::bit_cast<double>(static_cast<std::uint64_t>(static_cast<std::int64_t>(n) + 1023) << 52);
    return x != x ? x : static_cast<F>(sum * scale);
}

F logarithm(F x) { return std::log2(x); }
F sine(F x) { return std::sin(x); }
F cosine(F x) { return std::cos(x); }
F hyperbolic_tangent(F x) { return std::tanh(x); }
F inverse_root(F x) { return static_cast<F>(1.0 / __builtin_sqrt(static_cast<double>(x))); }
double wide_inverse_root(double x) { return 1.0 / __builtin_sqrt(x); }

template <auto Function, bool flushes>
F around(F a) {
    const F result = Function(flushes ? flush(a) : a);
    return flushes ? flush(result) : result;
}

template <auto Function>
Handler function(bool flushes) {
    return flushes ? map1<F, F, around<Function, true>> : map1<F, F, around<Function, false>>;
}

// The same on both formats of halves and on pairs: immediate 1 for a pair, 2 for bfloat16.
template <auto Function>
void half_function(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const bool pair = (in.immediate & 1) != 0;
    const HalfFormat format = (in.immediate & 2) != 0 ? HalfFormat::bf16 : HalfFormat::f16;
    alignas(64) std::uint32_t result[lanes] = {};
    for (unsigned half = 0; half < (pair ? 2 : 1); half++) {
        alignas(64) F values[lanes];
        widen_lanes(warp, in.a, pair, half, format, values);
        for (unsigned lane = 0; lane < lanes; lane++) {
            result[lane] |= static_cast<std::uint32_t>(narrow(Function(values[lane]), format, Rounding::nearest)) << 16 * half;
        }
    }
    if (pair) {
        merge(warp.out<std::uint32_t>(in.d), result, mask);
        return;
    }
    alignas(64) std::uint16_t small[lanes];
    std::copy(result, result + lanes, small);
    merge(warp.out<std::uint16_t>(in.d), small, mask);
}

template <auto Function>
void decode_function(Decoder& d) {
    d.take("approx");
    const bool flushes = d.take("ftz");
    const Type type = d.take_type();
    if (type == Type::f32) {
        emit_same(d, function<Function>(flushes), type, 1);
    } else if (type == Type::f64) {
        d.fail("the simulator does not know this function for f64");
    } else {
        const unsigned kind = (bits_of(type) == 32 ? 1 : 0) | (type == Type::bf16 || type == Type::bf16x2 ? 2 : 0);
        emit_same(d, half_function<Function>, type, 1).immediate = kind;
    }
}

void decode_inverse_root(Decoder& d) {
    const std::vector<std::string_view>& modifiers = d.statement().modifiers;
    if (std::find(modifiers.begin(), modifiers.end(), "f64") == modifiers.end()) {
        return decode_function<inverse_root>(d);
    }
    d.take("approx");
    d.take("ftz");
    const Type type = d.take_type();
    emit_same(d, map1<double, double, wide_inverse_root>, type, 1);
}

enum class Test : std::uint8_t { finite, infinite, number, notanumber, normal, subnormal };

template <class T>
bool passes(Test test, T value) {
    switch (test) {
        case Test::finite: return std::isfinite(value);
        case Test::infinite: return std::isinf(value);
        case Test::number: return !std::isnan(value);
        case Test::notanumber: return std::isnan(value);
        case Test::normal: return std::isnormal(value);
        case Test::subnormal: return std::fpclassify(value) == FP_SUBNORMAL;
    }
    return false;
}

template <class T>
void run_test(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const T* a = warp.in<T>(in.a);
    std::uint32_t bits = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        bits |= (passes(static_cast<Test>(in.flags), a[lane]) ? 1U : 0U) << lane;
    }
    set_predicate(warp, in.d, bits, mask);
}

void decode_test(Decoder& d) {
    const int test = d.take_one({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
    const Type type = d.take_type();
    emit_map(d, type == Type::f32 ? run_test<float> : run_test<double>, Type::pred, {type}).flags =
        static_cast<std::uint8_t>(std::max(test, 0));
}

// The sign of a with the magnitude of b.
template <class T>
T with_sign(T a, T b) {
    return std::copysign(b, a);
}

void decode_copysign(Decoder& d) {
    const Type type = d.take_type();
    emit_same(d, type == Type::f32 ? map2<F, F, F, with_sign<F>> : map2<double, double, double, with_sign<double>>, type, 2);
}

}  // namespace

void add_float_function_opcodes(OpcodeTable& table) {
    table["ex2"] = decode_function<power_of_two>;
    table["lg2"] = decode_function<logarithm>;
    table["sin"] = decode_function<sine>;
    table["cos"] = decode_function<cosine>;
    table["tanh"] = decode_function<hyperbolic_tangent>;
    table["rsqrt"] = decode_inverse_root;
    table["sqrt"] = decode_float_arithmetic;
    table["rcp"] = decode_float_arithmetic;
    table["testp"] = decode_test;
    table["copysign"] = decode_copysign;
}

}  // namespace nibble::simulator
