/*
 * Dot products of unsigned bytes (weights, keys) with signed bytes (activations, queries), four of each to an int, of ints side by side:
 * INT is their type, and WIDE 1 where they are 16. Where they are, sums of products are held until ints_of() makes ints of them as two
 * 16-bit sums in an int, of as many products as fit, which CPUs add twice as many at a time of; elsewhere as ints.
 *
 * Build options: INTEGER_DOT where the device's dot products of bytes passed the self-test.
 */
/* The byte i of each lane, without and with its sign. */
#define BYTE(x, i) ((x) >> (8 * (i)) & 255)
#define SIGNED_BYTE(x, i) ((x) << (24 - 8 * (i)) >> 24)

/* Two numbers of 16 bits in an int, and the sum of what they are. */
#define PAIR(low, high) ((low) & 0xffff | (high) << 16)
#define LOW_SHORT(x) ((x) << 16 >> 16)
#define HIGH_SHORT(x) ((x) >> 16)

#if WIDE && defined(__AVX512BW__) && defined(__has_builtin)
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

#if WIDE
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

/* A factor as ints_of() takes it. */
#define FACTOR(x) PAIR(x, x)

INT ints_of(INT sums, INT factor) {
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

INT ints_of(INT sums, INT factor) {
    return sums * factor;
}
#endif
