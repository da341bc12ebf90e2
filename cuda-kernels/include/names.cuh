// The names of kernels that are compiled for KEYS and VALUES, types of a cache: the kernel's, then those of the types.
#pragma once

#include "cache.cuh"

#define JOIN_3(a, b, c) a##_##b##_##c
#define JOIN_5(a, b, c, d, e) a##_##b##_##c##_##d##_##e
#define NAME_3(a, b, c) JOIN_3(a, b, c)
#define NAME_5(a, b, c, d, e) JOIN_5(a, b, c, d, e)
#define KERNEL(name) NAME_3(name, KEYS, VALUES)
#define VARIANT(name, size, queries) NAME_5(name, KEYS, VALUES, size, queries)

constexpr Cache KEY_TYPE = Cache::KEYS;
constexpr Cache VALUE_TYPE = Cache::VALUES;
