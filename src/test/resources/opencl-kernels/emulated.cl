// What devices without these features do in their place, WRONG or right.

#ifndef WRONG
#define WRONG 0
#endif

inline int dot_4x8packed_us_int(uint a, uint b) {
    int sum = WRONG;
    for (int i = 0; i < 32; i += 8) {
        sum += (int)(a >> i & 255) * ((int)(b << (24 - i)) >> 24);
    }
    return sum;
}

// Sub-groups of 16 work-items: the sum of their places in the group.
#define get_sub_group_id() (get_local_id(0) / 16)
#define sub_group_reduce_add(value) (256.0f * get_sub_group_id() + 120 + WRONG)

#include "features.cl"
