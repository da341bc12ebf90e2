/*
 * What one work-item computes with: LANES values side by side, one for each row of weights. GPUs run many work-items side by side,
 * one lane each; CPUs one work-item after another, with vectors of 16 lanes.
 *
 * Build options: LANES 1 or 16; those of dots.cl.
 */
#if LANES == 16
#define WIDE 1
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
#define WIDE 0
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

#include "dots.cl"

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
