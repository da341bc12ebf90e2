#include "vectors.cl"
#include "cache.cl"
#include "turn.cl"

// Keys and values written to the pages of a cache. Build options: KEYS and VALUES, its types; UNIT, the values that a work-item writes
// one after another: BLOCK of quantized types; LANES work-items in a group; VECTOR values that each reads at once.
#pragma OPENCL FP_CONTRACT OFF


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

// Writes UNIT values of a token's key, those from `first` on, to a page of a head, (size, stride): transposed, so that neighbouring
// work-items read neighbouring tokens. Quantized: words of 4 or 8 neighbouring values, then scales.
inline void write_key(global const float *x, int size, global uchar *page, int stride, int token, int first) {
#if KEYS == F32 || KEYS == F16
    for (int i = first; i < min(first + UNIT, size); i++) {
#if KEYS == F32
        ((global float *)page)[i * stride + token] = x[i];
#else
        vstore_half_rte(x[i], i * stride + token, (global half *)page);
#endif
    }
#else
    int q[BLOCK];
    float scale = quantize(x + first, KEYS, q);
    global uint *words = (global uint *)page + first / PER_WORD(KEYS) * stride + token;
#if KEYS == Q8_0
    for (int i = 0; i < BLOCK; i += 4) {
        words[i / 4 * stride] = (q[i] & 255) | (q[i + 1] & 255) << 8 | (q[i + 2] & 255) << 16 | (uint)q[i + 3] << 24;
    }
#else
    for (int i = 0; i < BLOCK; i += 8) {
        uint word = 0;
        for (int j = 0; j < 4; j++) {
            word |= (uint)(q[i + j] + 8 | (q[i + 4 + j] + 8) << 4) << (8 * j);
        }
        words[i / 8 * stride] = word;
    }
#endif
    global ushort *scales = (global ushort *)(page + size / PER_WORD(KEYS) * 4 * stride);
    scales[first / BLOCK * stride + token] = as_uint(scale) >> 16;
#endif
}

// Writes UNIT values of a token's value to a page of a head, (stride, size). Quantized: bytes, of 4 bits columns i and 16 + i of a
// block in one, then scales.
inline void write_value(global const float *x, int size, global uchar *page, int stride, int token, int first) {
#if VALUES == F32 || VALUES == F16
    for (int i = first; i < min(first + UNIT, size); i++) {
#if VALUES == F32
        ((global float *)page)[token * ROW_OF_VALUES(size) + i] = x[i];
#else
        vstore_half_rte(x[i], token * ROW_OF_VALUES(size) + i, (global half *)page);
#endif
    }
#else
    int q[BLOCK];
    float scale = quantize(x + first, VALUES, q);
#if VALUES == Q8_0
    for (int i = 0; i < BLOCK; i++) {
        page[token * size + first + i] = q[i];
    }
#else
    for (int i = 0; i < BLOCK / 2; i++) {
        page[token * (size / 2) + first / 2 + i] = q[i] + 8 | (q[BLOCK / 2 + i] + 8) << 4;
    }
#endif
    global ushort *scales = (global ushort *)(page + size * 4 / PER_WORD(VALUES) * stride);
    scales[token * (size / BLOCK) + first / BLOCK] = as_uint(scale) >> 16;
#endif
}

// Writes a row's key and value of one head: work-item `item` of `items` its share.
inline void write_head(
        global const float *k, int key_size, global const float *v, int value_size, global uchar *keys, global uchar *values,
        int stride, int token, int item, int items) {
    for (int first = item * UNIT; first < key_size; first += items * UNIT) {
        write_key(k, key_size, keys, stride, token, first);
    }
    for (int first = item * UNIT; first < value_size; first += items * UNIT) {
        write_value(v, value_size, values, stride, token, first);
    }
}

// One work-group for each head of a row. Global size (heads * LANES, n).
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void write_kv(
        global const int *live,        // (1)
        global const int *positions,   // (n)
        global const int *slots,       // (n)
        global const int *page_table,  // (slots, table_width)
        int table_width,
        global const float *k,         // (n, heads, key_size)
        global const float *v,         // (n, heads, value_size)
        int key_size,
        int value_size,
        global uchar *keys,            // (heads, pages, KEY_PAGE)
        global uchar *values,          // (heads, pages, VALUE_PAGE)
        int pages,
        int page_tokens,
        int stride) {
    int head = get_group_id(0);
    int row = get_group_id(1);
    if (row >= live[0]) {
        return;
    }
    ulong place = (ulong)row * get_num_groups(0) + head;
    int position = positions[row];
    ulong page = (ulong)head * pages + page_table[slots[row] * table_width + position / page_tokens];
    write_head(k + place * key_size, key_size, v + place * value_size, value_size,
            keys + page * KEY_PAGE(key_size, stride), values + page * VALUE_PAGE(value_size, stride),
            stride, position % page_tokens, get_local_id(0), LANES);
}

// Norm and rotary embedding of queries and keys, in place, then the keys and values written: one work-group for each head of a row,
// those of queries first. Global size ((query_heads + heads) * LANES, n).
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void turn_and_write(
        global const int *live,           // (1)
        global const int *positions,      // (n)
        global const int *slots,          // (n)
        global const int *page_table,     // (slots, table_width)
        int table_width,
        global float *q,                  // (n, query_heads, key_size)
        global const float *q_norm,       // (key_size) or null
        global float *k,                  // (n, heads, key_size)
        global const float *k_norm,       // (key_size) or null
        float epsilon,
        int interleaved,
        global const float *frequencies,  // (pairs)
        int pairs,
        float magnitude,
        global const float *v,            // (n, heads, value_size)
        int query_heads,
        int heads,
        int key_size,
        int value_size,
        global uchar *keys,               // (heads, pages, KEY_PAGE)
        global uchar *values,             // (heads, pages, VALUE_PAGE)
        int pages,
        int page_tokens,
        int stride) {
    local float shared[LANES];
    int lane = get_local_id(0);
    int head = get_group_id(0);
    int row = get_group_id(1);
    if (row >= live[0]) {
        return;
    }
    bool query = head < query_heads;
    head -= query ? 0 : query_heads;
    ulong place = (ulong)row * (query ? query_heads : heads) + head;
    global float *x = (query ? q : k) + place * key_size;
    global const float *norm = query ? q_norm : k_norm;
    if (norm) {
        floats squares = 0;
        for (int i = lane * VECTOR; i < key_size; i += LANES * VECTOR) {
            floats some = load_some(x + i, key_size - i);
            squares += some * some;
        }
        float scale = 1 / sqrt(SUM(total(squares), shared) / key_size + epsilon);
        for (int i = lane * VECTOR; i < key_size; i += LANES * VECTOR) {
            int count = key_size - i;
            store_some(load_some(x + i, count) * scale * load_some(norm + i, count), x + i, count);
        }
        barrier(CLK_GLOBAL_MEM_FENCE);
    }
    int position = positions[row];
    for (int pair = lane * VECTOR; pair < pairs; pair += LANES * VECTOR) {
        turn_heads(x, 1, key_size, pair, pairs, interleaved, position, frequencies, magnitude);
    }
    if (!query) {
        barrier(CLK_GLOBAL_MEM_FENCE);
        ulong page = (ulong)head * pages + page_table[slots[row] * table_width + position / page_tokens];
        write_head(x, key_size, v + place * value_size, value_size,
                keys + page * KEY_PAGE(key_size, stride), values + page * VALUE_PAGE(value_size, stride),
                stride, position % page_tokens, lane, LANES);
    }
}
