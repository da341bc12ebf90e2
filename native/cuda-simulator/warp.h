// State of a running block and its warps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "async_copy.h"
#include "launch.h"
#include "memory.h"
#include "program.h"

namespace nibble::simulator {

// Addresses of 64 bits that stand for a block's shared memory and so on: no host memory is there.
constexpr std::uint64_t window_bytes = 1ULL << 32;
constexpr std::uint64_t shared_window = 1ULL << 52;
constexpr std::uint64_t local_window = 2ULL << 52;
constexpr std::uint64_t parameter_window = 3ULL << 52;

// Which checks run; from the environment.
struct Checks {
    bool unwritten = true;
    bool races = true;
    std::uint64_t step_limit = 0;

    static Checks from_environment();
};

// What all blocks of a launch share.
struct Grid {
    const Launch& launch;
    const Program& program;
    const DeviceMemory& memory;
    const AddressMap& ranges;
    Checks checks;
};

// A block's shared memory. Tags of accesses, one per granule: bits 16-31 the epoch (barriers since the start, from 1), 6-15 the thread,
// 2-5 how many warp barriers its warp had passed since (15: many), 0-1 flags (shared_races.cpp).
struct SharedMemory {
    std::vector<std::byte> bytes;
    std::vector<std::uint8_t> written;  // as AddressRange::shadow
    std::vector<std::uint32_t> writes;
    std::vector<std::uint32_t> reads;
    std::uint32_t size = 0;
    std::uint32_t epoch = 1;
    unsigned granule = 2;

    void begin_block(std::uint32_t size, unsigned granule, bool races);
    void next_epoch();
};

struct Block;

// Lanes of a warp that are at the same instruction.
struct Group {
    std::uint32_t pc = 0;
    std::uint32_t mask = 0;
    bool parked = false;  // waits at a barrier or a warp-wide instruction for other lanes
};

enum class BarrierResult : std::uint8_t { none, count, all, any };

// A barrier of the block at which a warp waits.
struct BarrierWait {
    const Instruction* at = nullptr;  // null: does not wait
    std::uint32_t number = 0;
    std::uint32_t threads = 0;  // how many threads it is for; 0: all of the block
    std::uint32_t lanes = 0;    // those of this warp
    std::uint32_t bits = 0;     // predicate of bar.red
};

struct Warp {
    std::array<std::byte*, 2> base{};  // registers, constants
    std::uint32_t active = 0;          // lanes that execute now
    std::uint32_t dead = 0;            // lanes that have ended, or never were
    std::uint32_t pc = 0;              // of the next instruction, for control instructions to change
    std::uint32_t limit = 0;           // where other lanes wait to go on: the least pc behind this one
    bool fair = false;                 // these lanes go on although others are behind them
    bool rotate = false;               // next, lanes go on that waited longest, not those that are farthest behind
    std::uint32_t syncs = 0;           // warp barriers passed since the last barrier of the block
    Block* block = nullptr;
    unsigned number = 0;
    std::uint64_t steps = 0;
    std::vector<Group> groups;         // the other lanes
    BarrierWait wait;                  // of the whole warp
    std::byte* local = nullptr;        // (32, local bytes)
    std::vector<std::uint8_t> local_written;
    AsyncCopies copies;

    template <class T>
    T* out(Slot slot) const {
        return reinterpret_cast<T*>(base[0] + (slot >> 1));
    }
    template <class T>
    const T* in(Slot slot) const {
        return reinterpret_cast<const T*>(base[slot & 1] + (slot >> 1));
    }
    std::uint32_t& predicate(Slot slot) const { return *out<std::uint32_t>(slot); }
    std::uint32_t live() const { return ~dead; }
};

struct Block {
    const Grid* grid = nullptr;
    Dim3 index;
    unsigned threads = 0;
    SharedMemory shared;
    std::vector<Warp> warps;
    std::array<std::uint32_t, 16> arrivals{};  // threads that passed a barrier with bar.arrive
    std::vector<std::byte> registers;          // of all warps
    std::vector<std::byte> local;              // of all warps
    std::array<AddressRange, 64> recent{};  // ranges found last, by instruction; begin at the end of memory: none
};

// Fills in kernel, line, thread and the instruction's text.
[[noreturn]] void fault(
    const Warp& warp, const Instruction& instruction, unsigned lane, FaultKind kind, const std::string& what);

// Splits off the lanes of the mask to another place; the others go on.
void send(Warp& warp, std::uint32_t mask, std::uint32_t pc);
// Ends the lanes.
void end_lanes(Warp& warp, std::uint32_t mask);
// The lanes of the mask wait at the instruction until those of `needed` that live are there too. All lanes that are at the instruction
// when the last one has come, before that none: then the instruction is not executed.
std::uint32_t gather(Warp& warp, const Instruction& instruction, std::uint32_t mask, std::uint32_t needed);
// Runs the warp until it ends, waits at a barrier, or others should have their turn.
void run_warp(Warp& warp);
// Runs all warps of a block.
void run_block(Block& block);
// Results of the barrier for lanes that waited, of all predicates of the block.
void finish_barrier(Warp& warp, std::uint32_t true_lanes, std::uint32_t threads);

inline unsigned first_lane(std::uint32_t mask) { return static_cast<unsigned>(__builtin_ctz(mask)); }

}  // namespace nibble::simulator
