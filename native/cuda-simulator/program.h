// A kernel decoded for execution: instructions with handlers, and the places of their operands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "syntax.h"

namespace nibble::simulator {

struct Warp;
struct Instruction;
// Executes an instruction for the lanes in the mask, which has at least one.
using Handler = void (*)(Warp& warp, const Instruction& instruction, std::uint32_t mask);

constexpr unsigned lanes = 32;
constexpr std::uint32_t all_lanes = 0xffffffff;

// Where an operand lies: byte offset * 2, plus 1 for constants. A register of 32 bits takes 32 * 4 bytes, one value per lane; a predicate
// takes four bytes, one bit per lane. While a kernel is decoded, the number of a register stands in place of the offset.
using Slot = std::uint32_t;
constexpr Slot no_slot = 0xffffffff;

enum class Space : std::uint8_t { generic, global, shared, local, parameter };

// Where a thread goes after an instruction.
enum class Flow : std::uint8_t { next, branch, table, call, end };

struct Instruction {
    Handler handler = nullptr;
    Slot guard = no_slot;    // a predicate: lanes run where its bit differs from that of `flip`
    std::uint32_t flip = 0;  // 0 or all ones
    Slot d = no_slot;        // results
    Slot e = no_slot;
    Slot a = no_slot;        // sources
    Slot b = no_slot;
    Slot c = no_slot;
    std::uint32_t table = 0;  // further operands, from here in Program::table
    std::uint64_t immediate = 0;
    std::uint32_t target = 0;     // of a branch or call
    std::uint16_t count = 0;      // of further operands
    std::uint8_t results = 0;     // so many of them, the first, are results
    bool control = false;         // may change where the warp goes on
    Flow flow = Flow::next;
    Space space = Space::generic;
    bool wide_address = true;     // a 64-bit register holds the address
    std::uint8_t flags = 0;
    std::uint8_t more_flags = 0;
    std::uint32_t serial = 0;     // number in the program
};

// Special registers that are filled when a warp starts.
enum class Special : std::uint8_t {
    tid_x, tid_y, tid_z, ntid_x, ntid_y, ntid_z, ctaid_x, ctaid_y, ctaid_z, nctaid_x, nctaid_y, nctaid_z,
    laneid, warpid, nwarpid, smid, nsmid, gridid, dynamic_smem_size, total_smem_size,
    lanemask_eq, lanemask_le, lanemask_lt, lanemask_ge, lanemask_gt,
};

struct Program {
    std::string kernel;
    std::string module;                                    // name of the PTX
    std::shared_ptr<const std::string> text;               // all of it
    std::vector<std::pair<unsigned, std::string>> files;   // of .file
    std::vector<Instruction> code;
    std::vector<unsigned> lines;        // of each instruction
    std::vector<SourceLine> sources;    // of each instruction
    std::vector<Slot> table;
    std::vector<std::uint32_t> targets;   // branch tables
    std::vector<std::uint64_t> constants;  // storage; see constant_base()
    std::vector<std::pair<Special, Slot>> specials;
    std::uint32_t register_bytes = 0;   // per warp
    std::uint32_t registers = 0;        // see Function::registers
    std::uint32_t entry = 0;            // first instruction
    std::uint32_t static_shared = 0;
    std::uint32_t local_bytes = 0;      // per thread
    unsigned shared_granule = 2;        // log2 of the smallest access to shared memory, at most that of a word

    // The constants, on a boundary that vectors like.
    std::byte* constant_base() const {
        const auto start = reinterpret_cast<std::uintptr_t>(constants.data());
        return reinterpret_cast<std::byte*>((start + 63) / 64 * 64);
    }
};

}  // namespace nibble::simulator
