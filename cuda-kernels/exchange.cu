// What devices that have parts of the same layers add up, without the host. Each gives its part in memory that the others reach, says so
// with a number that it writes to each of them, waits for the numbers of the others, and then adds all parts itself, in the order of the
// devices: so all get the same sums. A number says in which turn of which step a device is. Before a device writes to a buffer again, it
// has got, in a later turn, the others' numbers, which they write when they have read it.

#include "norm.cuh"

constexpr int MOST_DEVICES = 16;
constexpr int BUFFERS = 3;

// Steps are so many numbers apart.
constexpr unsigned MOST_TURNS = 1 << 14;

// Reads of another device that a thread has on the way at once, each of four values.
constexpr int READS = 4;

// Looks at a number before a thread sleeps between looks, and looks after which it asks whether to go on.
constexpr int QUICK_LOOKS = 4096;
constexpr int LOOKS = 256;
constexpr unsigned SLEEP_NANOSECONDS = 200;

// More time than this between two looks at the clock is not this device's: all was stopped meanwhile.
constexpr long long MOST_AT_ONCE = 100'000'000;

struct Peer {
    const float *buffers[BUFFERS];  // (limit, width) each: its parts
    unsigned *signal;               // where this device writes its number for that one
    const unsigned *arrived;        // where that one writes its number for this device
};

struct Exchange {
    int devices;
    int self;
    unsigned step;             // number before those of the step that runs
    int failed;                // a device did not come: nobody waits any more
    unsigned *report;          // host memory: 1 + the device that did not come
    const unsigned *given_up;  // host memory: not 0 if the host wants no more of all this
    long long limit;           // nanoseconds to wait for a device
    Peer peers[MOST_DEVICES];
};

__device__ inline void release(unsigned *to, unsigned number) {
    asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(to), "r"(number) : "memory");
}

__device__ inline unsigned acquire(const unsigned *from) {
    unsigned number;
    asm volatile("ld.acquire.sys.global.u32 %0, [%1];" : "=r"(number) : "l"(from) : "memory");
    return number;
}

__device__ inline long long nanoseconds() {
    long long time;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(time));
    return time;
}

// Whether a device has come as far as a number. Numbers go round.
__device__ inline bool came(const Peer &peer, unsigned number) {
    return static_cast<int>(acquire(peer.arrived) - number) >= 0;
}

// Waits for a device; false if it does not come.
__device__ bool await(Exchange *exchange, int device, unsigned number) {
    const Peer &peer = exchange->peers[device];
#pragma unroll 1
    for (int look = 0; look < QUICK_LOOKS; look++) {
        if (came(peer, number)) {
            return true;
        }
    }
    volatile int *failed = &exchange->failed;
    long long waited = 0;
    long long last = nanoseconds();
    while (!*failed && !acquire(exchange->given_up)) {
#pragma unroll 1
        for (int look = 0; look < LOOKS; look++) {
            if (came(peer, number)) {
                return true;
            }
            __nanosleep(SLEEP_NANOSECONDS);
        }
        long long now = nanoseconds();
        waited += min(now - last, MOST_AT_ONCE);
        last = now;
        if (waited > exchange->limit) {
            release(exchange->report, 1 + device);
            break;
        }
    }
    *failed = 1;
    return false;
}

// The first of a step: its numbers follow those of the step before. One thread.
extern "C" __global__ void begin_step(Exchange *exchange) {
    exchange->step += MOST_TURNS;
}

// Copies this device's part to where the others reach it. Blocks of threads (pieces of a row, n).
//   live (1)
//   x    (n, width)
//   out  (n, width)
extern "C" __global__ void publish(const int *live, const float *x, float *out, int width) {
    size_t row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    int i = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    store4(load4(x + row * width, i, width), out + row * width, i, width);
}

// Adds the parts of all devices to a row, or takes it over from the first one where `takes`. Reads are on the way together.
__device__ void add_parts(const Exchange *exchange, int buffer, int takes, size_t row, float *x, int width) {
    for (int base = 4 * threadIdx.x; base < width; base += 4 * READS * blockDim.x) {
        float4 sum[READS];
#pragma unroll
        for (int read = 0; read < READS; read++) {
            sum[read] = load4(x, base + 4 * read * blockDim.x, takes ? 0 : width);
        }
        for (int device = 0; device < (takes ? 1 : exchange->devices); device++) {
            const float *part = exchange->peers[device].buffers[buffer] + row * width;
            float4 values[READS];
#pragma unroll
            for (int read = 0; read < READS; read++) {
                values[read] = load4(part, base + 4 * read * blockDim.x, width);
            }
#pragma unroll
            for (int read = 0; read < READS; read++) {
                sum[read] = takes ? values[read] : sum[read] + values[read];
            }
        }
#pragma unroll
        for (int read = 0; read < READS; read++) {
            store4(sum[read], x, base + 4 * read * blockDim.x, width);
        }
    }
}

// One block for each row, of at most 1024 threads: x += the parts of all devices, or x = what the first one has; then its norm.
//   live   (1)
//   buffer of the parts
//   turn   in this step, below MOST_TURNS
//   takes  not 0: x is taken over from the first device, whose buffer it may be
//   x      (n, width)
//   weight (width)
//   bias   (width) or null
//   out    (n, width)
//   values (n, width) or null
//   blocks (n, width / 32) or null
extern "C" __global__ void __launch_bounds__(1024) sum_norm(const int *live, Exchange *exchange, int buffer, int turn, int takes, float *x,
        const float *weight, const float *bias, float *out, signed char *values, int2 *blocks, int width, int centred, float epsilon) {
    __shared__ float shared[MOST_WARPS];
    size_t row = blockIdx.x;
    if (row >= *live) {
        return;
    }
    // Every block writes the number, so that a device need not have room for all its blocks at once.
    bool all = true;
    int other = threadIdx.x;
    if (other < exchange->devices && other != exchange->self) {
        unsigned number = exchange->step + turn;
        release(exchange->peers[other].signal, number);
        all = await(exchange, other, number);
    }
    if (!__syncthreads_and(all)) {
        return;
    }
    size_t first = row * width;
    if (!takes || exchange->self != 0) {
        add_parts(exchange, buffer, takes, row, x + first, width);
    }
    norm_row(x + first, weight, bias, out + first, values ? values + first : values, blocks + first / 32, width, centred, epsilon, shared);
}
