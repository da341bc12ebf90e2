#include "cache.cl"

// Whole keys and values made of latent vectors, a tile of tokens at a time. Build options: LANES work-items in a group; KEYS and VALUES,
// the types of the cache that latent vectors are read from.
#pragma OPENCL FP_CONTRACT OFF

#define LEAST -1e30f

#ifdef KEYS
inline float scale_of(ushort bfloat16) {
    return as_float((uint)bfloat16 << 16);
}

// Value i of the key of a token, of `size` values, in a page of (size, stride).
inline float key_of(global const uchar *page, int size, int stride, int token, int i) {
#if KEYS == F32
    return ((global const float *)page)[i * stride + token];
#elif KEYS == F16
    return vload_half(i * stride + token, (global const half *)page);
#else
    uint word = ((global const uint *)page)[i / PER_WORD(KEYS) * stride + token];
    global const ushort *scales = (global const ushort *)(page + size / PER_WORD(KEYS) * 4 * stride);
#if KEYS == Q8_0
    int q = (char)(word >> (i % 4 * 8) & 255);
#else
    int q = (int)(word >> (i % 4 * 8 + i % 8 / 4 * 4) & 15) - 8;
#endif
    return q * scale_of(scales[i / BLOCK * stride + token]);
#endif
}

// Value i of the value of a token, of `size` values, in a page of (stride, size).
inline float value_of(global const uchar *page, int size, int stride, int token, int i) {
#if VALUES == F32
    return ((global const float *)page)[token * ROW_OF_VALUES(size) + i];
#elif VALUES == F16
    return vload_half(token * ROW_OF_VALUES(size) + i, (global const half *)page);
#else
    global const ushort *scales = (global const ushort *)(page + size * 4 / PER_WORD(VALUES) * stride);
#if VALUES == Q8_0
    int q = ((global const char *)page)[token * size + i];
#else
    int q = (page[token * (size / 2) + i / BLOCK * 16 + i % 16] >> (i % BLOCK / 16 * 4) & 15) - 8;
#endif
    return q * scale_of(scales[token * (size / BLOCK) + i / BLOCK]);
#endif
}

// Reads what the cache has of neighbouring tokens of a sequence, one in each work-group. Global size (n * LANES).
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void read_latent(
        global const int *live,        // (1)
        global const int *from,        // (2): the slot, and the position of the first token
        global const int *page_table,  // (slots, table_width)
        int table_width,
        global const uchar *keys,      // (pages, KEY_PAGE)
        global const uchar *values,    // (pages, VALUE_PAGE)
        int pages,
        int page_tokens,
        int stride,
        int turned_size,
        int rank,
        global float *turned,          // (n, turned_size)
        global float *latent) {        // (n, rank)
    int row = get_group_id(0);
    if (row >= live[0]) {
        return;
    }
    int position = from[1] + row;
    ulong page = page_table[from[0] * table_width + position / page_tokens];
    int token = position % page_tokens;
    keys += page * KEY_PAGE(turned_size, stride);
    values += page * VALUE_PAGE(rank, stride);
    for (int i = get_local_id(0); i < turned_size; i += LANES) {
        turned[(ulong)row * turned_size + i] = key_of(keys, turned_size, stride, token, i);
    }
    for (int i = get_local_id(0); i < rank; i += LANES) {
        latent[(ulong)row * rank + i] = value_of(values, rank, stride, token, i);
    }
}
#endif

// The two parts of each head one behind the other, a head in each work-group. Global size (heads * LANES, n).
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void join_heads(
        global const int *live,      // (1)
        global const float *first,   // (n, heads, first_size)
        global const float *second,  // (n, heads, second_size), or (n, second_size) if it is shared
        global float *out,           // (n, heads, first_size + second_size)
        int first_size,
        int second_size,
        int shared) {
    int head = get_group_id(0);
    int row = get_group_id(1);
    if (row >= live[0]) {
        return;
    }
    ulong place = (ulong)row * get_num_groups(0) + head;
    first += place * first_size;
    second += (shared ? row : place) * second_size;
    out += place * (first_size + second_size);
    for (int i = get_local_id(0); i < first_size; i += LANES) {
        out[i] = first[i];
    }
    for (int i = get_local_id(0); i < second_size; i += LANES) {
        out[first_size + i] = second[i];
    }
}

// Adds what the splits of a tile found to what the tiles before it gave, a head of a row in each work-group. Global size (heads * LANES, n).
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void carry_splits(
        global const int *live,        // (1)
        global const float *partials,  // (n, heads, splits, value_size + 2)
        int splits,
        int value_size,
        int first,                     // whether no tile came before
        global float *sums,            // (n, heads, 2): the largest score so far, and the sum of exponentials of scores less it
        global float *out) {           // (n, heads, value_size): the attention over the tiles so far
    int row = get_group_id(1);
    if (row >= live[0]) {
        return;
    }
    ulong place = (ulong)row * get_num_groups(0) + get_group_id(0);
    partials += place * splits * (value_size + 2);
    sums += place * 2;
    out += place * value_size;
    float most = first ? LEAST : sums[0];
    float own = first ? 0 : sums[1];
    float now = most;
    for (int split = 0; split < splits; split++) {
        now = fmax(now, partials[split * (value_size + 2) + value_size]);
    }
    own *= exp(most - now);
    float all = own;
    for (int split = 0; split < splits; split++) {
        global const float *its = partials + split * (value_size + 2);
        all = fma(exp(its[value_size] - now), its[value_size + 1], all);
    }
    float inverse = all == 0 ? 0 : 1 / all;
    for (int column = get_local_id(0); column < value_size; column += LANES) {
        float sum = own == 0 ? 0 : own * out[column];
        for (int split = 0; split < splits; split++) {
            global const float *its = partials + split * (value_size + 2);
            sum = fma(exp(its[value_size] - now), its[column], sum);
        }
        out[column] = sum * inverse;
    }
    // All have read what stood there.
    barrier(CLK_GLOBAL_MEM_FENCE);
    if (get_local_id(0) == 0) {
        sums[0] = now;
        sums[1] = all;
    }
}
