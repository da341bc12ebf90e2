/* The types of weights. A module is compiled with -DTYPE=Q4_0 -DNAME=q4_0, one of floats with -DFLOATS also, one of
 * a grid with its name: grid_types.cuh. */
#pragma once
#ifdef FLOATS
#include "float_products.cuh"
#else
#include "block_products.cuh"
#include "iq1_types.cuh"
#include "iq2_types.cuh"
#include "iq3_types.cuh"
#include "k_types.cuh"
#include "legacy_types.cuh"
#include "ternary_types.cuh"
#endif

#define JOIN(a, b, c) a##b##c
#define JOINED(a, b, c) JOIN(a, b, c)
/* The name of a kernel for this type, and for a number of tokens or the like. */
#define VARIANT(kernel, more) JOINED(kernel, NAME, more)
