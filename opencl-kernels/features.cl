// Tests of what a device says that it has beyond OpenCL 1.2, one for each build option: a driver may be wrong about it.

// out (4): the sums of the products of the unsigned bytes of a with the signed bytes of b
#ifdef INTEGER_DOT
kernel void integer_dot(global int *out) {
    const uint a[4] = {0xffffffff, 0x01020304, 0x80ff007f, 0};
    const uint b[4] = {0x80808080, 0x0102fffe, 0x7f807f80, 0xffffffff};
    int i = get_global_id(0);
    out[i] = dot_4x8packed_us_int(a[i], b[i]);
}
#endif

// out (64): the sum of the places in the group of all work-items of a sub-group, less that of one that adds them one by one
#ifdef SUB_GROUPS
kernel void sub_groups(global int *out) {
    local int sums[64];
    int i = get_local_id(0);
    sums[i] = 0;
    barrier(CLK_LOCAL_MEM_FENCE);
    atomic_add(&sums[get_sub_group_id()], i);
    int sum = (int)sub_group_reduce_add((float)i);
    barrier(CLK_LOCAL_MEM_FENCE);
    out[i] = sum - sums[get_sub_group_id()];
}
#endif

// out (4): what the halves stand for, times 16
#ifdef FP16
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
kernel void fp16(global int *out) {
    const ushort bits[4] = {0x3c00, 0xc500, 0x2c00, 0x7bff};
    int i = get_global_id(0);
    out[i] = (int)((float)as_half(bits[i]) * 16);
}
#endif
