// Turns the statements of a kernel and of the functions that it calls into a Program.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "program.h"
#include "syntax.h"
#include "types.h"

namespace nibble::simulator {

class Decoder;
// Decodes the decoder's current statement.
using DecodeStatement = void (*)(Decoder& decoder);
using OpcodeTable = std::unordered_map<std::string_view, DecodeStatement>;

// Each theme adds its opcodes.
void add_arithmetic_opcodes(OpcodeTable& table);
void add_dot_opcodes(OpcodeTable& table);
void add_bit_opcodes(OpcodeTable& table);
void add_float_function_opcodes(OpcodeTable& table);
void add_compare_opcodes(OpcodeTable& table);
void add_convert_opcodes(OpcodeTable& table);
void add_move_opcodes(OpcodeTable& table);
void add_memory_opcodes(OpcodeTable& table);
void add_atomic_opcodes(OpcodeTable& table);
void add_control_opcodes(OpcodeTable& table);
void add_warp_opcodes(OpcodeTable& table);
void add_tensor_opcodes(OpcodeTable& table);
void add_async_copy_opcodes(OpcodeTable& table);

// Names that all functions of a module see.
struct ModuleNames {
    std::string name;
    std::shared_ptr<const std::string> text;
    const ModuleSyntax* syntax = nullptr;
    std::unordered_map<std::string_view, std::uint64_t> globals;           // addresses of variables
    std::unordered_map<std::string_view, const Declaration*> shared;       // variables of shared memory
    std::unordered_map<std::string_view, const FunctionSyntax*> functions;
};

// A name of memory: where, and in which space.
struct Symbol {
    Space space = Space::global;
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
};

class Decoder {
public:
    Decoder(const ModuleNames& names, const FunctionSyntax& kernel);
    std::shared_ptr<Program> decode();

    const Statement& statement() const { return *statement_; }
    [[noreturn]] void fail(const std::string& message) const;

    // Modifiers, each taken once. finish() fails where one is left.
    bool take(std::string_view modifier);
    // The first of the modifiers that stands next; its index, or -1.
    int take_one(std::initializer_list<std::string_view> choices);
    Type take_type();
    std::string_view peek_modifier() const;
    void finish();
    // Fails where the module is for devices of a lower capability, 80 for sm_80.
    void expect_target(unsigned least) const;

    std::size_t count() const { return statement_->operands.size(); }
    const Operand& operand(std::size_t index) const;
    void expect_operands(std::size_t least, std::size_t most) const;

    // Places of operands. `type` gives the width that a register must have, and how an immediate is read.
    Slot result(const Operand& operand, Type type);
    Slot source(const Operand& operand, Type type);
    Slot result(std::size_t index, Type type) { return result(operand(index), type); }
    Slot source(std::size_t index, Type type) { return source(operand(index), type); }
    // Registers as wide as the type or wider; their width in bits goes to `bits`.
    Slot wide_result(const Operand& operand, Type type, unsigned& bits);
    Slot wide_source(const Operand& operand, Type type, unsigned& bits);
    Slot named_predicate(std::string_view name, bool result);
    Slot constant(std::uint64_t value, unsigned bits);
    // The predicate register of carries.
    Slot carry();
    // A fresh register that nothing else uses.
    Slot scratch(unsigned bits);
    bool is_immediate(const Operand& operand) const;
    // The value of an integer immediate; fails on another operand.
    std::uint64_t immediate(const Operand& operand) const;
    std::optional<Symbol> symbol(std::string_view name) const;
    std::optional<Special> special(std::string_view name) const;
    // The slot of a predicate that holds for all lanes.
    Slot always() { return constant(all_lanes, 1); }

    Instruction& emit(Handler handler);
    Instruction& emit_control(Handler handler);
    // Adds further operands to the instruction emitted last.
    void attach(const std::vector<Slot>& results, const std::vector<Slot>& sources);
    // A branch of the instruction emitted last to a label of this function.
    void branch_to(std::string_view label);
    // A branch table: index into Program::targets of its first entry; `size` entries.
    std::uint32_t branch_table(std::string_view label, std::uint32_t& size);
    void call(const FunctionSyntax& function);
    const FunctionSyntax* function(std::string_view name) const;
    const FunctionSyntax& current() const { return *current_; }
    Slot return_slot(const FunctionSyntax& function);
    // Where a parameter or a result of a function lies in local memory.
    Symbol formal(const FunctionSyntax& function, std::size_t index, bool result) const;
    Program& program() { return *program_; }

private:
    struct Register {
        std::int64_t first = 0;   // number of its first register
        std::int64_t count = -1;  // of name<N>; -1: a single one
        Type type = Type::b32;
    };
    struct Scope {
        std::unordered_map<std::string_view, Register> registers;
        std::unordered_map<std::string_view, Symbol> symbols;
    };

    void collect(const FunctionSyntax& function, std::vector<const FunctionSyntax*>& open);
    void place_shared();
    void decode_function(const FunctionSyntax& function);
    void decode_statement(const Statement& statement);
    void declare(const Declaration& declaration);
    void declare_parameters(const FunctionSyntax& function);
    std::uint64_t place_local(const Declaration& declaration);
    bool find_register(std::string_view name, Slot& slot, Type& type) const;
    std::int64_t new_register(unsigned bits);
    Slot immediate_slot(const Operand& operand, Type type);
    Slot special_slot(Special special);
    void patch_labels();

    const ModuleNames& names_;
    const FunctionSyntax& kernel_;
    std::shared_ptr<Program> program_;
    std::vector<const FunctionSyntax*> order_;  // callees before callers
    const FunctionSyntax* current_ = nullptr;
    const Statement* statement_ = nullptr;
    std::vector<bool> taken_;  // modifiers of the statement
    std::vector<Scope> scopes_;
    std::vector<unsigned> widths_;  // of registers, in bits
    std::map<std::pair<std::uint64_t, unsigned>, Slot> constants_;
    std::vector<std::uint64_t> constant_words_;
    std::map<Special, Slot> specials_;
    Slot carry_ = no_slot;
    std::unordered_map<std::string_view, Symbol> shared_;
    std::unordered_map<const FunctionSyntax*, std::unordered_map<std::string_view, Symbol>> formals_;
    std::unordered_map<const FunctionSyntax*, Slot> return_slots_;
    std::unordered_map<const FunctionSyntax*, std::uint32_t> entries_;
    std::unordered_map<std::string_view, std::uint32_t> labels_;   // of the current function
    std::unordered_map<std::string_view, const Statement*> tables_;  // .branchtargets of the current function
    struct Fix {
        bool table;  // in Program::targets, else an instruction's target
        std::uint32_t index;
        std::string_view label;
        const Statement* statement;
    };
    std::vector<Fix> fixes_;
};

}  // namespace nibble::simulator
