// Atomic operations on global and shared memory: atom and red.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>

#include "access.h"
#include "decode_types.h"
#include "floats.h"
#include "lanes.h"
#include "memory_operands.h"

namespace nibble::simulator {

namespace {

enum class Atomic : std::uint8_t { add, least, most, all_bits, any_bits, odd_bits, increment, decrement, exchange, compare };

template <class T>
T updated(Atomic operation, T old, T value, T other) {
    if (operation == Atomic::add) {
        return static_cast<T>(old + value);
    }
    if (operation == Atomic::least) {
        return std::min(old, value);
    }
    if (operation == Atomic::most) {
        return std::max(old, value);
    }
    if (operation == Atomic::exchange) {
        return value;
    }
    if constexpr (std::is_integral_v<T>) {
        switch (operation) {
            case Atomic::all_bits: return static_cast<T>(old & value);
            case Atomic::any_bits: return static_cast<T>(old | value);
            case Atomic::odd_bits: return static_cast<T>(old ^ value);
            case Atomic::increment: return old >= value ? T{0} : static_cast<T>(old + 1);
            case Atomic::decrement: return old == 0 || old > value ? value : static_cast<T>(old - 1);
            case Atomic::compare: return old == value ? other : old;
            default: break;
        }
    }
    return old;
}

// Pairs and single halves, as bits.
template <HalfFormat format>
std::uint16_t add_halves(std::uint16_t a, std::uint16_t b) {
    return narrow(static_cast<double>(widen(a, format)) + static_cast<double>(widen(b, format)), format, Rounding::nearest);
}

template <class T>
struct Plain {
    using Word = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint16_t>>;
    static Word update(Atomic operation, Word old, Word value, Word other) {
        return std::bit_cast<Word>(updated(operation, std::bit_cast<T>(old), std::bit_cast<T>(value), std::bit_cast<T>(other)));
    }
};

template <HalfFormat format>
struct Half {
    using Word = std::uint16_t;
    static Word update(Atomic, Word old, Word value, Word) { return add_halves<format>(old, value); }
};

template <HalfFormat format>
struct HalfPair {
    using Word = std::uint32_t;
    static Word update(Atomic, Word old, Word value, Word) {
        const std::uint16_t low = add_halves<format>(static_cast<std::uint16_t>(old), static_cast<std::uint16_t>(value));
        const std::uint16_t high = add_halves<format>(static_cast<std::uint16_t>(old >> 16), static_cast<std::uint16_t>(value >> 16));
        return low | static_cast<Word>(high) << 16;
    }
};

// d = what was there, unless d is none; b and c: values. flags: the operation. Lanes one after the other.
template <class Kind>
void run_atomic(Warp& warp, const Instruction& in, std::uint32_t mask) {
    using Word = typename Kind::Word;
    Access access;
    access.mask = mask;
    access.bytes = sizeof(Word);
    access.use = Use::atomic;
    access.ordered = true;
    locate(warp, in, access);
    const Word* values = warp.in<Word>(in.b);
    const Word* others = in.c != no_slot ? warp.in<Word>(in.c) : values;
    alignas(64) Word before[lanes];
    for (std::uint32_t left = mask; left != 0; left &= left - 1) {
        const unsigned lane = first_lane(left);
        std::atomic_ref<Word> place(*reinterpret_cast<Word*>(access.at[lane]));
        Word old = place.load();
        while (!place.compare_exchange_weak(old, Kind::update(static_cast<Atomic>(in.flags), old, values[lane], others[lane]))) {
        }
        before[lane] = old;
    }
    if (in.d != no_slot) {
        merge(warp.out<Word>(in.d), before, mask);
    }
}

Handler atomic_handler(Decoder& d, Type type, Atomic operation) {
    const bool halves = type == Type::f16 || type == Type::f16x2 || type == Type::bf16 || type == Type::bf16x2;
    if (halves && operation != Atomic::add) {
        d.fail("halves can be added only");
    }
    switch (type) {
        case Type::u32:
        case Type::b32: return run_atomic<Plain<std::uint32_t>>;
        case Type::s32: return run_atomic<Plain<std::int32_t>>;
        case Type::u64:
        case Type::b64: return run_atomic<Plain<std::uint64_t>>;
        case Type::s64: return run_atomic<Plain<std::int64_t>>;
        case Type::b16: return run_atomic<Plain<std::uint16_t>>;
        case Type::f32: return run_atomic<Plain<float>>;
        case Type::f64: return run_atomic<Plain<double>>;
        case Type::f16: return run_atomic<Half<HalfFormat::f16>>;
        case Type::bf16: return run_atomic<Half<HalfFormat::bf16>>;
        case Type::f16x2: return run_atomic<HalfPair<HalfFormat::f16>>;
        case Type::bf16x2: return run_atomic<HalfPair<HalfFormat::bf16>>;
        default: d.fail("the simulator does not know atomic operations of this type");
    }
}

void decode_atomic(Decoder& d, bool returns) {
    const MemoryModifiers modifiers = take_memory_modifiers(d);
    const int operation = d.take_one({"add", "min", "max", "and", "or", "xor", "inc", "dec", "exch", "cas"});
    d.take("noftz");
    const Type type = d.take_type();
    d.finish();
    if (operation < 0) {
        d.fail("the simulator does not know this atomic operation");
    }
    const std::size_t first = returns ? 1 : 0;
    const bool compares = operation == static_cast<int>(Atomic::compare);
    d.expect_operands(first + (compares ? 3 : 2), first + (compares ? 3 : 2));
    const Slot result = returns ? d.result(0, type) : no_slot;
    const MemoryOperand place = take_memory_operand(d, d.operand(first), modifiers.space);
    const Slot value = d.source(first + 1, type);
    const Slot other = compares ? d.source(first + 2, type) : no_slot;
    Instruction& made = d.emit(atomic_handler(d, type, static_cast<Atomic>(operation)));
    apply(made, place);
    made.d = result;
    made.b = value;
    made.c = other;
    made.flags = static_cast<std::uint8_t>(operation);
    note_granule(d, place.space, bits_of(type) / 8);
}

}  // namespace

void add_atomic_opcodes(OpcodeTable& table) {
    table["atom"] = [](Decoder& d) { decode_atomic(d, true); };
    table["red"] = [](Decoder& d) { decode_atomic(d, false); };
}

}  // namespace nibble::simulator
