// Float arithmetic in other directions than to the nearest; compiled with -frounding-math. See rounding.h.
#include "rounding.h"

#include <cfenv>
#include <cmath>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace nibble::simulator {

namespace {

int mode_of(Rounding rounding) {
    return rounding == Rounding::zero ? FE_TOWARDZERO : rounding == Rounding::down ? FE_DOWNWARD : rounding == Rounding::up ? FE_UPWARD : FE_TONEAREST;
}

template <class T>
T compute(FloatOperation operation, T a, T b, T c) {
    switch (operation) {
        case FloatOperation::add: return a + b;
        case FloatOperation::subtract: return a - b;
        case FloatOperation::multiply: return a * b;
        case FloatOperation::fuse: return std::fma(a, b, c);
        case FloatOperation::divide: return a / b;
        case FloatOperation::square_root: return std::sqrt(a);
        case FloatOperation::reciprocal: return T{1} / a;
    }
    return a;
}

template <class T>
__attribute__((noinline)) void compute_lanes(FloatOperation operation, Rounding rounding, const T* a, const T* b, const T* c, T* d) {
    const int before = std::fegetround();
    std::fesetround(mode_of(rounding));
    for (unsigned lane = 0; lane < lanes; lane++) {
        volatile T result = compute<T>(operation, a[lane], b[lane], c[lane]);
        d[lane] = result;
    }
    std::fesetround(before);
}

#ifdef __AVX512F__
template <int R>
void fuse(const float* a, const float* b, const float* c, float* d) {
    for (unsigned lane = 0; lane < lanes; lane += 16) {
        _mm512_storeu_ps(d + lane, _mm512_fmadd_round_ps(_mm512_loadu_ps(a + lane), _mm512_loadu_ps(b + lane), _mm512_loadu_ps(c + lane),
                                                         R | _MM_FROUND_NO_EXC));
    }
}
#endif

// One conversion in a direction.
template <class T, class S>
__attribute__((noinline)) T convert(S value, Rounding rounding) {
    if (rounding == Rounding::nearest) {
        return static_cast<T>(value);
    }
    std::fesetround(mode_of(rounding));
    volatile S source = value;
    volatile T result = static_cast<T>(source);
    std::fesetround(FE_TONEAREST);
    return result;
}

}  // namespace

float narrow_single(double value, Rounding rounding) { return convert<float>(value, rounding); }

double integer_to_double(std::int64_t value, bool is_unsigned, Rounding rounding) {
    return is_unsigned ? convert<double>(static_cast<std::uint64_t>(value), rounding) : convert<double>(value, rounding);
}

float integer_to_single(std::int64_t value, bool is_unsigned, Rounding rounding) {
    return is_unsigned ? convert<float>(static_cast<std::uint64_t>(value), rounding) : convert<float>(value, rounding);
}

void round_lanes(FloatOperation operation, Rounding rounding, const float* a, const float* b, const float* c, float* d) {
#ifdef __AVX512F__
    // Exponentials use fma.rm: it has to be fast.
    if (operation == FloatOperation::fuse && rounding != Rounding::nearest) {
        return rounding == Rounding::zero   ? fuse<_MM_FROUND_TO_ZERO>(a, b, c, d)
               : rounding == Rounding::down ? fuse<_MM_FROUND_TO_NEG_INF>(a, b, c, d)
                                            : fuse<_MM_FROUND_TO_POS_INF>(a, b, c, d);
    }
#endif
    compute_lanes(operation, rounding, a, b, c, d);
}

void round_lanes(FloatOperation operation, Rounding rounding, const double* a, const double* b, const double* c, double* d) {
    compute_lanes(operation, rounding, a, b, c, d);
}

}  // namespace nibble::simulator
