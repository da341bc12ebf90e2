// VECTOR floats, or what else lies side by side, as one work-item reads them at once: 16 on a CPU, few elsewhere.

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#if VECTOR == 1
typedef float floats;
typedef int ints;
typedef uint uints;
#define IOTA 0
#define LOAD(p) (*(p))
#define STORE(x, p) (*(p) = (x))
#ifdef FP16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define LOAD_HALF(p) ((float)*(p))
#else
#define LOAD_HALF(p) vload_half(0, p)
#endif
#define TO_FLOATS(x) ((float)(x))
#define TO_INTS(x) ((int)(x))
#define TO_UINTS(x) ((uint)(x))
#define AS_FLOATS(x) as_float(x)
#define AS_INTS(x) as_int(x)
inline float total(float x) {
    return x;
}
inline float largest(float x) {
    return x;
}
#else
typedef PASTE(float, VECTOR) floats;
typedef PASTE(int, VECTOR) ints;
typedef PASTE(uint, VECTOR) uints;
#define LOAD(p) PASTE(vload, VECTOR)(0, p)
#define STORE(x, p) PASTE(vstore, VECTOR)(x, 0, p)
#define LOAD_HALF(p) PASTE(vload_half, VECTOR)(0, p)
#define TO_FLOATS(x) PASTE(convert_float, VECTOR)(x)
#define TO_INTS(x) PASTE(convert_int, VECTOR)(x)
#define TO_UINTS(x) PASTE(convert_uint, VECTOR)(x)
#define AS_FLOATS(x) PASTE(as_float, VECTOR)(x)
#define AS_INTS(x) PASTE(as_int, VECTOR)(x)
#if VECTOR == 2
#define IOTA (int2)(0, 1)
inline float total(float2 x) {
    return x.x + x.y;
}
inline float largest(float2 x) {
    return fmax(x.x, x.y);
}
#elif VECTOR == 4
#define IOTA (int4)(0, 1, 2, 3)
inline float total(float4 x) {
    return (x.x + x.z) + (x.y + x.w);
}
inline float largest(float4 x) {
    return fmax(fmax(x.x, x.z), fmax(x.y, x.w));
}
#else
#define IOTA (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
inline float total(float16 x) {
    float8 a = x.lo + x.hi;
    float4 b = a.lo + a.hi;
    return (b.x + b.z) + (b.y + b.w);
}
inline float largest(float16 x) {
    float8 a = fmax(x.lo, x.hi);
    float4 b = fmax(a.lo, a.hi);
    return fmax(fmax(b.x, b.z), fmax(b.y, b.w));
}
#endif
#endif

// The first `count` of VECTOR floats; the others are zero.
inline floats load_some(global const float *p, int count) {
    if (count >= VECTOR) {
        return LOAD(p);
    }
    float some[VECTOR];
    for (int i = 0; i < VECTOR; i++) {
        some[i] = i < count ? p[i] : 0;
    }
    return LOAD(some);
}

inline void store_some(floats x, global float *p, int count) {
    if (count >= VECTOR) {
        STORE(x, p);
        return;
    }
    float some[VECTOR];
    STORE(x, some);
    for (int i = 0; i < count; i++) {
        p[i] = some[i];
    }
}

// The sum over the work-items of a group, for all of them.
#if LANES == 1
#define SUM(value, shared) (value)
#else
#define SUM(value, shared) group_sum(value, shared)
#ifdef SUB_GROUPS
inline float group_sum(float value, local float *shared) {
    float part = sub_group_reduce_add(value);
    barrier(CLK_LOCAL_MEM_FENCE);
    if (get_sub_group_local_id() == 0) {
        shared[get_sub_group_id()] = part;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float sum = 0;
    for (uint i = 0; i < get_num_sub_groups(); i++) {
        sum += shared[i];
    }
    return sum;
}
#else
inline float group_sum(float value, local float *shared) {
    int lane = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[lane] = value;
    for (int half_way = LANES / 2; half_way > 0; half_way /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_way) {
            shared[lane] += shared[lane + half_way];
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return shared[0];
}
#endif
#endif
