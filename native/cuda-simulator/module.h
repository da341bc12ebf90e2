// A loaded PTX module: its kernels, decoded for execution, and its variables in device memory.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "memory.h"

namespace nibble::simulator {

struct Program;  // decoded instructions of a kernel: program.h

// PTX that is wrong or that the simulator does not know. The message names the line and its text.
class PtxError : public std::runtime_error {
public:
    PtxError(unsigned line, const std::string& message) : std::runtime_error(message), line_(line) {}
    unsigned line() const { return line_; }

private:
    unsigned line_;
};

// A parameter of a kernel, as cuFuncGetParamInfo tells it.
struct Parameter {
    std::uint32_t offset = 0;
    std::uint32_t bytes = 0;
};

// A kernel.
struct Function {
    std::string name;
    std::vector<Parameter> parameters;
    std::uint32_t parameter_bytes = 0;      // of all parameters with the gaps between them
    std::uint32_t static_shared_bytes = 0;  // variables in shared memory, dynamic ones not counted
    std::uint32_t local_bytes = 0;          // per thread
    std::uint32_t constant_bytes = 0;       // variables in constant memory of the module
    std::uint32_t registers = 0;            // the most values of 32 bits that live at once: an estimate of what ptxas would use
    std::uint32_t max_threads = 1024;       // per block, less where .maxntid or .reqntid says so
    std::uint32_t target = 0;               // 75 for compute_75 (the .target line)
    std::shared_ptr<const Program> program;
};

// A module's variable in global or constant memory.
struct Variable {
    std::string name;
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
};

// Parses and decodes PTX text; every instruction is checked here, so that a module that loads can run. Frees its variables at the end.
class Module {
public:
    // `name` stands in messages (a file name, if known). Throws PtxError, or std::bad_alloc where the variables do not fit.
    Module(std::string_view ptx, DeviceMemory& memory, const std::string& name = "PTX");
    ~Module();
    Module(const Module&) = delete;
    Module& operator=(const Module&) = delete;

    // Null where there is none of that name.
    const Function* function(std::string_view name) const;
    const Variable* variable(std::string_view name) const;
    const std::vector<std::unique_ptr<Function>>& functions() const { return functions_; }

private:
    DeviceMemory& memory_;
    std::vector<std::unique_ptr<Function>> functions_;
    std::vector<Variable> variables_;
};

}  // namespace nibble::simulator
