// What devices with these features have, in plain code, in front of kernels that are built to use them.

inline int dot_4x8packed_us_int(uint a, uint b) {
    int sum = 0;
    for (int i = 0; i < 32; i += 8) {
        sum += (int)(a >> i & 255) * ((int)(b << (24 - i)) >> 24);
    }
    return sum;
}

// Sub-groups of 16 neighbours, which add up through the local memory that their callers name `shared`.
#define get_sub_group_id() (get_local_id(0) / 16)
#define get_num_sub_groups() (get_local_size(0) / 16)
#define get_sub_group_local_id() (get_local_id(0) % 16)
#define sub_group_reduce_add(value) sum_of_neighbours(value, shared)
inline float sum_of_neighbours(float value, local float *shared) {
    int lane = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[lane] = value;
    barrier(CLK_LOCAL_MEM_FENCE);
    float sum = 0;
    for (int i = lane / 16 * 16; i < lane / 16 * 16 + 16; i++) {
        sum += shared[i];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return sum;
}
