// Where the lanes of a load, store or atomic operation go, checked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "program.h"
#include "warp.h"

namespace nibble::simulator {

enum class Use : std::uint8_t { read, write, atomic };

// Fetches what a lane is about to store.
using StoredValue = void (*)(const Warp& warp, const Instruction& instruction, unsigned lane, std::byte* to);

struct Access {
    alignas(64) std::uint64_t at[lanes];  // device addresses, then host addresses; lanes that are not active copy an active one
    std::uint32_t mask = 0;
    unsigned bytes = 0;       // of each lane
    Use use = Use::read;
    bool ordered = false;     // volatile or atomic: no race with others of that kind
    bool contiguous = false;  // all lanes, each at the end of the one before
    bool uniform = false;     // all at the same address
    StoredValue stored = nullptr;
};

// Computes the addresses of the instruction (register a plus immediate) and finds them in the host's memory. Faults where a lane is
// outside of live memory, misaligned, reads what nothing has written, or races with another thread. Marks what is written.
void locate(Warp& warp, const Instruction& instruction, Access& access);

// The same for addresses in `at` that lie in a space.
void locate_in(Warp& warp, const Instruction& instruction, Access& access, Space space);

// For one space; `access.at` holds addresses in it.
void locate_global(Warp& warp, const Instruction& instruction, Access& access);
void locate_shared(Warp& warp, const Instruction& instruction, Access& access);
void locate_local(Warp& warp, const Instruction& instruction, Access& access);
void locate_parameter(Warp& warp, const Instruction& instruction, Access& access);

// Finds contiguous and uniform addresses; lanes that are not active get an active one's address first.
void find_pattern(Access& access);
// Faults for the first lane whose address is no multiple of the bytes.
void check_alignment(const Warp& warp, const Instruction& instruction, const Access& access, const char* space);
// Checks or sets the bits of written bytes: `shadow` belongs to the address `base`, a multiple of four.
bool all_written(const std::uint8_t* shadow, std::uint64_t base, std::uint64_t address, unsigned bytes);
void mark_written(std::uint8_t* shadow, std::uint64_t base, std::uint64_t address, unsigned bytes, bool shared_by_threads);
// "load of 4 bytes at 0x10"
std::string describe(const Access& access, const char* space, std::uint64_t address);
[[noreturn]] void unwritten(const Warp& warp, const Instruction& instruction, const Access& access, unsigned lane, const char* space,
                            std::uint64_t address, const std::string& where);

// Races in shared memory: offsets in `access.at`.
void check_races(Warp& warp, const Instruction& instruction, const Access& access);

}  // namespace nibble::simulator
