/* Operations on rows of activations: see nibble_cpu.h. */
#include "nibble_cpu.h"

#if defined(__x86_64__)
#include "vectors.h"
#include <math.h>

void nibble_add(float *x, const float *y, int64_t count) {
    for (int64_t i = 0; i < count; i += LANES) {
        __mmask16 mask = lanes(i, count);
        __m512 sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, x + i), _mm512_maskz_loadu_ps(mask, y + i));
        _mm512_mask_storeu_ps(x + i, mask, sum);
    }
}

/* The sum of x - mean, or of its squares. */
ALWAYS double sum_of(const float *x, int64_t count, float mean, int squares) {
    __m512d low = _mm512_setzero_pd();
    __m512d high = low;
    for (int64_t i = 0; i < count; i += LANES) {
        __mmask16 mask = lanes(i, count);
        __m512 v = _mm512_maskz_sub_ps(mask, _mm512_maskz_loadu_ps(mask, x + i), _mm512_set1_ps(mean));
        __m512d a = _mm512_cvtps_pd(_mm512_castps512_ps256(v));
        __m512d b = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
        low = squares ? _mm512_fmadd_pd(a, a, low) : _mm512_add_pd(low, a);
        high = squares ? _mm512_fmadd_pd(b, b, high) : _mm512_add_pd(high, b);
    }
    return _mm512_reduce_add_pd(_mm512_add_pd(low, high));
}

/* out = ((x - mean) * factor + shift) * weight (+ bias). */
ALWAYS void scaled(
        const float *x, const float *weight, const float *bias, float *out, int64_t count, float mean, float factor, float shift) {
    for (int64_t i = 0; i < count; i += LANES) {
        __mmask16 mask = lanes(i, count);
        __m512 v = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), _mm512_set1_ps(mean));
        v = _mm512_fmadd_ps(v, _mm512_set1_ps(factor), _mm512_set1_ps(shift));
        v = _mm512_mul_ps(v, _mm512_maskz_loadu_ps(mask, weight + i));
        if (bias) {
            v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, bias + i));
        }
        _mm512_mask_storeu_ps(out + i, mask, v);
    }
}

void nibble_rms_norm(const float *x, const float *weight, const float *bias, float *out, int64_t count, float epsilon) {
    double factor = 1 / sqrt(sum_of(x, count, 0, 1) / (double)count + epsilon);
    scaled(x, weight, bias, out, count, 0, (float)factor, 0);
}

/* The mean is taken in two parts, the second that of what the first leaves: else values that differ little would lose it. */
void nibble_layer_norm(const float *x, const float *weight, const float *bias, float *out, int64_t count, float epsilon) {
    float mean = (float)(sum_of(x, count, 0, 0) / (double)count);
    double rest = sum_of(x, count, mean, 0) / (double)count;
    double variance = sum_of(x, count, mean, 1) / (double)count - rest * rest;
    double factor = 1 / sqrt(variance + epsilon);
    scaled(x, weight, bias, out, count, mean, (float)factor, (float)(-rest * factor));
}

void nibble_rope_halves(float *x, const float *cosines, const float *sines, int64_t heads, int64_t head_size, int64_t pairs) {
    for (int64_t head = 0; head < heads; head++, x += head_size) {
        for (int64_t i = 0; i < pairs; i += LANES) {
            __mmask16 mask = lanes(i, pairs);
            __m512 cos = _mm512_maskz_loadu_ps(mask, cosines + i);
            __m512 sin = _mm512_maskz_loadu_ps(mask, sines + i);
            __m512 a = _mm512_maskz_loadu_ps(mask, x + i);
            __m512 b = _mm512_maskz_loadu_ps(mask, x + pairs + i);
            _mm512_mask_storeu_ps(x + i, mask, _mm512_sub_ps(_mm512_mul_ps(a, cos), _mm512_mul_ps(b, sin)));
            _mm512_mask_storeu_ps(x + pairs + i, mask, _mm512_add_ps(_mm512_mul_ps(a, sin), _mm512_mul_ps(b, cos)));
        }
    }
}

void nibble_rope_neighbours(float *x, const float *cosines, const float *sines, int64_t heads, int64_t head_size, int64_t pairs) {
    for (int64_t head = 0; head < heads; head++, x += head_size) {
        for (int64_t i = 0; i < pairs; i++) {
            float a = x[2 * i];
            float b = x[2 * i + 1];
            x[2 * i] = a * cosines[i] - b * sines[i];
            x[2 * i + 1] = a * sines[i] + b * cosines[i];
        }
    }
}

/*
 * e to the power of x; 0 for x below -86, that of 88 above 88. ln 2 is taken in two parts, the first with few bits (Cody and
 * Waite); the polynomial is that of the Cephes library for |r| <= ln 2 / 2.
 */
ALWAYS __m512 exponential(__m512 x) {
    __m512 least = _mm512_min_ps(_mm512_set1_ps(88), x);
    __m512 shifted = _mm512_fmadd_ps(least, _mm512_set1_ps(1.44269504f), _mm512_set1_ps(ROUNDER));
    __m512 n = _mm512_sub_ps(shifted, _mm512_set1_ps(ROUNDER));
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-0.693359375f), least);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(2.12194440e-4f), r);
    __m512 p = _mm512_fmadd_ps(r, _mm512_set1_ps(1.9875691500e-4f), _mm512_set1_ps(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), _mm512_add_ps(r, _mm512_set1_ps(1)));
    __mmask16 none = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-86), _CMP_LT_OQ);
    return _mm512_mask_mov_ps(times_power(p, shifted), none, _mm512_setzero_ps());
}

/* x * sigmoid(u) * y. */
ALWAYS __m512 gated(__m512 x, __m512 u, __m512 y) {
    const __m512 one = _mm512_set1_ps(1);
    __m512 minus = _mm512_xor_ps(u, _mm512_set1_ps(-0.0f));
    __m512 sigmoid = _mm512_div_ps(one, _mm512_add_ps(exponential(minus), one));
    return _mm512_mul_ps(_mm512_mul_ps(x, sigmoid), y);
}

void nibble_silu(const float *gate, const float *up, float *out, int64_t count) {
    for (int64_t i = 0; i < count; i += LANES) {
        __mmask16 mask = lanes(i, count);
        __m512 x = _mm512_maskz_loadu_ps(mask, gate + i);
        _mm512_mask_storeu_ps(out + i, mask, gated(x, x, _mm512_maskz_loadu_ps(mask, up + i)));
    }
}

/* The Gaussian error linear unit's tanh form, written with a sigmoid: tanh(u) + 1 = 2 * sigmoid(2 u). */
void nibble_gelu(const float *gate, const float *up, float *out, int64_t count) {
    for (int64_t i = 0; i < count; i += LANES) {
        __mmask16 mask = lanes(i, count);
        __m512 x = _mm512_maskz_loadu_ps(mask, gate + i);
        __m512 cube = _mm512_mul_ps(_mm512_mul_ps(_mm512_mul_ps(x, x), x), _mm512_set1_ps(0.044715f));
        __m512 u = _mm512_mul_ps(_mm512_add_ps(cube, x), _mm512_set1_ps(1.5957691216f));
        _mm512_mask_storeu_ps(out + i, mask, gated(x, u, _mm512_maskz_loadu_ps(mask, up + i)));
    }
}

void nibble_prefetch(int64_t address, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += LINE) {
        _mm_prefetch((const char *)(intptr_t)(address + i), _MM_HINT_T1);
    }
}

int64_t nibble_argmax(const float *x, int64_t count) {
    const __m512 nothing = _mm512_set1_ps(-INFINITY);
    __m512 most = nothing;
    for (int64_t i = 0; i < count; i += LANES) {
        /* The second operand is taken where a comparison with NaN fails: so a NaN is never the most. */
        most = _mm512_max_ps(_mm512_mask_loadu_ps(nothing, lanes(i, count), x + i), most);
    }
    __m512 largest = _mm512_set1_ps(_mm512_reduce_max_ps(most));
    for (int64_t i = 0; i < count; i += LANES) {
        __mmask16 mask = lanes(i, count);
        __mmask16 equal = _mm512_mask_cmp_ps_mask(mask, _mm512_maskz_loadu_ps(mask, x + i), largest, _CMP_EQ_OQ);
        if (equal) {
            return i + __builtin_ctz(equal);
        }
    }
    return 0;
}

#endif
