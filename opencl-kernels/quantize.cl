// Quantization of activations to int8 in blocks of 32, by one work-item each or by 32 neighbours.

// The sum of 16 integers.
inline int sum16(int16 v) {
    int8 a = v.lo + v.hi;
    int4 b = a.lo + a.hi;
    return (b.x + b.z) + (b.y + b.w);
}

// What products read beside the values of a block: its scale, and the sums of its first and of its last 16 values, 16 bits each.
inline int2 block_of(float scale, int first, int last) {
    return (int2)(as_int(scale), (first & 0xffff) | last << 16);
}

// Quantizes the block of 32 values from i on.
inline void quantize_block(float16 low, float16 high, global char *values, global int2 *blocks, int i) {
// Each step is rounded by itself: the integers are the same on all devices.
#pragma OPENCL FP_CONTRACT OFF
    float16 most = fmax(fabs(low), fabs(high));
    float8 most8 = fmax(most.lo, most.hi);
    float4 most4 = fmax(most8.lo, most8.hi);
    float amax = fmax(fmax(most4.x, most4.y), fmax(most4.z, most4.w));
    float inverse = amax == 0 ? 0 : 127 / amax;
    float16 scaled_low = low * inverse;
    float16 scaled_high = high * inverse;
    int16 low_values = convert_int16(scaled_low + 128.5f) - 128;
    int16 high_values = convert_int16(scaled_high + 128.5f) - 128;
    vstore16(convert_char16(low_values), 0, values + i);
    vstore16(convert_char16(high_values), 0, values + i + 16);
    blocks[i / 32] = block_of(amax / 127, sum16(low_values), sum16(high_values));
}

#if LANES > 1
// Quantizes value i of a row by each work-item of a group, neighbours by neighbours; those from the width on take part only.
inline void quantize_value(
        float value, global char *values, global int2 *blocks, int i, int width, local float *shared, local int *sums) {
#pragma OPENCL FP_CONTRACT OFF
    int lane = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[lane] = fabs(value);
    for (int half_way = 16; half_way > 0; half_way /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane % 32 < half_way) {
            shared[lane] = fmax(shared[lane], shared[lane + half_way]);
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float amax = shared[lane / 32 * 32];
    float inverse = amax == 0 ? 0 : 127 / amax;
    float scaled = value * inverse;
    sums[lane] = (int)(scaled + 128.5f) - 128;
    if (i < width) {
        values[i] = (char)sums[lane];
    }
    for (int half_way = 8; half_way > 0; half_way /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane % 16 < half_way) {
            sums[lane] += sums[lane + half_way];
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (i < width && lane % 32 == 0) {
        blocks[i / 32] = block_of(amax / 127, sums[lane], sums[lane + 16]);
    }
}
#endif
