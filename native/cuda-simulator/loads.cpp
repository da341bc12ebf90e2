// Loads and stores.
#include <atomic>
#include <bit>
#include <cstring>
#include <type_traits>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "access.h"
#include "decode_types.h"
#include "lanes.h"
#include "memory_operands.h"

namespace nibble::simulator {

namespace {

// One element of `Count` per lane, lanes side by side.
template <class T, class R, unsigned Count>
void take_apart(const T* from, R* const* to, std::uint32_t mask, bool all) {
    for (unsigned i = 0; i < Count; i++) {
        alignas(64) R values[lanes];
        R* target = all ? to[i] : values;
        for (unsigned lane = 0; lane < lanes; lane++) {
            target[lane] = static_cast<R>(from[lane * Count + i]);
        }
        if (!all) {
            merge(to[i], values, mask);
        }
    }
}

#ifdef __AVX512F__
// Four words per lane, whole warp: weights are read like this.
void take_four_words(const std::uint32_t* from, std::uint32_t* const* to) {
    const __m512i steps = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
    for (unsigned lane = 0; lane < lanes; lane += 16) {
        const __m512i* source = reinterpret_cast<const __m512i*>(from + std::size_t{lane} * 4);
        const __m512i a = _mm512_loadu_si512(source);
        const __m512i b = _mm512_loadu_si512(source + 1);
        const __m512i c = _mm512_loadu_si512(source + 2);
        const __m512i d = _mm512_loadu_si512(source + 3);
        for (int i = 0; i < 4; i++) {
            const __m512i places = _mm512_add_epi32(steps, _mm512_set1_epi32(i));
            const __m512i first = _mm512_permutex2var_epi32(a, places, b);
            const __m512i second = _mm512_permutex2var_epi32(c, places, d);
            _mm512_storeu_si512(to[i] + lane, _mm512_mask_blend_epi32(0xff00, first, second));
        }
    }
}
#endif

template <class T, class R>
void take_scattered(const Access& access, R* const* to, unsigned count, std::uint32_t mask, bool all) {
    for (unsigned i = 0; i < count; i++) {
        alignas(64) R values[lanes];
        R* target = all ? to[i] : values;
        if (access.uniform) {
            const R value = static_cast<R>(reinterpret_cast<const T*>(access.at[0])[i]);
            for (unsigned lane = 0; lane < lanes; lane++) {
                target[lane] = value;
            }
        } else {
            for (unsigned lane = 0; lane < lanes; lane++) {
                target[lane] = static_cast<R>(reinterpret_cast<const T*>(access.at[lane])[i]);
            }
        }
        if (!all) {
            merge(to[i], values, mask);
        }
    }
}

// Lets a load that is volatile or has an order come before what follows, whoever stored what it gives.
struct AfterLoad {
    const bool ordered;
    ~AfterLoad() {
        if (ordered) {
            std::atomic_thread_fence(std::memory_order_acquire);
        }
    }
};

template <class T, class R>
void load(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const AfterLoad after{in.flags != 0};
    Access access;
    access.mask = mask;
    access.bytes = sizeof(T) * in.count;
    access.ordered = in.flags != 0;
    locate(warp, in, access);
    const Slot* slots = &warp.block->grid->program.table[in.table];
    R* to[8];
    for (unsigned i = 0; i < in.count; i++) {
        to[i] = warp.out<R>(slots[i]);
    }
    const bool all = whole(warp, mask);
    const T* from = reinterpret_cast<const T*>(access.at[0]);
    if (!access.contiguous) {
        take_scattered<T, R>(access, to, in.count, mask, all);
    } else if (in.count == 1) {
        take_apart<T, R, 1>(from, to, mask, all);
    } else if (in.count == 2) {
        take_apart<T, R, 2>(from, to, mask, all);
    } else if (in.count == 4) {
#ifdef __AVX512F__
        if constexpr (std::is_same_v<T, std::uint32_t> && std::is_same_v<R, std::uint32_t>) {
            if (all) {
                return take_four_words(from, to);
            }
        }
#endif
        take_apart<T, R, 4>(from, to, mask, all);
    } else {
        take_apart<T, R, 8>(from, to, mask, all);
    }
}

template <class T, class R>
void fetch_stored(const Warp& warp, const Instruction& in, unsigned lane, std::byte* to) {
    const Slot* slots = &warp.block->grid->program.table[in.table];
    for (unsigned i = 0; i < in.count; i++) {
        const T value = static_cast<T>(warp.in<R>(slots[i])[lane]);
        std::memcpy(to + sizeof(T) * i, &value, sizeof(T));
    }
}

template <class T, class R>
void store(Warp& warp, const Instruction& in, std::uint32_t mask) {
    Access access;
    access.mask = mask;
    access.bytes = sizeof(T) * in.count;
    access.use = Use::write;
    access.ordered = in.flags != 0;
    access.stored = fetch_stored<T, R>;
    locate(warp, in, access);
    if (access.ordered) {
        std::atomic_thread_fence(std::memory_order_release);
    }
    const Slot* slots = &warp.block->grid->program.table[in.table];
    for (unsigned i = 0; i < in.count; i++) {
        const R* values = warp.in<R>(slots[i]);
        if (access.contiguous && in.count == 1) {
            T* to = reinterpret_cast<T*>(access.at[0]);
            for (unsigned lane = 0; lane < lanes; lane++) {
                to[lane] = static_cast<T>(values[lane]);
            }
            continue;
        }
        for (std::uint32_t left = mask; left != 0; left &= left - 1) {
            const unsigned lane = first_lane(left);
            reinterpret_cast<T*>(access.at[lane])[i] = static_cast<T>(values[lane]);
        }
    }
}

// A parameter of the kernel at a fixed place: the same for all lanes.
template <class T, class R>
void load_parameter(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const Slot* slots = &warp.block->grid->program.table[in.table];
    for (unsigned i = 0; i < in.count; i++) {
        T value;
        std::memcpy(&value, warp.block->grid->launch.parameters + in.immediate + sizeof(T) * i, sizeof(T));
        alignas(64) R values[lanes];
        for (R& lane : values) {
            lane = static_cast<R>(value);
        }
        merge(warp.out<R>(slots[i]), values, mask);
    }
}

enum class Mover { load, store, parameter };

template <class T, class R>
Handler mover(Mover kind) {
    return kind == Mover::load ? load<T, R> : kind == Mover::store ? store<T, R> : load_parameter<T, R>;
}

// By the type in memory and the width of the register, which may be larger.
template <class T>
Handler mover_of(Mover kind, unsigned bits) {
    using Small = std::conditional_t<std::is_signed_v<T>, std::int16_t, std::uint16_t>;
    using Middle = std::conditional_t<std::is_signed_v<T>, std::int32_t, std::uint32_t>;
    using Large = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    switch (bits) {
        case 16: return mover<T, Small>(kind);
        case 32: return mover<T, Middle>(kind);
        default: return mover<T, Large>(kind);
    }
}

Handler find_mover(Decoder& d, Mover kind, Type type, unsigned bits) {
    const bool sign = is_signed(type);
    switch (bits_of(type)) {
        case 8: return sign ? mover_of<std::int8_t>(kind, bits) : mover_of<std::uint8_t>(kind, bits);
        case 16: return sign ? mover_of<std::int16_t>(kind, bits) : mover_of<std::uint16_t>(kind, bits);
        case 32: return sign ? mover_of<std::int32_t>(kind, bits) : mover_of<std::uint32_t>(kind, bits);
        case 64: return mover<std::uint64_t, std::uint64_t>(kind);
        default: d.fail("the simulator does not know this type in memory");
    }
}

unsigned take_count(Decoder& d) {
    switch (d.take_one({"v2", "v4", "v8"})) {
        case 0: return 2;
        case 1: return 4;
        case 2: return 8;
        default: return 1;
    }
}

// The registers of a value or vector, all of one width.
std::vector<Slot> take_registers(Decoder& d, const Operand& operand, unsigned count, Type type, bool results, unsigned& bits) {
    const std::vector<Operand> single{operand};
    const std::vector<Operand>& parts = operand.kind == OperandKind::elements ? operand.parts : single;
    if (parts.size() != count) {
        d.fail("a vector of " + std::to_string(parts.size()) + " registers, not " + std::to_string(count));
    }
    std::vector<Slot> slots;
    bits = 0;
    for (const Operand& part : parts) {
        unsigned own = 0;
        if (results && part.name == "_") {
            own = bits != 0 ? bits : std::max(bits_of(type), 16U);
            slots.push_back(d.scratch(own));
        } else {
            slots.push_back(results ? d.wide_result(part, type, own) : d.wide_source(part, type, own));
        }
        if (bits != 0 && own != bits) {
            d.fail("registers of a vector differ in width");
        }
        bits = own;
    }
    return slots;
}

void decode_memory(Decoder& d, bool loads) {
    const MemoryModifiers modifiers = take_memory_modifiers(d);
    const unsigned count = take_count(d);
    const Type type = d.take_type();
    d.finish();
    d.expect_operands(2, 3);  // the third: a cache policy
    unsigned bits = 0;
    const Operand& data = d.operand(loads ? 0 : 1);
    const std::vector<Slot> slots = take_registers(d, data, count, type, loads, bits);
    const MemoryOperand place = take_memory_operand(d, d.operand(loads ? 1 : 0), modifiers.space);
    const bool parameter = place.space == Space::parameter && place.fixed;
    if (parameter && !loads) {
        d.fail("a kernel's parameters cannot be stored to");
    }
    Instruction& made = d.emit(find_mover(d, parameter ? Mover::parameter : loads ? Mover::load : Mover::store, type, bits));
    apply(made, place);
    made.flags = modifiers.ordered ? 1 : 0;
    note_granule(d, place.space, bits_of(type) / 8 * count);
    loads ? d.attach(slots, {}) : d.attach({}, slots);
}

}  // namespace

void add_memory_opcodes(OpcodeTable& table) {
    table["ld"] = [](Decoder& d) { decode_memory(d, true); };
    table["ldu"] = table["ld"];
    table["st"] = [](Decoder& d) { decode_memory(d, false); };
}

}  // namespace nibble::simulator
