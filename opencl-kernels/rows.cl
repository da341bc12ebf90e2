// Operations on each row by itself. Build options: LANES work-items share a row, a power of two; each reads VECTOR values at once,
// 1 or 16.

#include "vectors.cl"
#include "turn.cl"
#include "top_k.cl"

// Each work-item walks its part of a row: first whole vectors, then single values.
#define EACH_VECTOR(i, width) for (int i = lane * VECTOR; i + VECTOR <= (width); i += LANES * VECTOR)
#define EACH_REST(i, width) for (int i = (width) / VECTOR * VECTOR + lane; i < (width); i += LANES)

// Each work-item takes its vectors of a row, the last of which may not be whole.
#define EACH_PIECE(i, width) for (int i = get_global_id(0) * VECTOR; i < (width); i += get_global_size(0) * VECTOR)

#include "quantize.cl"

// One work-group for each group of values. With a delta, x += delta first; with values, what comes out is quantized as well.
//   live   (1)
//   delta  (n, width) or null
//   x      (n, groups * width), written where there is a delta
//   weight (width)
//   bias   (width) or null
//   out    (n, groups * width), may be x
//   values (n, width) or null
//   blocks (n, width / 32) or null
kernel void norm_groups(
    global const int *live,
    global const float *delta,
    global float *x,
    global const float *weight,
    global const float *bias,
    global float *out,
    global char *values,
    global int2 *blocks,
    int width,
    int groups,
    int centred,
    float epsilon) {
    local float shared[LANES];
    local int sums[LANES];
    size_t group = get_group_id(0);
    if (group >= (size_t)live[0] * groups) {
        return;
    }
    int lane = get_local_id(0);
    size_t first = group * width;
    x += first;
    out += first;
    if (delta) {
        delta += first;
        EACH_VECTOR(i, width) STORE(LOAD(x + i) + LOAD(delta + i), x + i);
        EACH_REST(i, width) x[i] += delta[i];
    }
    // The mean in two parts: of values far from zero, one float would hold it less exactly than they differ.
    float mean = 0;
    float more = 0;
    if (centred) {
        floats sums = 0;
        float rest = 0;
        EACH_VECTOR(i, width) sums += LOAD(x + i);
        EACH_REST(i, width) rest += x[i];
        mean = SUM(total(sums) + rest, shared) / width;
        sums = 0;
        rest = 0;
        EACH_VECTOR(i, width) sums += LOAD(x + i) - mean;
        EACH_REST(i, width) rest += x[i] - mean;
        more = SUM(total(sums) + rest, shared) / width;
    }
    floats squares = 0;
    float rest = 0;
    EACH_VECTOR(i, width) {
        floats value = LOAD(x + i) - mean - more;
        squares += value * value;
    }
    EACH_REST(i, width) {
        float value = x[i] - mean - more;
        rest += value * value;
    }
    float scale = 1 / sqrt(SUM(total(squares) + rest, shared) / width + epsilon);
    if (bias) {
        EACH_VECTOR(i, width) STORE((LOAD(x + i) - mean - more) * scale * LOAD(weight + i) + LOAD(bias + i), out + i);
        EACH_REST(i, width) out[i] = (x[i] - mean - more) * scale * weight[i] + bias[i];
    } else {
        EACH_VECTOR(i, width) STORE((LOAD(x + i) - mean - more) * scale * LOAD(weight + i), out + i);
        EACH_REST(i, width) out[i] = (x[i] - mean - more) * scale * weight[i];
    }
    if (values) {
        values += first;
        blocks += first / 32;
#if LANES == 1
        for (int i = 0; i < width; i += 32) {
            quantize_block(vload16(0, out + i), vload16(0, out + i + 16), values, blocks, i);
        }
#else
        barrier(CLK_GLOBAL_MEM_FENCE);
        for (int i = lane; i < (width + LANES - 1) / LANES * LANES; i += LANES) {
            quantize_value(i < width ? out[i] : 0, values, blocks, i, width, shared, sums);
        }
#endif
    }
}

// Blocks of 32 values to int8 with a scale. A work-item does a row on a CPU, a value elsewhere.
//   live   (1)
//   x      (n, width), a multiple of 32
//   values (n, width)
//   blocks (n, width / 32)
kernel void quantize(
    global const int *live, global const float *x, global char *values, global int2 *blocks, int width) {
    size_t row = get_global_id(1);
    if (row >= (size_t)live[0]) {
        return;
    }
    x += row * width;
    values += row * width;
    blocks += row * width / 32;
#if LANES == 1
    for (int i = 0; i < width; i += 32) {
        quantize_block(vload16(0, x + i), vload16(0, x + i + 16), values, blocks, i);
    }
#else
    local float shared[LANES];
    local int sums[LANES];
    int i = get_global_id(0);
    quantize_value(i < width ? x[i] : 0, values, blocks, i, width, shared, sums);
#endif
}

// One work-group for each row. An index that is out of range leaves its row as it is.
//   live    (1)
//   source  (rows, width)
//   indices (n)
//   out     (n, width)
kernel void gather(
    global const int *live,
    global const float *source,
    global const int *indices,
    global float *out,
    int rows,
    int width) {
    size_t row = get_group_id(0);
    if (row >= (size_t)live[0]) {
        return;
    }
    int index = indices[row];
    if (index < 0 || index >= rows) {
        return;
    }
    int lane = get_local_id(0);
    source += (size_t)index * width;
    out += row * width;
    EACH_VECTOR(i, width) STORE(LOAD(source + i), out + i);
    EACH_REST(i, width) out[i] = source[i];
}

// One work-group for each row: the largest value first, then the first place where it stands. The row's sequence goes on with it where
// the next step is wanted.
//   live      (1)
//   x         (n, width)
//   ids       (n)
//   positions (n), each of which becomes the next one, or null
//   next      (n), which become the ids, or null
kernel void argmax(
    global const int *live, global const float *x, global int *ids, global int *positions, global int *next, int width) {
    local float shared[LANES];
    local int places[LANES];
    size_t row = get_group_id(0);
    if (row >= (size_t)live[0]) {
        return;
    }
    int lane = get_local_id(0);
    // Read before the barriers: PoCL 3.1 lets every work-item do what follows them.
    int position = positions ? positions[row] : 0;
    x += row * width;
    float most = -INFINITY;
    int place = INT_MAX;
#if VECTOR == 16
    float16 mosts = -INFINITY;
    int16 blocks = INT_MAX / VECTOR;
    EACH_VECTOR(i, width) {
        float16 value = LOAD(x + i);
        int16 larger = value > mosts;
        mosts = select(mosts, value, larger);
        blocks = select(blocks, (int16)(i / VECTOR), larger);
    }
    float values[VECTOR];
    int firsts[VECTOR];
    vstore16(mosts, 0, values);
    vstore16(blocks, 0, firsts);
    for (int i = 0; i < VECTOR; i++) {
        int at = firsts[i] * VECTOR + i;
        if (values[i] > most || values[i] == most && at < place) {
            most = values[i];
            place = at;
        }
    }
#else
    EACH_VECTOR(i, width) {
        if (x[i] > most) {
            most = x[i];
            place = i;
        }
    }
#endif
    EACH_REST(i, width) {
        if (x[i] > most) {
            most = x[i];
            place = i;
        }
    }
#if LANES > 1
    shared[lane] = most;
    places[lane] = place;
    for (int half_way = LANES / 2; half_way > 0; half_way /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_way) {
            float other = shared[lane + half_way];
            int at = places[lane + half_way];
            if (other > shared[lane] || other == shared[lane] && at < places[lane]) {
                shared[lane] = other;
                places[lane] = at;
            }
        }
    }
    most = shared[0];
    place = places[0];
#endif
    if (lane == 0) {
        // A row of negative infinities alone has its largest value in the first place.
        int first = most == -INFINITY ? 0 : place;
        ids[row] = first;
        if (next) {
            next[row] = first;
        }
        if (positions) {
            positions[row] = position + 1;
        }
    }
}

// The rows of the next step. Global size: about n over VECTOR.
//   live      (1)
//   positions (n)
//   chosen    (n) or null
//   ids       (n), written where there is what was chosen
kernel void advance(global const int *live, global int *positions, global const int *chosen, global int *ids) {
    for (int row = get_global_id(0); row < live[0]; row += get_global_size(0)) {
        positions[row]++;
        if (chosen) {
            ids[row] = chosen[row];
        }
    }
}

// Turns the heads of each row, VECTOR pairs of `heads_of_item` heads per work-item.
// Global size (ceil(pairs / VECTOR) * ceil(heads / heads_of_item), n).
kernel void rope(
        global const int *live,           // (1)
        global const int *positions,      // (n)
        global float *x,                  // (n, heads, head_size)
        int heads,
        int head_size,
        int interleaved,
        global const float *frequencies,  // (pairs)
        int pairs,
        float magnitude,
        int heads_of_item) {
    int groups = (pairs + VECTOR - 1) / VECTOR;
    int pair = get_global_id(0) % groups * VECTOR;
    int head = get_global_id(0) / groups * heads_of_item;
    int row = get_global_id(1);
    if (row >= live[0] || head >= heads) {
        return;
    }
    turn_heads(x + ((ulong)row * heads + head) * head_size, min(heads_of_item, heads - head), head_size, pair, pairs, interleaved,
            positions[row], frequencies, magnitude);
}

// The Hadamard transform of groups of `size` values, one per work-group of LANES. Global size (groups * LANES, n).
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void hadamard(
        global const int *live,  // (1)
        global float *x,         // (n, groups, size)
        int size,
        float factor,
        local float *values      // (size)
) {
    int lid = get_local_id(0);
    int row = get_group_id(1);
    global float *its = x + ((ulong)row * get_num_groups(0) + get_group_id(0)) * size;
    bool alive = row < live[0];
    for (int i = lid; i < size && alive; i += LANES) {
        values[i] = its[i];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int h = size / 2; h >= 1; h /= 2) {
        // Pair i of a power of two: its first value has no h in its place.
        if (h >= VECTOR) {
            for (int i = lid * VECTOR; i < size / 2 && alive; i += LANES * VECTOR) {
                local float *first = values + 2 * i - (i & (h - 1));
                floats a = LOAD(first);
                floats b = LOAD(first + h);
                STORE(a + b, first);
                STORE(a - b, first + h);
            }
        } else {
            for (int i = lid; i < size / 2 && alive; i += LANES) {
                local float *first = values + 2 * i - (i & (h - 1));
                float a = first[0];
                float b = first[h];
                first[0] = a + b;
                first[h] = a - b;
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = lid; i < size && alive; i += LANES) {
        its[i] = values[i] * factor;
    }
}

inline floats gated(floats x, floats y, int gelu) {
    // The tanh form of GELU is x * sigmoid(2u), u = sqrt(2 / pi) * (x + 0.044715 x^3).
    floats u = gelu ? fma(x * x * x, (floats)(0.044715f), x) * 1.5957691216f : x;
    return x / (1 + exp(-u)) * y;
}

// out = activation(gate) * up. Global size (ceil(width / (LANES * VECTOR)) * LANES, n); on a CPU (1, n).
kernel void gate(
        global const int *live,    // (1)
        int gelu,
        global const float *gate,  // (n, width)
        global const float *up,    // (n, width)
        global float *out,         // (n, width)
        int width) {
    int row = get_global_id(1);
    if (row >= live[0]) {
        return;
    }
    gate += (ulong)row * width;
    up += (ulong)row * width;
    out += (ulong)row * width;
    EACH_PIECE(i, width) {
        store_some(gated(load_some(gate + i, width - i), load_some(up + i, width - i), gelu), out + i, width - i);
    }
}

// The same, and what comes out quantized as well.
kernel void gate_quantize(
        global const int *live,    // (1)
        int gelu,
        global const float *gate,  // (n, width), a multiple of 32
        global const float *up,    // (n, width)
        global float *out,         // (n, width)
        global char *values,       // (n, width)
        global int2 *blocks,       // (n, width / 32)
        int width) {
    int row = get_global_id(1);
    if (row >= live[0]) {
        return;
    }
    gate += (ulong)row * width;
    up += (ulong)row * width;
    out += (ulong)row * width;
    values += (ulong)row * width;
    blocks += (ulong)row * width / 32;
#if LANES == 1
    for (int i = get_global_id(0) * 32; i < width; i += get_global_size(0) * 32) {
        floats low = gated(vload16(0, gate + i), vload16(0, up + i), gelu);
        floats high = gated(vload16(0, gate + i + 16), vload16(0, up + i + 16), gelu);
        vstore16(low, 0, out + i);
        vstore16(high, 0, out + i + 16);
        quantize_block(low, high, values, blocks, i);
    }
#else
    local float shared[LANES];
    local int sums[LANES];
    int i = get_global_id(0);
    float value = 0;
    if (i < width) {
        value = gated(gate[i], up[i], gelu);
        out[i] = value;
    }
    quantize_value(value, values, blocks, i, width, shared, sums);
#endif
}

// The weighted sum of parts of each row, and what all rows share, as much of it as a logit says. Global size as of gate.
kernel void combine(
        global const int *live,       // (1)
        global const float *x,        // (n, used, width)
        global const float *weights,  // (n, used)
        int used,
        global const float *shared,   // (n, width) or null
        global const float *gate,     // (n) or null
        global float *out,            // (n, width)
        int width) {
    int row = get_global_id(1);
    if (row >= live[0]) {
        return;
    }
    x += (ulong)row * used * width;
    out += (ulong)row * width;
    float share = gate ? 1 / (1 + exp(-gate[row])) : 1;
    EACH_PIECE(i, width) {
        floats sum = 0;
        if (shared) {
            sum = share * load_some(shared + (ulong)row * width + i, width - i);
        }
        for (int part = 0; part < used; part++) {
            sum = fma((floats)(weights[row * used + part]), load_some(x + (ulong)part * width + i, width - i), sum);
        }
        store_some(sum, out + i, width - i);
    }
}

#include "route.cl"
