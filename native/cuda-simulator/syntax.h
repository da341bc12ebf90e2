// PTX as text says it: what the parser hands to the decoder. Views point into the module's text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::simulator {

enum class OperandKind {
    name,       // register, special register, variable, label or function
    integer,    // value
    single,     // bits of a float: 0fXXXXXXXX
    real,       // bits of a double: 0dXXXXXXXXXXXXXXXX or 1.5
    address,    // [name + value], or [value] where the name is empty
    elements,   // {a, b, ...}
    list,       // (a, b, ...)
};

struct Operand {
    OperandKind kind = OperandKind::name;
    bool negated = false;     // !%p
    std::string_view name;
    std::string_view second;  // of a pair like %p1|%p2
    std::uint64_t value = 0;  // of an immediate, or the offset of an address
    std::vector<Operand> parts;
};

// .loc: a position in the source that the PTX was compiled from; line 0 where unknown.
struct SourceLine {
    unsigned file = 0;
    unsigned line = 0;
};

// A variable's declaration: in which space (without the dot), how large, and its first value.
struct Declaration {
    unsigned line = 0;
    std::string_view space;  // reg, param, local, shared, global, const
    std::string_view type;   // b32, f64, pred ...
    std::string_view name;
    unsigned alignment = 1;
    std::uint64_t elements = 1;    // product of the array's sizes; 0 for []
    std::int64_t numbered = -1;    // registers name0 ... of .reg name<N>
    bool external = false;
    std::vector<Operand> values;   // initialiser, flat
};

enum class StatementKind { instruction, label, declaration, scope_begin, scope_end, targets };

struct Statement {
    StatementKind kind = StatementKind::instruction;
    unsigned line = 0;
    SourceLine source;
    std::string_view guard;  // predicate register of @%p, or empty
    bool guard_negated = false;
    std::string_view opcode;                   // up to the first dot; or the label
    std::vector<std::string_view> modifiers;   // what stands between the dots after it; or the labels of .branchtargets
    std::vector<Operand> operands;
    Declaration declaration;
};

struct FunctionSyntax {
    unsigned line = 0;
    bool kernel = false;
    bool defined = false;  // has a body
    std::string_view name;
    std::vector<Declaration> results;     // of a .func
    std::vector<Declaration> parameters;
    std::uint64_t max_threads = 0;  // .maxntid or .reqntid, 0 without
    std::vector<Statement> body;
};

struct ModuleSyntax {
    unsigned target = 0;  // 75 for sm_75
    std::vector<std::pair<unsigned, std::string>> files;  // of .file
    std::vector<Declaration> variables;
    std::vector<FunctionSyntax> functions;
};

}  // namespace nibble::simulator
