// Applies a function to all lanes: loops that the compiler turns into vector instructions.
#pragma once

#include <cstdint>

#include "program.h"
#include "warp.h"

namespace nibble::simulator {

// Are all lanes that still live in the mask? Then what the others hold does not matter.
inline bool whole(const Warp& warp, std::uint32_t mask) { return (mask | warp.dead) == all_lanes; }

template <class T>
inline void merge(T* to, const T* from, std::uint32_t mask) {
#pragma GCC ivdep
    for (unsigned lane = 0; lane < lanes; lane++) {
        to[lane] = (mask >> lane & 1) != 0 ? from[lane] : to[lane];
    }
}

// d = F(a)
template <class D, class A, auto F>
void map1(Warp& warp, const Instruction& in, std::uint32_t mask) {
    D* d = warp.out<D>(in.d);
    const A* a = warp.in<A>(in.a);
    if (whole(warp, mask)) {
#pragma GCC ivdep
        for (unsigned lane = 0; lane < lanes; lane++) {
            d[lane] = F(a[lane]);
        }
        return;
    }
    alignas(64) D result[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        result[lane] = F(a[lane]);
    }
    merge(d, result, mask);
}

// d = F(a, b)
template <class D, class A, class B, auto F>
void map2(Warp& warp, const Instruction& in, std::uint32_t mask) {
    D* d = warp.out<D>(in.d);
    const A* a = warp.in<A>(in.a);
    const B* b = warp.in<B>(in.b);
    if (whole(warp, mask)) {
#pragma GCC ivdep
        for (unsigned lane = 0; lane < lanes; lane++) {
            d[lane] = F(a[lane], b[lane]);
        }
        return;
    }
    alignas(64) D result[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        result[lane] = F(a[lane], b[lane]);
    }
    merge(d, result, mask);
}

// d = F(a, b, c)
template <class D, class A, class B, class C, auto F>
void map3(Warp& warp, const Instruction& in, std::uint32_t mask) {
    D* d = warp.out<D>(in.d);
    const A* a = warp.in<A>(in.a);
    const B* b = warp.in<B>(in.b);
    const C* c = warp.in<C>(in.c);
    if (whole(warp, mask)) {
#pragma GCC ivdep
        for (unsigned lane = 0; lane < lanes; lane++) {
            d[lane] = F(a[lane], b[lane], c[lane]);
        }
        return;
    }
    alignas(64) D result[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        result[lane] = F(a[lane], b[lane], c[lane]);
    }
    merge(d, result, mask);
}

// A bit per lane from bytes that are 0 or 1.
inline std::uint32_t pack_bits(const std::uint8_t* flags) {
    std::uint32_t bits = 0;
    for (unsigned i = 0; i < 4; i++) {
        std::uint64_t eight;
        __builtin_memcpy(&eight, flags + 8 * i, 8);
        bits |= static_cast<std::uint32_t>(eight * 0x0102040810204080ULL >> 56) << (8 * i);
    }
    return bits;
}

// The lanes where F(a, b).
template <class T, auto F>
std::uint32_t compare_lanes(const T* a, const T* b) {
    alignas(64) std::uint8_t flags[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        flags[lane] = F(a[lane], b[lane]) ? 1 : 0;
    }
    return pack_bits(flags);
}

inline void set_predicate(Warp& warp, Slot slot, std::uint32_t bits, std::uint32_t mask) {
    std::uint32_t& predicate = warp.predicate(slot);
    predicate = (predicate & ~mask) | (bits & mask);
}

}  // namespace nibble::simulator
