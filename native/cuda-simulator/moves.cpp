// mov with packing and unpacking, addresses of variables, clocks; conversions between address spaces.
#include <chrono>

#include "decode_types.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

template <class T>
Handler mover() {
    constexpr auto same = [](T a) { return a; };
    return map1<T, T, same>;
}

void move_predicate(Warp& warp, const Instruction& in, std::uint32_t mask) {
    set_predicate(warp, in.d, *warp.in<std::uint32_t>(in.a), mask);
}

// d = the parts in the table, the first lowest.
template <class D, class P>
void pack(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const Slot* parts = &warp.block->grid->program.table[in.table];
    alignas(64) D result[lanes] = {};
    for (unsigned i = 0; i < in.count; i++) {
        const P* part = warp.in<P>(parts[i]);
        for (unsigned lane = 0; lane < lanes; lane++) {
            result[lane] = static_cast<D>(result[lane] | static_cast<D>(part[lane]) << (8 * sizeof(P) * i));
        }
    }
    merge(warp.out<D>(in.d), result, mask);
}

template <class S, class P>
void unpack(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const Slot* parts = &warp.block->grid->program.table[in.table];
    alignas(64) S source[lanes];
    __builtin_memcpy(source, warp.in<S>(in.a), sizeof source);
    for (unsigned i = 0; i < in.count; i++) {
        alignas(64) P part[lanes];
        for (unsigned lane = 0; lane < lanes; lane++) {
            part[lane] = static_cast<P>(source[lane] >> (8 * sizeof(P) * i));
        }
        merge(warp.out<P>(parts[i]), part, mask);
    }
}

// Which halves of what width make up a value of so many bits; null where the parts do not fit.
Handler packing(unsigned whole, std::size_t parts, bool packs) {
    using u16 = std::uint16_t;
    using u32 = std::uint32_t;
    using u64 = std::uint64_t;
    if (whole == 32 && parts == 2) {
        return packs ? pack<u32, u16> : unpack<u32, u16>;
    }
    if (whole == 64 && parts == 2) {
        return packs ? pack<u64, u32> : unpack<u64, u32>;
    }
    if (whole == 64 && parts == 4) {
        return packs ? pack<u64, u16> : unpack<u64, u16>;
    }
    return nullptr;
}

void decode_packing(Decoder& d, Type type, bool packs) {
    const std::vector<Operand>& parts = d.operand(packs ? 1 : 0).parts;
    const Handler handler = packing(bits_of(type), parts.size(), packs);
    if (handler == nullptr) {
        d.fail("these parts do not make up the type");
    }
    const Type part = bits_of(type) / parts.size() == 32 ? Type::b32 : Type::b16;
    std::vector<Slot> slots;
    for (const Operand& operand : parts) {
        slots.push_back(packs ? d.source(operand, part) : d.result(operand, part));
    }
    const Slot whole = packs ? d.result(0, type) : d.source(1, type);
    Instruction& made = d.emit(handler);
    (packs ? made.d : made.a) = whole;
    packs ? d.attach({}, slots) : d.attach(slots, {});
}

enum Clock : std::uint8_t { cycles, cycles_high, nanoseconds, nanoseconds_high };

// Clocks count steps of the warp, or real nanoseconds.
template <class T>
void read_clock(Warp& warp, const Instruction& in, std::uint32_t mask) {
    std::uint64_t value = warp.steps;
    if (in.flags >= nanoseconds) {
        value = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    }
    value >>= in.flags == cycles_high || in.flags == nanoseconds_high ? 32 : 0;
    alignas(64) T result[lanes];
    for (T& lane : result) {
        lane = static_cast<T>(value);
    }
    merge(warp.out<T>(in.d), result, mask);
}

bool decode_clock(Decoder& d, std::string_view name, Type type) {
    Clock clock = cycles;
    if (name == "%clock_hi") {
        clock = cycles_high;
    } else if (name == "%globaltimer" || name == "%globaltimer_lo") {
        clock = nanoseconds;
    } else if (name == "%globaltimer_hi") {
        clock = nanoseconds_high;
    } else if (name != "%clock" && name != "%clock64") {
        return false;
    }
    const Slot result = d.result(0, type);
    // Control: the steps of the warp are counted there.
    Instruction& made = d.emit_control(bits_of(type) == 64 ? read_clock<std::uint64_t> : read_clock<std::uint32_t>);
    made.d = result;
    made.flags = clock;
    return true;
}

void decode_move(Decoder& d) {
    const Type type = d.take_type();
    d.finish();
    d.expect_operands(2, 2);
    if (d.operand(0).kind == OperandKind::elements || d.operand(1).kind == OperandKind::elements) {
        return decode_packing(d, type, d.operand(1).kind == OperandKind::elements);
    }
    if (decode_clock(d, d.operand(1).name, type)) {
        return;
    }
    if (bits_of(type) == 64 && d.special(d.operand(1).name)) {  // special registers read with 64 bits, as %gridid may be
        d.fail("this special register has 32 bits");
    }
    emit_same(d, type == Type::pred ? move_predicate : by_width(bits_of(type), []<class T>() { return mover<T>(); }), type, 1);
}

std::uint64_t window_of(Space space) {
    return space == Space::shared ? shared_window
           : space == Space::local ? local_window
           : space == Space::parameter ? parameter_window
                                       : 0;
}

Space take_space(Decoder& d) {
    switch (d.take_one({"global", "shared", "shared::cta", "local", "const", "param", "param::entry"})) {
        case 0: return Space::global;
        case 1:
        case 2: return Space::shared;
        case 3: return Space::local;
        case 4: return Space::global;  // constants lie in device memory
        case 5:
        case 6: return Space::parameter;
        default: d.fail("an address space is missing");
    }
}

// cvta.space: adds the window of the space; cvta.to.space: takes it off.
void convert_address(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const std::uint64_t* a = warp.in<std::uint64_t>(in.a);
    alignas(64) std::uint64_t result[lanes];
    for (unsigned lane = 0; lane < lanes; lane++) {
        result[lane] = a[lane] + in.immediate;
    }
    merge(warp.out<std::uint64_t>(in.d), result, mask);
}

void decode_cvta(Decoder& d) {
    const bool to = d.take("to");
    const std::uint64_t window = window_of(take_space(d));
    const Type type = d.take_type();
    if (bits_of(type) != 64) {
        d.fail("addresses of 64 bits only");
    }
    emit_same(d, convert_address, type, 1).immediate = to ? 0 - window : window;
}

void in_space(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const std::uint64_t* a = warp.in<std::uint64_t>(in.a);
    std::uint32_t bits = 0;
    for (unsigned lane = 0; lane < lanes; lane++) {
        const bool inside = in.immediate == 0 ? a[lane] < shared_window : a[lane] - in.immediate < window_bytes;
        bits |= (inside ? 1U : 0U) << lane;
    }
    set_predicate(warp, in.d, bits, mask);
}

void decode_isspacep(Decoder& d) {
    const std::uint64_t window = window_of(take_space(d));
    emit_map(d, in_space, Type::pred, {Type::u64}).immediate = window;
}

// Prefetches and hints about caches have no effect here.
void decode_nothing(Decoder&) {}

}  // namespace

void add_move_opcodes(OpcodeTable& table) {
    table["mov"] = decode_move;
    table["cvta"] = decode_cvta;
    table["isspacep"] = decode_isspacep;
    table["prefetch"] = decode_nothing;
    table["prefetchu"] = decode_nothing;
    table["applypriority"] = decode_nothing;
    table["discard"] = decode_nothing;
}

}  // namespace nibble::simulator
