// Operations on each row by itself, in blocks of whole warps, at most 1024 threads. n is the number of live rows; blocks beyond it
// return at once.

#include "gate.cuh"
#include "norm.cuh"
#include "top_k.cuh"
#include "turn.cuh"

// Four neighbouring values of a row for each thread at a time; several blocks share the row.
#define EACH_PIECE(i, width) \
    for (int base = 4 * blockIdx.x * blockDim.x, i = base + 4 * threadIdx.x; base < (width); \
            base += 4 * gridDim.x * blockDim.x, i += 4 * gridDim.x * blockDim.x)

// One block for each group of values. With a delta, x += delta first; with values, what comes out is quantized as well.
//   live   (1)
//   delta  (n, width) or null
//   x      (n, groups * width), written where there is a delta
//   weight (width)
//   bias   (width) or null
//   out    (n, groups * width), may be x
//   values (n, width) or null
//   blocks (n, width / 32) or null
extern "C" __global__ void norm_groups(const int *live, const float *delta, float *x, const float *weight, const float *bias, float *out,
        signed char *values, int2 *blocks, int width, int groups, int centred, float epsilon) {
    __shared__ float shared[MOST_WARPS];
    size_t group = blockIdx.x;
    if (group >= static_cast<size_t>(*live) * groups) {
        return;
    }
    size_t first = group * width;
    x += first;
    out += first;
    if (delta) {
        EACH_FOUR(i, width) {
            store4(load4(x, i, width) + load4(delta + first, i, width), x, i, width);
        }
    }
    norm_row(x, weight, bias, out, values ? values + first : values, blocks + first / 32, width, centred, epsilon, shared);
}

// Blocks of 32 values to int8 with a scale. Blocks of threads (pieces of a row, n).
//   live   (1)
//   x      (n, width), a multiple of 32
//   values (n, width)
//   blocks (n, width / 32)
extern "C" __global__ void quantize(const int *live, const float *x, signed char *values, int2 *blocks, int width) {
    size_t row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    EACH_PIECE(i, width) {
        quantize4(load4(x + row * width, i, width), i < width, values + row * width, blocks + row * width / 32, i);
    }
}

// One block for each row. An index that is out of range leaves its row as it is.
//   live    (1)
//   source  (rows, width)
//   indices (n)
//   out     (n, width)
extern "C" __global__ void gather(
        const int *live, const float *source, const int *indices, float *out, int rows, int width) {
    size_t row = blockIdx.x;
    if (row >= *live) {
        return;
    }
    int index = indices[row];
    if (index < 0 || index >= rows) {
        return;
    }
    EACH_FOUR(i, width) {
        store4(load4(source + static_cast<size_t>(index) * width, i, width), out + row * width, i, width);
    }
}

// One block for each row: the largest value first, then the first place where it stands. The row's sequence goes on with it where the
// next step is wanted.
//   live      (1)
//   x         (n, width)
//   ids       (n)
//   positions (n), each of which becomes the next one, or null
//   next      (n), which become the ids, or null
extern "C" __global__ void argmax(const int *live, const float *x, int *ids, int *positions, int *next, int width) {
    __shared__ Placed shared[MOST_WARPS];
    size_t row = blockIdx.x;
    if (row >= *live) {
        return;
    }
    // A row of negative infinities alone has its largest value in the first place.
    Placed first = {-INFINITY, 0};
    EACH_FOUR(i, width) {
        float4 value = load4(x + row * width, i, width);
        for (int j = 0; j < 4; j++) {
            if (i + j < width && (&value.x)[j] > first.value) {
                first = {(&value.x)[j], i + j};
            }
        }
    }
    first = warp_first(first);
    if (threadIdx.x % WARP == 0) {
        shared[threadIdx.x / WARP] = first;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int i = 1; i < blockDim.x / WARP; i++) {
            first = shared[i].before(first) ? shared[i] : first;
        }
        ids[row] = first.place;
        if (next) {
            next[row] = first.place;
        }
        if (positions) {
            positions[row]++;
        }
    }
}

// The rows of the next step: a thread has four of them at a time.
//   live      (1)
//   positions (n)
//   chosen    (n) or null
//   ids       (n), written where there is what was chosen
extern "C" __global__ void advance(const int *live, int *positions, const int *chosen, int *ids) {
    EACH_PIECE(i, *live) {
        for (int row = i; row < min(i + 4, *live); row++) {
            positions[row]++;
            if (chosen) {
                ids[row] = chosen[row];
            }
        }
    }
}

// One block for each row: the largest values in falling order, the lower place first among equals.
//   live   (1)
//   x      (n, width)
//   ids    (n, k), k at most MOST_CHOSEN
//   values (n, k)
extern "C" __global__ void top_k(const int *live, const float *x, int *ids, float *values, int width, int k) {
    __shared__ Choice choice;
    size_t row = blockIdx.x;
    if (row >= *live) {
        return;
    }
    choose(x + row * width, width, k, choice);
    write_chosen(choice, k, ids + row * k, values + row * k);
}

// Turns the heads of each row, a pair of `heads_of_item` heads per thread. Blocks of threads (pieces of a row, n).
//   live        (1)
//   positions   (n)
//   x           (n, heads, head_size)
//   frequencies (pairs)
extern "C" __global__ void rope(const int *live, const int *positions, float *x, int heads, int head_size, int interleaved,
        const float *frequencies, int pairs, float magnitude, int heads_of_item) {
    size_t row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    x += row * heads * head_size;
    int items = (heads + heads_of_item - 1) / heads_of_item * pairs;
    for (int item = blockIdx.x * blockDim.x + threadIdx.x; item < items; item += gridDim.x * blockDim.x) {
        int head = item / pairs * heads_of_item;
        turn_heads(x + head * head_size, min(heads_of_item, heads - head), head_size, item % pairs, pairs, interleaved,
                positions[row], frequencies, magnitude);
    }
}

// The Hadamard transform of groups of values, one for each block of threads (groups, n).
//   live   (1)
//   x      (n, groups, size)
//   shared memory: floats (size)
extern "C" __global__ void hadamard(const int *live, float *x, int size, float factor) {
    extern __shared__ float values[];
    size_t row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    x += (row * gridDim.x + blockIdx.x) * size;
    for (int i = threadIdx.x; i < size; i += blockDim.x) {
        values[i] = x[i];
    }
    __syncthreads();
    for (int h = size / 2; h >= 1; h /= 2) {
        for (int i = threadIdx.x; i < size / 2; i += blockDim.x) {
            // Pair i of a power of two: its first value has no h in its place.
            float *first = values + 2 * i - (i & (h - 1));
            float a = first[0];
            float b = first[h];
            first[0] = a + b;
            first[h] = a - b;
        }
        __syncthreads();
    }
    for (int i = threadIdx.x; i < size; i += blockDim.x) {
        x[i] = values[i] * factor;
    }
}

// out = activation(gate) * up. Blocks of threads (pieces of a row, n).
//   live (1)
//   gate (n, width)
//   up   (n, width)
//   out  (n, width), may be one of them
extern "C" __global__ void gate(const int *live, int gelu, const float *gate, const float *up, float *out, int width) {
    size_t row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    EACH_PIECE(i, width) {
        store4(gated(load4(gate + row * width, i, width), load4(up + row * width, i, width), gelu), out + row * width, i, width);
    }
}

// The same, and what comes out quantized as well.
//   values (n, width), a multiple of 32
//   blocks (n, width / 32)
extern "C" __global__ void gate_quantize(const int *live, int gelu, const float *gate, const float *up, float *out,
        signed char *values, int2 *blocks, int width) {
    size_t row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    EACH_PIECE(i, width) {
        float4 y = gated(load4(gate + row * width, i, width), load4(up + row * width, i, width), gelu);
        store4(y, out + row * width, i, width);
        quantize4(y, i < width, values + row * width, blocks + row * width / 32, i);
    }
}

// The weighted sum of parts of each row, and what all rows share, as much of it as a logit says. Blocks of threads (pieces of a row, n).
//   live    (1)
//   x       (n, used, width)
//   weights (n, used)
//   shared  (n, width) or null
//   gate    (n) or null
//   out     (n, width)
extern "C" __global__ void combine(const int *live, const float *x, const float *weights, int used, const float *shared,
        const float *gate, float *out, int width) {
    size_t row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    float share = gate ? 1 / (1 + expf(-gate[row])) : 1;
    EACH_PIECE(i, width) {
        float4 sum = make_float4(0, 0, 0, 0);
        if (shared) {
            sum = load4(shared + row * width, i, width) * share;
        }
        for (int part = 0; part < used; part++) {
            sum = sum + load4(x + (row * used + part) * width, i, width) * weights[row * used + part];
        }
        store4(sum, out + row * width, i, width);
    }
}

#include "route.cuh"
