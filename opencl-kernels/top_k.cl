// The largest values of a row. What is compared are keys: the upper half rises with the value, the lower one falls with the place, so that
// no two keys are equal and the larger one comes first.

#define TOP_K_MOST 256

inline ulong key_of(float x, int place) {
    uint bits = x == 0 ? 0 : as_uint(x);
    uint order = isnan(x) ? UINT_MAX : bits >> 31 ? ~bits : bits | 0x80000000u;
    return (ulong)order << 32 | (uint)~place;
}

inline int place_of(ulong key) {
    return (int)~(uint)key;
}

inline float value_of(ulong key) {
    uint order = (uint)(key >> 32);
    return as_float(order >> 31 ? order & 0x7fffffff : ~order);
}

#if LANES == 1
// Puts a key into the place of a heap that its children leave to it: no parent is larger than its children.
inline void sift_down(ulong *heap, int count, ulong key, int place) {
    for (int child = 2 * place + 1; child < count; child = 2 * place + 1) {
        if (child + 1 < count && heap[child + 1] < heap[child]) {
            child++;
        }
        if (heap[child] >= key) {
            break;
        }
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = key;
}

// One work-item: a walk that compares vectors with the least value that still counts, which is in front of a heap.
kernel void top_k(
        global const int *live,  // (1)
        global const float *x,   // (n, width)
        global int *ids,         // (n, k)
        global float *values,    // (n, k)
        int width,
        int k) {
    ulong heap[TOP_K_MOST];
    int row = get_group_id(0);
    if (row >= live[0]) {
        return;
    }
    x += (ulong)row * width;
    for (int i = 0; i < k; i++) {
        heap[i] = key_of(x[i], i);
    }
    for (int i = k / 2 - 1; i >= 0; i--) {
        sift_down(heap, k, heap[i], i);
    }
    for (int i = k; i < width; i += VECTOR) {
        // NaN is not at most anything.
        int end = min(i + VECTOR, width);
        if (i + VECTOR <= width && all(LOAD(x + i) <= value_of(heap[0]))) {
            continue;
        }
        for (int j = i; j < end; j++) {
            ulong key = key_of(x[j], j);
            if (key > heap[0]) {
                sift_down(heap, k, key, 0);
            }
        }
    }
    for (int i = k - 1; i >= 0; i--) {
        ids[row * k + i] = place_of(heap[0]);
        values[row * k + i] = value_of(heap[0]);
        sift_down(heap, i, heap[i], 0);
    }
}
#else
// A key that at least LANES keys of the row reach, if it has as many: the least of the largest of each work-item.
inline ulong reached_by_lanes(global const float *x, int width, local ulong *shared) {
    int lane = get_local_id(0);
    ulong most = 0;
    for (int i = lane; i < width; i += LANES) {
        most = max(most, key_of(x[i], i));
    }
    shared[lane] = most;
    for (int half_way = LANES / 2; half_way > 0; half_way /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_way) {
            shared[lane] = min(shared[lane], shared[lane + half_way]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return shared[0];
}

// What the search for the least key that counts has found.
typedef struct {
    ulong prefix;  // the first bytes of that key
    int shift;     // bits of a key after them
    int wanted;    // of the keys that begin so, how many count
    int done;      // whether all do
} Search;

// The first bytes of the k-th largest key, as many as tell it and the larger ones from all others, then zeros: from the first byte on, each
// is that where the keys with larger ones are not enough. Keys below `bound`, which as many keys reach, do not count.
inline ulong least_of(int k, ulong bound, global const float *x, int width, local int *counts, local Search *search) {
    int lane = get_local_id(0);
    if (lane == 0) {
        search->prefix = 0;
        search->shift = 64;
        search->wanted = k;
        search->done = 0;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    while (!search->done) {
        int shift = search->shift - 8;
        for (int i = lane; i < 256; i += LANES) {
            counts[i] = 0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = lane; i < width; i += LANES) {
            ulong key = key_of(x[i], i);
            if (key >= bound && (shift == 56 || key >> (shift + 8) == search->prefix)) {
                atomic_inc(&counts[key >> shift & 255]);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane == 0) {
            int byte = 255;
            int wanted = search->wanted;
            for (; counts[byte] < wanted; byte--) {
                wanted -= counts[byte];
            }
            search->prefix = search->prefix << 8 | byte;
            search->shift = shift;
            search->wanted = wanted;
            search->done = counts[byte] == wanted;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    return max(bound, search->prefix << search->shift);
}

// Sorts keys, the largest first: a bitonic network (Batcher, 1968).
inline void sort_falling(local ulong *keys) {
    for (int size = 2; size <= TOP_K_MOST; size *= 2) {
        for (int apart = size / 2; apart > 0; apart /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE);
            for (int i = get_local_id(0); i < TOP_K_MOST / 2; i += LANES) {
                int low = 2 * i - (i & (apart - 1));
                ulong a = keys[low];
                ulong b = keys[low + apart];
                if ((a < b) == ((low & size) == 0)) {
                    keys[low] = b;
                    keys[low + apart] = a;
                }
            }
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
}

// One work-group of LANES for each row: first the least key that counts, then all from there on, in no order, then the order.
kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) void top_k(
        global const int *live,  // (1)
        global const float *x,   // (n, width)
        global int *ids,         // (n, k)
        global float *values,    // (n, k)
        int width,
        int k) {
    local ulong shared[LANES];
    local int counts[256];
    local ulong keys[TOP_K_MOST];
    local Search search;
    local int found;
    int lane = get_local_id(0);
    size_t row = get_group_id(0);
    if (row >= (size_t)live[0]) {
        return;
    }
    x += row * width;
    ulong bound = k > LANES ? 0 : reached_by_lanes(x, width, shared);
    ulong least = least_of(k, bound, x, width, counts, &search);
    for (int i = lane; i < TOP_K_MOST; i += LANES) {
        keys[i] = 0;
    }
    if (lane == 0) {
        found = 0;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = lane; i < width; i += LANES) {
        ulong key = key_of(x[i], i);
        if (key >= least) {
            keys[atomic_inc(&found)] = key;
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    sort_falling(keys);
    // Not a loop up to k: where fewer than LANES are left, PoCL 3.1 counts its rounds wrong.
    for (int i = lane; i < TOP_K_MOST; i += LANES) {
        if (i < k) {
            ids[row * k + i] = place_of(keys[i]);
            values[row * k + i] = value_of(keys[i]);
        }
    }
}
#endif
