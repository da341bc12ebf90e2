// Branches, calls, ends, barriers of the block, fences, sleep.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "decode_types.h"
#include "lanes.h"

namespace nibble::simulator {

namespace {

using W = std::uint32_t;

// The lanes of the mask go to `target`, other active ones to the next instruction; those farther behind first.
void branch(Warp& warp, std::uint32_t mask, std::uint32_t target) {
    if (mask == warp.active) {
        warp.pc = target;
    } else if (target < warp.pc) {
        send(warp, warp.active & ~mask, warp.pc);
        warp.pc = target;
    } else if (target > warp.pc) {
        send(warp, mask, target);
    }
}

void run_branch(Warp& warp, const Instruction& in, std::uint32_t mask) { branch(warp, mask, in.target); }

void decode_branch(Decoder& d) {
    d.take("uni");
    d.finish();
    d.expect_operands(1, 1);
    d.emit_control(run_branch).flow = Flow::branch;
    d.branch_to(d.operand(0).name);
}

// Branch by a table: entry a of the `immediate` entries from `target` on.
void run_indexed_branch(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const W* index = warp.in<W>(in.a);
    const std::vector<std::uint32_t>& targets = warp.block->grid->program.targets;
    std::uint32_t left = mask;
    while (left != 0) {
        const unsigned lane = first_lane(left);
        if (index[lane] >= in.immediate) {
            fault(warp, in, lane, FaultKind::trap, "entry " + std::to_string(index[lane]) + " of a branch table of " +
                                                       std::to_string(in.immediate));
        }
        std::uint32_t same = 0;
        for (unsigned other = lane; other < lanes; other++) {
            same |= (left >> other & 1) != 0 && index[other] == index[lane] ? 1U << other : 0;
        }
        send(warp, same, targets[in.target + index[lane]]);
        left &= ~same;
    }
}

void decode_indexed_branch(Decoder& d) {
    if (!d.take("idx")) {
        d.fail("the simulator knows brx.idx only");
    }
    d.take("uni");
    d.finish();
    d.expect_operands(2, 2);
    std::uint32_t size = 0;
    const std::uint32_t first = d.branch_table(d.operand(1).name, size);
    const Slot index = d.source(0, Type::u32);
    Instruction& made = d.emit_control(run_indexed_branch);
    made.a = index;
    made.flow = Flow::table;
    made.target = first;
    made.immediate = size;
}

void run_exit(Warp& warp, const Instruction&, std::uint32_t mask) { end_lanes(warp, mask); }

// Back to where each lane was called from.
void run_return(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const W* back = warp.in<W>(in.a);
    std::uint32_t left = mask;
    while (left != 0) {
        const unsigned lane = first_lane(left);
        std::uint32_t same = 0;
        for (unsigned other = lane; other < lanes; other++) {
            same |= (left >> other & 1) != 0 && back[other] == back[lane] ? 1U << other : 0;
        }
        if (same == warp.active) {
            warp.pc = back[lane];
            return;
        }
        send(warp, same, back[lane]);
        left &= ~same;
    }
}

void decode_return(Decoder& d) {
    d.take("uni");
    d.finish();
    if (d.current().kernel) {
        d.emit_control(run_exit).flow = Flow::end;
        return;
    }
    const Slot back = d.return_slot(d.current());
    Instruction& made = d.emit_control(run_return);
    made.a = back;
    made.flow = Flow::end;
}

void decode_exit(Decoder& d) {
    d.finish();
    d.emit_control(run_exit).flow = Flow::end;
}

void run_trap(Warp& warp, const Instruction& in, std::uint32_t mask) {
    fault(warp, in, first_lane(mask), FaultKind::trap, in.flags != 0 ? "an assertion failed" : "the kernel stopped itself");
}

void decode_trap(Decoder& d) {
    d.finish();
    d.emit_control(run_trap);
}

// Parameters lie in local memory of the thread: so many bytes are copied. `immediate`: from, to and bytes, 20 bits each.
constexpr unsigned field = 20;
constexpr std::uint64_t field_mask = (1U << field) - 1;

void copy_parameter(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const std::uint32_t stride = warp.block->grid->program.local_bytes;
    const std::uint32_t words = (stride + 3) / 4;
    const std::uint64_t from = in.immediate & field_mask;
    const std::uint64_t to = in.immediate >> field & field_mask;
    const std::uint64_t bytes = in.immediate >> 2 * field;
    for (unsigned lane = 0; lane < lanes; lane++) {
        if ((mask >> lane & 1) != 0) {
            std::byte* base = warp.local + std::size_t{lane} * stride;
            std::memcpy(base + to, base + from, bytes);
            std::memset(&warp.local_written[std::size_t{lane} * words + to / 4], 0x0f, (bytes + 3) / 4);
        }
    }
}

void emit_copy(Decoder& d, const Symbol& to, const Operand& operand, const Symbol& from) {
    if (to.bytes < from.bytes || from.address > field_mask || to.address > field_mask) {
        d.fail("parameter '" + std::string(operand.name) + "' does not fit");
    }
    Instruction& made = d.emit(copy_parameter);
    made.immediate = from.address | to.address << field | from.bytes << 2 * field;
}

Symbol actual(Decoder& d, const Operand& operand) {
    const std::optional<Symbol> found = operand.kind == OperandKind::name ? d.symbol(operand.name) : std::nullopt;
    if (!found || found->space != Space::local) {
        d.fail("arguments of calls must be .param variables");
    }
    return *found;
}

void run_call(Warp& warp, const Instruction& in, std::uint32_t mask) {
    W* back = warp.out<W>(in.d);
    for (unsigned lane = 0; lane < lanes; lane++) {
        back[lane] = (mask >> lane & 1) != 0 ? in.serial + 1 : back[lane];
    }
    branch(warp, mask, in.target);
}

// call (results), function, (arguments): the arguments are copied to the callee's places, then the results back.
void decode_call(Decoder& d) {
    d.take("uni");
    d.finish();
    const bool has_results = d.operand(0).kind == OperandKind::list;
    const Operand& name = d.operand(has_results ? 1 : 0);
    const std::size_t first_list = has_results ? 2 : 1;
    static const std::vector<Operand> none;
    const std::vector<Operand>& results = has_results ? d.operand(0).parts : none;
    const std::vector<Operand>& arguments = d.count() > first_list ? d.operand(first_list).parts : none;
    if (name.name == "__assertfail") {
        d.emit_control(run_trap).flags = 1;
        return;
    }
    const FunctionSyntax* callee = d.function(name.name);
    if (callee == nullptr || !callee->defined || callee->kernel) {
        d.fail("calls of '" + std::string(name.name) + "', which this PTX does not define, are not supported");
    }
    for (std::size_t i = 0; i < arguments.size(); i++) {
        const Symbol from = actual(d, arguments[i]);
        emit_copy(d, d.formal(*callee, i, false), arguments[i], from);
    }
    const Slot back = d.return_slot(*callee);
    Instruction& made = d.emit_control(run_call);
    made.d = back;
    made.flow = Flow::call;
    d.call(*callee);
    for (std::size_t i = 0; i < results.size(); i++) {
        emit_copy(d, actual(d, results[i]), results[i], d.formal(*callee, i, true));
    }
}

// Barrier of the block. a: its number, b: threads (or none), c: predicate of bar.red. flags: 0x80 marks a barrier, the rest is what
// bar.red asks for. more_flags: 1 arrives without waiting, 2 flips the predicate.
void run_barrier(Warp& warp, const Instruction& in, std::uint32_t mask) {
    const bool arrives = (in.more_flags & 1) != 0;
    const std::uint32_t here = gather(warp, in, mask, warp.live());
    if (here == 0) {
        return;
    }
    const unsigned lane = first_lane(here);
    const W number = warp.in<W>(in.a)[lane];
    const W threads = in.b != no_slot ? warp.in<W>(in.b)[lane] : 0;
    if (number >= 16 || threads % lanes != 0) {
        fault(warp, in, lane, FaultKind::barrier, "barrier " + std::to_string(number) + " for " + std::to_string(threads) +
                                                      " threads: numbers are below 16, threads a multiple of 32");
    }
    if (arrives) {
        warp.block->arrivals[number] += static_cast<unsigned>(__builtin_popcount(here));
        return;
    }
    const W flip = (in.more_flags & 2) != 0 ? all_lanes : 0;
    const W bits = in.c != no_slot ? (*warp.in<W>(in.c) ^ flip) & here : 0;
    warp.wait = {&in, number, threads, here, bits};
    send(warp, warp.active, warp.pc);
}

void decode_barrier(Decoder& d) {
    d.take_one({"cta"});
    if (d.take("warp")) {
        return decode_warp_barrier(d);
    }
    const int action = d.take_one({"sync", "arrive", "red"});
    d.take("aligned");
    const int reduction = d.take_one({"popc", "and", "or"});
    if (action < 0 || (action == 2) != (reduction >= 0)) {
        d.fail("the simulator does not know this barrier");
    }
    const Type type = action == 2 ? d.take_type() : Type::u32;
    d.finish();
    const std::size_t first = action == 2 ? 1 : 0;
    const std::size_t least = first + (action == 2 ? 2 : 1);
    d.expect_operands(least, least + 1);
    const bool counted = d.count() == least + 1;
    const Slot result = action == 2 ? (type == Type::pred ? d.named_predicate(d.operand(0).name, true) : d.result(0, type)) : no_slot;
    const Slot number = d.source(first, Type::u32);
    const Slot threads = counted ? d.source(first + 1, Type::u32) : no_slot;
    const Operand& last = d.operand(d.count() - 1);
    const Slot predicate = action == 2 ? d.named_predicate(last.name, false) : no_slot;
    Instruction& made = d.emit_control(run_barrier);
    made.d = result;
    made.a = number;
    made.b = threads;
    made.c = predicate;
    made.flags = static_cast<std::uint8_t>(0x80 | (reduction + 1));
    made.more_flags = static_cast<std::uint8_t>((action == 1 ? 1 : 0) | (action == 2 && last.negated ? 2 : 0));
}

// Blocks run on the machine's own memory, warps in turns.
void run_fence(Warp&, const Instruction&, std::uint32_t) { std::atomic_thread_fence(std::memory_order_seq_cst); }

void decode_fence(Decoder& d) { d.emit_control(run_fence); }

// A warp sleeps in real time, and not for less than lets another device's threads have the processor: it waits for them.
void run_sleep(Warp& warp, const Instruction& in, std::uint32_t mask) {
    constexpr W least = 50'000;
    constexpr W most = 1'000'000;
    const W asked = warp.in<W>(in.a)[first_lane(mask)];
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::clamp(asked, least, most)));
}

void decode_sleep(Decoder& d) {
    d.take("u32");
    d.finish();
    d.expect_operands(1, 1);
    const Slot time = d.source(0, Type::u32);
    d.emit_control(run_sleep).a = time;
}

}  // namespace

void finish_barrier(Warp& warp, std::uint32_t true_lanes, std::uint32_t threads) {
    const Instruction& in = *warp.wait.at;
    const auto result = static_cast<BarrierResult>(in.flags & 0x7f);
    if (result == BarrierResult::count) {
        W* d = warp.out<W>(in.d);
        for (unsigned lane = 0; lane < lanes; lane++) {
            d[lane] = (warp.wait.lanes >> lane & 1) != 0 ? true_lanes : d[lane];
        }
    } else if (result != BarrierResult::none) {
        const bool holds = result == BarrierResult::all ? true_lanes == threads : true_lanes != 0;
        set_predicate(warp, in.d, holds ? all_lanes : 0, warp.wait.lanes);
    }
}

void add_control_opcodes(OpcodeTable& table) {
    table["bra"] = decode_branch;
    table["brx"] = decode_indexed_branch;
    table["call"] = decode_call;
    table["ret"] = decode_return;
    table["exit"] = decode_exit;
    table["trap"] = decode_trap;
    table["brkpt"] = decode_trap;
    table["bar"] = decode_barrier;
    table["barrier"] = decode_barrier;
    table["membar"] = decode_fence;
    table["fence"] = decode_fence;
    table["nanosleep"] = decode_sleep;
}

}  // namespace nibble::simulator
