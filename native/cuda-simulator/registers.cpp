// Places of registers: those that are never alive together share one. A warp's registers then stay in the processor's cache.
#include "registers.h"

#include <algorithm>
#include <map>

namespace nibble::simulator {

namespace {

constexpr std::uint32_t never = 0xffffffff;

bool is_register(Slot slot) { return slot != no_slot && (slot & 1) == 0; }

// Instructions without a branch between them.
struct Part {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::vector<std::uint32_t> next;
    std::vector<std::uint64_t> reads;   // before they are written here
    std::vector<std::uint64_t> writes;  // by all threads
    std::vector<std::uint64_t> alive;   // at its begin
};

// Where registers are alive in one function: the hull of all places.
class Liveness {
public:
    Liveness(const Program& program, std::uint32_t begin, std::uint32_t end, std::size_t registers)
        : program_(program), words_((registers + 63) / 64), first_(registers, never), last_(registers, 0) {
        split(begin, end);
        for (Part& part : parts_) {
            summarise(part);
        }
        spread();
        for (const Part& part : parts_) {
            cover(part);
        }
    }

    std::uint32_t first(std::size_t number) const { return first_[number]; }
    std::uint32_t last(std::size_t number) const { return last_[number]; }

private:
    template <class Visit>
    void visit_results(const Instruction& in, Visit visit) const {
        for (const Slot slot : {in.d, in.e}) {
            if (is_register(slot)) {
                visit(slot >> 1);
            }
        }
        for (std::uint32_t i = 0; i < in.results; i++) {
            if (is_register(program_.table[in.table + i])) {
                visit(program_.table[in.table + i] >> 1);
            }
        }
    }

    template <class Visit>
    void visit_sources(const Instruction& in, Visit visit) const {
        for (const Slot slot : {in.guard, in.a, in.b, in.c}) {
            if (is_register(slot)) {
                visit(slot >> 1);
            }
        }
        for (std::uint32_t i = in.results; i < in.count; i++) {
            if (is_register(program_.table[in.table + i])) {
                visit(program_.table[in.table + i] >> 1);
            }
        }
    }

    static bool guarded(const Instruction& in) { return is_register(in.guard); }

    void split(std::uint32_t begin, std::uint32_t end) {
        std::map<std::uint32_t, std::uint32_t> index;  // of parts, by their begin
        std::vector<bool> starts(end - begin + 1, false);
        starts[0] = true;
        for (std::uint32_t at = begin; at < end; at++) {
            const Instruction& in = program_.code[at];
            if (in.flow != Flow::next) {
                starts[at + 1 - begin] = true;
            }
            visit_targets(in, [&](std::uint32_t target) { starts[target - begin] = true; });
        }
        for (std::uint32_t at = begin; at < end; at++) {
            if (starts[at - begin]) {
                index[at] = static_cast<std::uint32_t>(parts_.size());
                parts_.push_back({at, at, {}, {}, {}, {}});
            }
            parts_.back().end = at + 1;
        }
        for (Part& part : parts_) {
            const Instruction& in = program_.code[part.end - 1];
            visit_targets(in, [&](std::uint32_t target) { part.next.push_back(index.at(target)); });
            const bool goes_on = in.flow == Flow::next || in.flow == Flow::call || guarded(in);
            if (goes_on && part.end < end) {
                part.next.push_back(index.at(part.end));
            }
        }
    }

    template <class Visit>
    void visit_targets(const Instruction& in, Visit visit) const {
        if (in.flow == Flow::branch) {
            visit(in.target);
        } else if (in.flow == Flow::table) {
            for (std::uint64_t i = 0; i < in.immediate; i++) {
                visit(program_.targets[in.target + i]);
            }
        }
    }

    static bool has(const std::vector<std::uint64_t>& set, std::size_t number) { return (set[number / 64] >> number % 64 & 1) != 0; }
    static void put(std::vector<std::uint64_t>& set, std::size_t number) { set[number / 64] |= 1ULL << number % 64; }

    void summarise(Part& part) {
        part.reads.assign(words_, 0);
        part.writes.assign(words_, 0);
        for (std::uint32_t at = part.begin; at < part.end; at++) {
            const Instruction& in = program_.code[at];
            visit_sources(in, [&](std::size_t number) {
                if (!has(part.writes, number)) {
                    put(part.reads, number);
                }
            });
            // A guarded write leaves what other threads have.
            visit_results(in, [&](std::size_t number) {
                if (!guarded(in)) {
                    put(part.writes, number);
                }
            });
        }
        part.alive = part.reads;
    }

    // Backwards until nothing changes.
    void spread() {
        for (bool changed = true; changed;) {
            changed = false;
            for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
                for (const std::uint32_t next : part->next) {
                    for (std::size_t word = 0; word < words_; word++) {
                        const std::uint64_t added = parts_[next].alive[word] & ~part->writes[word] & ~part->alive[word];
                        part->alive[word] |= added;
                        changed |= added != 0;
                    }
                }
            }
        }
    }

    void note(std::size_t number, std::uint32_t at) {
        first_[number] = std::min(first_[number], at);
        last_[number] = std::max(last_[number], at);
    }

    void note_all(const std::vector<std::uint64_t>& set, std::uint32_t at) {
        for (std::size_t word = 0; word < words_; word++) {
            for (std::uint64_t bits = set[word]; bits != 0; bits &= bits - 1) {
                note(word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits)), at);
            }
        }
    }

    void cover(const Part& part) {
        note_all(part.alive, part.begin);
        for (std::uint32_t at = part.begin; at < part.end; at++) {
            visit_sources(program_.code[at], [&](std::size_t number) { note(number, at); });
            visit_results(program_.code[at], [&](std::size_t number) { note(number, at); });
        }
        for (const std::uint32_t next : part.next) {
            note_all(parts_[next].alive, part.end - 1);
        }
    }

    const Program& program_;
    std::size_t words_;
    std::vector<Part> parts_;
    std::vector<std::uint32_t> first_;
    std::vector<std::uint32_t> last_;
};

std::uint32_t bytes_of(unsigned bits) { return bits == 1 ? 4 : lanes * bits / 8; }

// Hands out places, and takes them back.
class Places {
public:
    explicit Places(std::uint32_t begin) : end_(begin) {}

    std::uint32_t take(unsigned bits) {
        std::vector<std::uint32_t>& free = free_[bits];
        if (!free.empty()) {
            const std::uint32_t place = free.back();
            free.pop_back();
            return place;
        }
        if (bits != 1) {
            end_ = (end_ + 63) / 64 * 64;
        }
        const std::uint32_t place = end_;
        end_ += bytes_of(bits);
        return place;
    }

    void give_back(std::uint32_t place, unsigned bits) { free_[bits].push_back(place); }
    std::uint32_t end() const { return end_; }

private:
    std::uint32_t end_;
    std::map<unsigned, std::vector<std::uint32_t>> free_;
};

// Places for the registers of one function, behind those of the functions before it.
void place_function(const Program& program, std::uint32_t begin, std::uint32_t end, const std::vector<unsigned>& widths,
                    Places& places, std::vector<std::uint32_t>& placed) {
    const Liveness liveness(program, begin, end, widths.size());
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < widths.size(); i++) {
        if (placed[i] == never && liveness.first(i) != never) {
            order.push_back(i);
        }
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return liveness.first(a) < liveness.first(b); });
    std::multimap<std::uint32_t, std::size_t> ends;  // of registers that have a place
    for (const std::size_t number : order) {
        while (!ends.empty() && ends.begin()->first < liveness.first(number)) {
            const std::size_t ended = ends.begin()->second;
            places.give_back(placed[ended], widths[ended]);
            ends.erase(ends.begin());
        }
        placed[number] = places.take(widths[number]);
        ends.emplace(liveness.last(number), number);
    }
}

void rewrite(Program& program, const std::vector<std::uint32_t>& placed) {
    auto move = [&](Slot& slot) {
        if (is_register(slot)) {
            slot = placed[slot >> 1] << 1;
        }
    };
    for (Instruction& in : program.code) {
        for (Slot* slot : {&in.guard, &in.d, &in.e, &in.a, &in.b, &in.c}) {
            move(*slot);
        }
    }
    for (Slot& slot : program.table) {
        move(slot);
    }
    for (auto& [special, slot] : program.specials) {
        move(slot);
    }
}

}  // namespace

void allocate_registers(Program& program, const std::vector<unsigned>& widths, const std::vector<Slot>& pinned,
                        const std::vector<std::uint32_t>& functions) {
    std::vector<std::uint32_t> placed(widths.size(), never);
    Places fixed(0);
    for (const Slot slot : pinned) {
        placed[slot >> 1] = fixed.take(widths[slot >> 1]);
    }
    std::uint32_t end = fixed.end();
    for (std::size_t i = 0; i < functions.size(); i++) {
        const std::uint32_t code_end = i + 1 < functions.size() ? functions[i + 1] : static_cast<std::uint32_t>(program.code.size());
        Places places(end);
        place_function(program, functions[i], code_end, widths, places, placed);
        end = places.end();
    }
    program.register_bytes = (end + 63) / 64 * 64;
    program.registers = end / bytes_of(32);
    rewrite(program, placed);
}

}  // namespace nibble::simulator
