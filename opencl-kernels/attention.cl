#include "vectors.cl"
#include "cache.cl"

// Attention over a paged cache with streaming softmax (Milakov and Gimelshein, 2018; Dao et al., 2022).
// Built with QUERIES, KEY_SIZE, VALUE_SIZE, KEYS and VALUES (F32, F16, Q8_0 or Q4_0), TILE, VECTOR, LANES. With LATENT, values are part of
// the keys: a query has another part that meets them.
#pragma OPENCL FP_CONTRACT OFF

#define VALUE_STRIDE ROW_OF_VALUES(VALUE_SIZE)
#define BUNDLES (VALUE_STRIDE / VECTOR)
#define PARTS (LANES > BUNDLES ? LANES / BUNDLES : 1)
#define BUNDLES_EACH ((BUNDLES + LANES - 1) / LANES)
#define GROUP (LANES > QUERIES ? LANES / QUERIES : 1)
#define LEAST -1e30f

#if KEYS >= Q8_0
#define KEY_BLOCKS (KEY_SIZE / BLOCK)
#else
#define KEY_BLOCKS 1
#endif

#include "scores.cl"
#ifdef LATENT
#include "latent.cl"
#endif

// The position of a token, counted over pages of `stride` places.
inline int position_of(int place, int page_tokens, int stride) {
    return place / stride * page_tokens + place % stride;
}

inline int place_of(int position, int page_tokens, int stride) {
    return position / page_tokens * stride + position % page_tokens;
}

kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void attention(
        global const int *live,       // (1)
        global const int *positions,  // (n)
        global const int *slots,      // (n)
        global const int *page_table,  // (slots, table_width)
        int table_width,
        global const float *q,        // (n, heads, KEY_SIZE)
        global const float *latent_q,  // (n, heads, VALUE_SIZE), with LATENT only
        global const uchar *keys,     // (kv_heads, pages, KEY_SIZE, stride)
        global const uchar *values,   // (kv_heads, pages, stride, VALUE_SIZE)
        int pages,
        int page_tokens,
        int stride,
        int tile,                     // places in a tile, a multiple or a part of stride, at most TILE
        int heads,
        int kv_heads,
        int per_row,                   // query heads of a row in one tile
        float scale,
        int window,
        float softcap,
        global const float *sinks,    // (heads) or null
        global float *out,            // (n, heads, VALUE_SIZE)
        global float *partials        // (n, heads, splits, VALUE_SIZE + 2), or null if there is one split
) {
    local query_word queries[KEY_SIZE / QUERY_PER_WORD * QUERIES];
    local float scales[KEY_BLOCKS * QUERIES];
    local float sums[KEY_BLOCKS * QUERIES];
#ifdef LATENT
    local float latents[VALUE_STRIDE * QUERIES];
#endif
    local float scores[QUERIES * TILE];
    local float most[QUERIES];
    local float totals[QUERIES];
    local float factors[QUERIES];
    local int last[QUERIES];
    local float reduced[LANES];
    local float reduced_sums[LANES];
#if PARTS > 1
    local float parts[PARTS * VALUE_STRIDE];
#endif

    int lid = get_local_id(0);
    int split = get_group_id(0);
    int splits = get_num_groups(0);
    int chunks = heads / (kv_heads * per_row);
    int kv_head = get_group_id(1) / chunks;
    int head = get_group_id(1) * per_row;
    int rows_per_tile = QUERIES / per_row;
    int first_row = get_group_id(2) * rows_per_tile;
    int end_row = min(first_row + rows_per_tile, live[0]);
    keys += (ulong)kv_head * pages * KEY_PAGE(KEY_SIZE, stride);
    values += (ulong)kv_head * pages * VALUE_PAGE(VALUE_SIZE, stride);

    int row = first_row;
    while (row < end_row) {
        // Rows of one sequence that follow each other share its keys and values.
        int slot = slots[row];
        int least = positions[row];
        int greatest = least;
        int end = row + 1;
        while (end < end_row && slots[end] == slot) {
            least = min(least, positions[end]);
            greatest = max(greatest, positions[end]);
            end++;
        }
        global const int *table = page_table + (ulong)slot * table_width;
        int first = window == 0 ? 0 : max(0, least - window + 1);
        barrier(CLK_LOCAL_MEM_FENCE);
        load_queries(q, row, end, first_row, heads, head, per_row, scale, queries, scales, sums);
#ifdef LATENT
        load_latent_queries(latent_q, row, end, first_row, heads, head, per_row, scale, latents);
#endif
        for (int j = lid; j < QUERIES; j += LANES) {
            int its = first_row + j / per_row;
            last[j] = its >= row && its < end ? positions[its] : -1;
            most[j] = LEAST;
            totals[j] = 0;
        }
        floats acc[BUNDLES_EACH][QUERIES];
        for (int b = 0; b < BUNDLES_EACH; b++) {
#pragma unroll
            for (int j = 0; j < QUERIES; j++) {
                acc[b][j] = 0;
            }
        }
        int begin = place_of(first, page_tokens, stride) / tile * tile;
        int end_place = place_of(greatest, page_tokens, stride) + 1;
        int tiles = (end_place - begin + tile - 1) / tile;
        int per_split = (tiles + splits - 1) / splits;
        int to = min(tiles, (split + 1) * per_split);
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int its = split * per_split; its < to; its++) {
            int start = begin + its * tile;
            // scores
            for (int b = lid; b < tile / VECTOR; b += LANES) {
                int place = start + b * VECTOR;
                if (place < end_place) {
                    int in_page = place % stride;
                    int token = place / stride * page_tokens + in_page;
                    global const uchar *page = keys + (ulong)table[place / stride] * KEY_PAGE(KEY_SIZE, stride);
                    floats s[QUERIES];
                    score(page, stride, in_page, queries, scales, sums, s);
#ifdef LATENT
                    global const uchar *vectors =
                            values + (ulong)table[place / stride] * VALUE_PAGE(VALUE_SIZE, stride);
                    add_latent_scores(vectors, stride, in_page, latents, s);
#endif
                    ints its = token + IOTA;
                    ints inside = in_page + IOTA < page_tokens;
#pragma unroll
                    for (int j = 0; j < QUERIES; j++) {
                        floats x = s[j];
                        if (softcap != 0) {
                            x = softcap * tanh(x / softcap);
                        }
                        ints seen = inside && its <= last[j] && its > (window == 0 ? -1 : last[j] - window);
                        STORE(select((floats)(-INFINITY), x, seen), scores + j * TILE + b * VECTOR);
                    }
                } else {
#pragma unroll
                    for (int j = 0; j < QUERIES; j++) {
                        STORE((floats)(-INFINITY), scores + j * TILE + b * VECTOR);
                    }
                }
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            // softmax
#if LANES == 1
            for (int j = 0; j < QUERIES; j++) {
                local float *x = scores + j * TILE;
                floats most_seen = most[j];
                for (int i = 0; i < tile; i += VECTOR) {
                    most_seen = fmax(most_seen, LOAD(x + i));
                }
                float now = largest(most_seen);
                floats sum = 0;
                for (int i = 0; i < tile; i += VECTOR) {
                    floats weight = exp(LOAD(x + i) - now);
                    STORE(weight, x + i);
                    sum += weight;
                }
                factors[j] = exp(most[j] - now);
                totals[j] = totals[j] * factors[j] + total(sum);
                most[j] = now;
            }
#else
            {
                int j = lid / GROUP;
                local float *x = scores + j * TILE;
                float now = LEAST;
                if (j < QUERIES) {
                    now = most[j];
                    for (int i = lid % GROUP; i < tile; i += GROUP) {
                        now = fmax(now, x[i]);
                    }
                }
                reduced[lid] = now;
                barrier(CLK_LOCAL_MEM_FENCE);
                float sum = 0;
                if (j < QUERIES) {
                    for (int i = 0; i < GROUP; i++) {
                        now = fmax(now, reduced[j * GROUP + i]);
                    }
                    for (int i = lid % GROUP; i < tile; i += GROUP) {
                        float weight = exp(x[i] - now);
                        x[i] = weight;
                        sum += weight;
                    }
                }
                reduced_sums[lid] = sum;
                barrier(CLK_LOCAL_MEM_FENCE);
                if (j < QUERIES && lid % GROUP == 0) {
                    for (int i = 1; i < GROUP; i++) {
                        sum += reduced_sums[lid + i];
                    }
                    factors[j] = exp(most[j] - now);
                    totals[j] = totals[j] * factors[j] + sum;
                    most[j] = now;
                }
            }
            barrier(CLK_LOCAL_MEM_FENCE);
#endif
            // values
            int span = min(tile, stride);
#pragma unroll 1
            for (int b = 0; b < BUNDLES_EACH; b++) {
                int column = (lid % BUNDLES + b * LANES) * VECTOR;
                if (column < VALUE_STRIDE && lid < PARTS * BUNDLES) {
                    floats a[QUERIES];
#pragma unroll
                    for (int j = 0; j < QUERIES; j++) {
                        a[j] = acc[b][j] * factors[j];
                    }
                    for (int at = 0; at < tile && start + at < end_place; at += span) {
                        int in_page = (start + at) % stride;
                        global const uchar *page =
                                values + (ulong)table[(start + at) / stride] * VALUE_PAGE(VALUE_SIZE, stride);
                        int tokens = min(span, min(end_place - start - at, page_tokens - in_page));
                        for (int t = lid / BUNDLES; t < tokens; t += PARTS) {
                            floats value = values_of(page, stride, in_page + t, column);
#pragma unroll
                            for (int j = 0; j < QUERIES; j++) {
                                a[j] = fma((floats)(scores[j * TILE + at + t]), value, a[j]);
                            }
                        }
                    }
#pragma unroll
                    for (int j = 0; j < QUERIES; j++) {
                        acc[b][j] = a[j];
                    }
                }
            }
            barrier(CLK_LOCAL_MEM_FENCE);
        }
        // out
        for (int j = 0; j < QUERIES; j++) {
            int its = first_row + j / per_row;
            ulong place = (ulong)its * heads + head + j % per_row;
#if PARTS > 1
            barrier(CLK_LOCAL_MEM_FENCE);
            if (lid < PARTS * BUNDLES) {
                STORE(acc[0][j], parts + lid * VECTOR);
            }
            barrier(CLK_LOCAL_MEM_FENCE);
#endif
            if (its >= row && its < end) {
                float factor = 1;
                global float *target = partials + (place * splits + split) * (VALUE_SIZE + 2);
                if (!partials) {
                    float now = most[j];
                    float sum = totals[j];
                    if (sinks) {
                        float sink = sinks[head + j % per_row];
                        float with = fmax(now, sink);
                        sum = sum * exp(now - with) + exp(sink - with);
                        factor = exp(now - with);
                    }
                    factor /= sum;
                    target = out + place * VALUE_SIZE;
                } else if (lid == 0) {
                    target[VALUE_SIZE] = most[j];
                    target[VALUE_SIZE + 1] = totals[j];
                }
#if PARTS > 1
                for (int column = lid; column < VALUE_SIZE; column += LANES) {
                    float sum = 0;
                    for (int part = 0; part < PARTS; part++) {
                        sum += parts[part * VALUE_STRIDE + column];
                    }
                    target[column] = sum * factor;
                }
#else
                for (int b = 0; b < BUNDLES_EACH; b++) {
                    int column = (lid + b * LANES) * VECTOR;
                    if (column + VECTOR <= VALUE_SIZE) {
                        STORE(acc[b][j] * factor, target + column);
                    } else if (column < VALUE_SIZE) {
                        float its[VECTOR];
                        STORE(acc[b][j] * factor, its);
                        for (int i = 0; column + i < VALUE_SIZE; i++) {
                            target[column + i] = its[i];
                        }
                    }
                }
#endif
            }
        }
        row = end;
    }
}

// Merges what the splits of a row and head found, one of them per work-group. Global size (heads * LANES, n).
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void combine_splits(
        global const int *live,
        global const float *partials,  // (n, heads, splits, VALUE_SIZE + 2)
        int splits,
        int heads,
        global const float *sinks,     // (heads) or null
        global float *out              // (n, heads, VALUE_SIZE)
) {
    int head = get_group_id(0);
    int row = get_group_id(1);
    if (row >= live[0]) {
        return;
    }
    ulong place = (ulong)row * heads + head;
    partials += place * splits * (VALUE_SIZE + 2);
    float most = sinks ? sinks[head] : LEAST;
    for (int split = 0; split < splits; split++) {
        most = fmax(most, partials[split * (VALUE_SIZE + 2) + VALUE_SIZE]);
    }
    for (int column = get_local_id(0); column < VALUE_SIZE; column += LANES) {
        float all = sinks ? exp(sinks[head] - most) : 0;
        float sum = 0;
        for (int split = 0; split < splits; split++) {
            global const float *its = partials + split * (VALUE_SIZE + 2);
            float factor = exp(its[VALUE_SIZE] - most);
            all = fma(factor, its[VALUE_SIZE + 1], all);
            sum = fma(factor, its[column], sum);
        }
        out[place * VALUE_SIZE + column] = sum / all;
    }
}
