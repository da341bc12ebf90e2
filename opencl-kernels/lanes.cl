/*
 * What one work-item computes with: LANES values side by side, one for each row of weights. GPUs run many work-items side by side,
 * one lane each; CPUs one work-item after another, with vectors of 16 lanes.
 *
 * Dot products are of unsigned bytes (weights) with signed bytes (activations), four of each to an int. PAIRS says how sums of them
 * are held until total() makes ints of them:
 *   0: as ints
 *   1: as two 16-bit sums in an int, of as many products as fit (SUM_WORDS), which CPUs add twice as many at a time of.
 *
 * Build options: LANES 1 or 16; INTEGER_DOT where the device's dot products of bytes passed the self-test.
 */
#if LANES == 16
#define PAIRS 1
typedef int16 INT;
typedef float16 FLOAT;
#define TO_FLOAT(x) convert_float16(x)
#define LOAD_INTS(p) vload16(0, (const global int *)(p))
#define LOAD_FLOATS(p) vload16(0, (const global float *)(p))
#define LOAD_SHORTS(p) convert_int16(vload16(0, (const global ushort *)(p)))
#define LOAD_BYTES(p) convert_int16(vload16(0, (const global uchar *)(p)))
#define AS_FLOAT(x) as_float16(x)
#define LONG ulong16
#define TO_LONG(x) convert_ulong16(x)
#define TO_INT(x) convert_int16(x)
#else
#define PAIRS 0
typedef int INT;
typedef float FLOAT;
#define TO_FLOAT(x) convert_float(x)
#define LOAD_INTS(p) (*(const global int *)(p))
#define LOAD_FLOATS(p) (*(const global float *)(p))
#define LOAD_SHORTS(p) ((int)*(const global ushort *)(p))
#define LOAD_BYTES(p) ((int)*(const global uchar *)(p))
#define AS_FLOAT(x) as_float(x)
#define LONG ulong
#define TO_LONG(x) convert_ulong(x)
#define TO_INT(x) convert_int(x)
#endif

/* The byte i of each lane, without and with its sign. */
#define BYTE(x, i) ((x) >> (8 * (i)) & 255)
#define SIGNED_BYTE(x, i) ((x) << (24 - 8 * (i)) >> 24)

/* Two numbers of 16 bits in an int, and the sum of what they are. */
#define PAIR(low, high) ((low) & 0xffff | (high) << 16)
#define LOW_SHORT(x) ((x) << 16 >> 16)
#define HIGH_SHORT(x) ((x) >> 16)

#if LANES == 16 && defined(__AVX512BW__) && defined(__has_builtin)
#if __has_builtin(__builtin_ia32_pmaddubsw512) && __has_builtin(__builtin_ia32_pmaddwd512)
#define AVX512 1
#endif
#endif

/* The sums of the products of the two 16-bit numbers of each lane. */
INT dot2(INT a, INT b) {
#ifdef AVX512
    typedef short shorts __attribute__((__vector_size__(64)));
    return __builtin_astype(__builtin_ia32_pmaddwd512(__builtin_astype(a, shorts), __builtin_astype(b, shorts)), int16);
#else
    return LOW_SHORT(a) * LOW_SHORT(b) + HIGH_SHORT(a) * HIGH_SHORT(b);
#endif
}

#if PAIRS
/* Operations on all 32 numbers of 16 bits. */
#ifdef AVX512
INT add2(INT a, INT b) {
    typedef short shorts __attribute__((__vector_size__(64)));
    return __builtin_astype(__builtin_astype(a, shorts) + __builtin_astype(b, shorts), int16);
}

INT dot4(INT w, INT x) {
    typedef char bytes __attribute__((__vector_size__(64)));
    return __builtin_astype(__builtin_ia32_pmaddubsw512(__builtin_astype(w, bytes), __builtin_astype(x, bytes)), int16);
}
#else
/* OpenCL's vectors end at 16 numbers. */
#define SHORTS(a, operator, b)                                                                          \
    (int16)(as_int8(as_short16((a).lo) operator as_short16((b).lo)), as_int8(as_short16((a).hi) operator as_short16((b).hi)))

INT add2(INT a, INT b) {
    return SHORTS(a, +, b);
}

INT dot4(INT w, INT x) {
    const INT eight = 0x00080008;
    INT even = SHORTS(w & 0x00ff00ff, *, SHORTS(x << 8, >>, eight));
    INT odd = SHORTS(w >> 8 & 0x00ff00ff, *, SHORTS(x, >>, eight));
    return SHORTS(even, +, odd);
}
#endif

/* A factor as total() takes it. */
#define FACTOR(x) PAIR(x, x)

INT total(INT sums, INT factor) {
    return dot2(sums, factor);
}
#else
INT add2(INT a, INT b) {
    return a + b;
}

INT dot4(INT w, INT x) {
#ifdef INTEGER_DOT
    return dot_4x8packed_us_int(as_uint(w), as_uint(x));
#else
    return BYTE(w, 0) * SIGNED_BYTE(x, 0) + BYTE(w, 1) * SIGNED_BYTE(x, 1) + BYTE(w, 2) * SIGNED_BYTE(x, 2)
            + BYTE(w, 3) * SIGNED_BYTE(x, 3);
#endif
}

#define FACTOR(x) (x)

INT total(INT sums, INT factor) {
    return sums * factor;
}
#endif

/* Half precision numbers of neighbouring rows. */
FLOAT load_halves(const global uchar *p) {
#ifdef AVX512
    typedef short halves __attribute__((__vector_size__(32)));
    typedef float floats __attribute__((__vector_size__(64)));
    halves bits = __builtin_astype(vload16(0, (const global short *)p), halves);
    return __builtin_astype(
            __builtin_ia32_vcvtph2ps512_mask(bits, __builtin_astype((float16)0, floats), (ushort)-1, 4), float16);
#elif LANES == 16
    return vload_half16(0, (const global half *)p);
#else
    return vload_half(0, (const global half *)p);
#endif
}
