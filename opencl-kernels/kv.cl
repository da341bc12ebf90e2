#include "cache.cl"

// Keys and values written to the paged cache. Built with KEY_SIZE, VALUE_SIZE, KEYS, VALUES (F32, F16, Q8_0 or Q4_0) and
// UNIT, the values that one work-item writes: BLOCK of quantized types.
#pragma OPENCL FP_CONTRACT OFF

#define KEY_UNITS ((KEY_SIZE + UNIT - 1) / UNIT)
#define VALUE_UNITS ((VALUE_SIZE + UNIT - 1) / UNIT)

inline float to_bfloat16(float x) {
    uint bits = as_uint(x);
    return as_float((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
}

// Of the scales that 4 bits can have, that of the least error: the first among equals.
inline float best_scale(global const float *x, float farthest) {
    const float16 spans = (float16)(8, 8.25f, 8.5f, 8.75f, 9, 9.25f, 9.5f, 9.75f, 10, 10.25f, 6.5f, 6.75f, 7, 7.25f, 7.5f, 7.75f);
    uint16 bits = as_uint16(farthest / -spans);
    float16 scales = as_float16((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
    float16 inverses = 1 / scales;
    float16 errors = 0;
    for (int i = 0; i < BLOCK; i++) {
        float16 steps = convert_float16(clamp(convert_int16(x[i] * inverses + 8.5f) - 8, -8, 7));
        float16 error = x[i] - steps * scales;
        errors += error * error;
    }
    float error[16];
    float scale[16];
    vstore16(errors, 0, error);
    vstore16(scales, 0, scale);
    int best = 0;
    for (int i = 1; i < 16; i++) {
        best = error[i] < error[best] ? i : best;
    }
    return scale[best];
}

// Quantizes a block; returns the scale, a bfloat16.
inline float quantize(global const float *x, int type, int *q) {
    float least = x[0];
    float largest = x[0];
    for (int i = 1; i < BLOCK; i++) {
        least = fmin(least, x[i]);
        largest = fmax(largest, x[i]);
    }
    float magnitude = fmax(largest, -least);
    float scale = 0;
    if (magnitude >= 0x1p-100f) {
        scale = type == Q8_0 ? to_bfloat16(magnitude / 127) : best_scale(x, largest == magnitude ? largest : least);
    }
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = 0; i < BLOCK; i++) {
        q[i] = type == Q8_0 ? clamp((int)(x[i] * inverse + 128.5f) - 128, -127, 127)
                            : clamp((int)(x[i] * inverse + 8.5f) - 8, -8, 7);
    }
    return scale;
}

// Writes UNIT values of a token's key, those from `first` on, to the page of a head: (KEY_SIZE, stride), transposed, so that
// neighbouring work-items read neighbouring tokens. Quantized: words of 4 or 8 neighbouring values, then scales.
inline void write_key(global const float *x, global uchar *page, int stride, int token, int first) {
#if KEYS == F32 || KEYS == F16
    for (int i = first; i < min(first + UNIT, KEY_SIZE); i++) {
#if KEYS == F32
        ((global float *)page)[i * stride + token] = x[i];
#else
        vstore_half_rte(x[i], i * stride + token, (global half *)page);
#endif
    }
#else
    int q[BLOCK];
    float scale = quantize(x + first, KEYS, q);
    global uint *words = (global uint *)page;
#if KEYS == Q8_0
    for (int i = 0; i < BLOCK; i += 4) {
        words[(first + i) / 4 * stride + token] =
                (q[i] & 255) | (q[i + 1] & 255) << 8 | (q[i + 2] & 255) << 16 | (uint)q[i + 3] << 24;
    }
    global ushort *scales = (global ushort *)(page + KEY_SIZE * stride);
#else
    for (int i = 0; i < BLOCK; i += 8) {
        uint word = 0;
        for (int j = 0; j < 4; j++) {
            word |= (uint)(q[i + j] + 8 | (q[i + 4 + j] + 8) << 4) << (8 * j);
        }
        words[(first + i) / 8 * stride + token] = word;
    }
    global ushort *scales = (global ushort *)(page + KEY_SIZE / 2 * stride);
#endif
    scales[first / BLOCK * stride + token] = as_uint(scale) >> 16;
#endif
}

// Writes UNIT values of a token's value to the page of a head: (stride, VALUE_SIZE). Quantized: bytes, of 4 bits columns i
// and 16 + i of a block in one, then scales.
inline void write_value(global const float *x, global uchar *page, int stride, int token, int first) {
#if VALUES == F32 || VALUES == F16
    for (int i = first; i < min(first + UNIT, VALUE_SIZE); i++) {
#if VALUES == F32
        ((global float *)page)[token * VALUE_STRIDE + i] = x[i];
#else
        vstore_half_rte(x[i], token * VALUE_STRIDE + i, (global half *)page);
#endif
    }
#else
    int q[BLOCK];
    float scale = quantize(x + first, VALUES, q);
#if VALUES == Q8_0
    for (int i = 0; i < BLOCK; i++) {
        page[token * VALUE_SIZE + first + i] = q[i];
    }
    global ushort *scales = (global ushort *)(page + VALUE_SIZE * stride);
#else
    for (int i = 0; i < BLOCK / 2; i++) {
        page[token * (VALUE_SIZE / 2) + first / 2 + i] = q[i] + 8 | (q[BLOCK / 2 + i] + 8) << 4;
    }
    global ushort *scales = (global ushort *)(page + VALUE_SIZE / 2 * stride);
#endif
    scales[token * (VALUE_SIZE / BLOCK) + first / BLOCK] = as_uint(scale) >> 16;
#endif
}

// Global size (heads * (KEY_UNITS + VALUE_UNITS), n).
kernel void write_kv(
        global const int *live,       // (1)
        global const int *positions,  // (n)
        global const int *slots,      // (n)
        global const int *page_table,  // (slots, table_width)
        int table_width,
        global const float *k,        // (n, heads, KEY_SIZE)
        global const float *v,        // (n, heads, VALUE_SIZE)
        int heads,
        global uchar *keys,           // (heads, pages, key_page bytes)
        global uchar *values,         // (heads, pages, value_page bytes)
        int pages,
        int page_tokens,
        int stride) {
    int unit = get_global_id(0);
    int row = get_global_id(1);
    if (row >= live[0] || unit >= heads * (KEY_UNITS + VALUE_UNITS)) {
        return;
    }
    int position = positions[row];
    int page = page_table[slots[row] * table_width + position / page_tokens];
    int token = position % page_tokens;
    if (unit < heads * KEY_UNITS) {
        int head = unit / KEY_UNITS;
        write_key(k + ((ulong)row * heads + head) * KEY_SIZE, keys + ((ulong)head * pages + page) * KEY_PAGE(stride), stride, token,
                unit % KEY_UNITS * UNIT);
    } else {
        unit -= heads * KEY_UNITS;
        int head = unit / VALUE_UNITS;
        write_value(v + ((ulong)row * heads + head) * VALUE_SIZE, values + ((ulong)head * pages + page) * VALUE_PAGE(stride), stride,
                token, unit % VALUE_UNITS * UNIT);
    }
}
