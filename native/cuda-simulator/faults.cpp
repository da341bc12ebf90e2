// Messages of kernels that went wrong.
#include <string>

#include "lexer.h"
#include "warp.h"

namespace nibble::simulator {

namespace {

std::string text_of(unsigned x, unsigned y, unsigned z) {
    return "(" + std::to_string(x) + ", " + std::to_string(y) + ", " + std::to_string(z) + ")";
}

// " (rows.cu:12)", where the PTX says so
std::string source_text(const Program& program, std::size_t index) {
    const SourceLine& source = program.sources[index];
    for (const auto& [number, name] : program.files) {
        if (number == source.file && source.line != 0) {
            return " (" + name.substr(name.rfind('/') + 1) + ":" + std::to_string(source.line) + ")";
        }
    }
    return "";
}

}  // namespace

void fault(const Warp& warp, const Instruction& instruction, unsigned lane, FaultKind kind, const std::string& what) {
    const Program& program = warp.block->grid->program;
    const Dim3& shape = warp.block->grid->launch.block;
    const Dim3& block = warp.block->index;
    const unsigned thread = warp.number * lanes + lane;
    const std::size_t index = instruction.serial;
    const unsigned line = program.lines[index];
    throw KernelFault(kind, "kernel " + program.kernel + ", " + program.module + ":" + std::to_string(line) +
                                source_text(program, index) + ", block " + text_of(block.x, block.y, block.z) + ", thread " +
                                text_of(thread % shape.x, thread / shape.x % shape.y, thread / shape.x / shape.y) + ": " + what +
                                ": " + line_text(*program.text, line));
}

}  // namespace nibble::simulator
