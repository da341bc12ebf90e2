// Functions, declarations and labels of a kernel: see decoder.h.
#include "decoder.h"

#include <algorithm>
#include <cstring>

#include "lexer.h"
#include "module.h"
#include "registers.h"

namespace nibble::simulator {

namespace {

const OpcodeTable& opcodes() {
    static const OpcodeTable table = [] {
        OpcodeTable made;
        add_arithmetic_opcodes(made);
        add_dot_opcodes(made);
        add_bit_opcodes(made);
        add_float_function_opcodes(made);
        add_compare_opcodes(made);
        add_convert_opcodes(made);
        add_move_opcodes(made);
        add_memory_opcodes(made);
        add_atomic_opcodes(made);
        add_control_opcodes(made);
        add_warp_opcodes(made);
        add_tensor_opcodes(made);
        add_async_copy_opcodes(made);
        return made;
    }();
    return table;
}

std::uint64_t round_up(std::uint64_t bytes, std::uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

void visit_names(const std::vector<Operand>& operands, const auto& visit) {
    for (const Operand& operand : operands) {
        if (!operand.name.empty()) {
            visit(operand.name);
        }
        visit_names(operand.parts, visit);
    }
}

// Bytes of a variable, and the alignment that its type asks for.
std::uint64_t bytes_of(const Declaration& declaration) {
    const std::optional<Type> type = type_of(declaration.type);
    return type ? std::max(bits_of(*type) / 8, 1U) * declaration.elements : 0;
}

std::uint64_t alignment_of(const Declaration& declaration) {
    const std::optional<Type> type = type_of(declaration.type);
    return std::max<std::uint64_t>(declaration.alignment, type ? std::max(bits_of(*type) / 8, 1U) : 1);
}

}  // namespace

Decoder::Decoder(const ModuleNames& names, const FunctionSyntax& kernel)
    : names_(names), kernel_(kernel), program_(std::make_shared<Program>()) {
    program_->kernel = kernel.name;
    program_->module = names.name;
    program_->text = names.text;
    program_->files = names.syntax->files;
}

void Decoder::fail(const std::string& message) const {
    const unsigned line = statement_ != nullptr ? statement_->line : current_ != nullptr ? current_->line : kernel_.line;
    throw PtxError(line, names_.name + ":" + std::to_string(line) + ": " + message + ": " + line_text(*names_.text, line));
}

std::shared_ptr<Program> Decoder::decode() {
    std::vector<const FunctionSyntax*> open;
    collect(kernel_, open);
    place_shared();
    for (const FunctionSyntax* function : order_) {
        if (function != &kernel_) {
            declare_parameters(*function);
        }
    }
    for (const FunctionSyntax* function : order_) {
        decode_function(*function);
    }
    program_->entry = entries_[&kernel_];
    program_->constants.resize(constant_words_.size() + 8);
    std::memcpy(program_->constant_base(), constant_words_.data(), constant_words_.size() * 8);
    std::vector<Slot> pinned;
    for (const auto& [special, slot] : specials_) {
        pinned.push_back(slot);
    }
    for (const auto& [function, slot] : return_slots_) {
        pinned.push_back(slot);
    }
    if (carry_ != no_slot) {
        pinned.push_back(carry_);
    }
    program_->specials.assign(specials_.begin(), specials_.end());
    std::vector<std::uint32_t> starts;
    for (const FunctionSyntax* function : order_) {
        starts.push_back(entries_[function]);
    }
    allocate_registers(*program_, widths_, pinned, starts);
    return program_;
}

// Finds the functions that a function calls, itself after them, and the shared variables that they name.
void Decoder::collect(const FunctionSyntax& function, std::vector<const FunctionSyntax*>& open) {
    current_ = &function;
    if (std::find(open.begin(), open.end(), &function) != open.end()) {
        fail("calls in a circle are not supported");
    }
    if (std::find(order_.begin(), order_.end(), &function) != order_.end()) {
        return;
    }
    open.push_back(&function);
    for (const Statement& statement : function.body) {
        if (statement.kind == StatementKind::declaration && statement.declaration.space == "shared") {
            shared_.emplace(statement.declaration.name, Symbol{Space::shared, 0, bytes_of(statement.declaration)});
        }
        visit_names(statement.operands, [&](std::string_view name) {
            if (const auto found = names_.shared.find(name); found != names_.shared.end()) {
                shared_.emplace(name, Symbol{Space::shared, 0, bytes_of(*found->second)});
            }
        });
        const FunctionSyntax* callee = nullptr;
        if (statement.kind == StatementKind::instruction && statement.opcode == "call") {
            visit_names(statement.operands, [&](std::string_view name) { callee = callee ? callee : this->function(name); });
        }
        if (callee != nullptr && callee->defined) {
            collect(*callee, open);
        }
    }
    open.pop_back();
    order_.push_back(&function);
}

// Gives shared variables their addresses: those with a size first, in order of the text, then dynamic memory behind them.
void Decoder::place_shared() {
    std::vector<const Declaration*> declarations;
    for (const Declaration& declaration : names_.syntax->variables) {
        declarations.push_back(&declaration);
    }
    for (const FunctionSyntax* function : order_) {
        for (const Statement& statement : function->body) {
            declarations.push_back(&statement.declaration);
        }
    }
    std::uint64_t end = 0;
    for (const bool dynamic : {false, true}) {
        for (const Declaration* declaration : declarations) {
            const auto found = shared_.find(declaration->name);
            if (declaration->space == "shared" && found != shared_.end() && dynamic == (found->second.bytes == 0)) {
                found->second.address = round_up(end, alignment_of(*declaration));
                end = found->second.address + found->second.bytes;
            }
        }
    }
    program_->static_shared = static_cast<std::uint32_t>(end);
}

std::uint64_t Decoder::place_local(const Declaration& declaration) {
    const std::uint64_t address = round_up(program_->local_bytes, alignment_of(declaration));
    program_->local_bytes = static_cast<std::uint32_t>(address + bytes_of(declaration));
    return address;
}

// Parameters and results of a called function lie in local memory.
void Decoder::declare_parameters(const FunctionSyntax& function) {
    current_ = &function;
    for (const std::vector<Declaration>* list : {&function.results, &function.parameters}) {
        for (const Declaration& declaration : *list) {
            if (declaration.space != "param") {
                fail("parameters of functions in space ." + std::string(declaration.space) + " are not supported");
            }
            formals_[&function][declaration.name] = {Space::local, place_local(declaration), bytes_of(declaration)};
        }
    }
    return_slots_[&function] = static_cast<Slot>(new_register(32) << 1);
}

void Decoder::decode_function(const FunctionSyntax& function) {
    current_ = &function;
    statement_ = nullptr;
    scopes_.assign(1, {});
    labels_.clear();
    tables_.clear();
    fixes_.clear();
    entries_[&function] = static_cast<std::uint32_t>(program_->code.size());
    if (&function == &kernel_) {
        std::uint64_t offset = 0;
        for (const Declaration& declaration : function.parameters) {
            offset = round_up(offset, alignment_of(declaration));
            scopes_[0].symbols[declaration.name] = {Space::parameter, offset, bytes_of(declaration)};
            offset += bytes_of(declaration);
        }
    } else {
        scopes_[0].symbols = formals_[&function];
    }
    for (const Statement& statement : function.body) {
        if (statement.kind == StatementKind::targets) {
            tables_[statement.opcode] = &statement;
        }
    }
    for (const Statement& statement : function.body) {
        decode_statement(statement);
    }
    statement_ = nullptr;
    if (function.body.empty() || (function.body.back().opcode != "ret" && function.body.back().opcode != "exit")) {
        Statement end;
        end.line = function.line;
        end.opcode = "ret";
        decode_statement(end);
        statement_ = nullptr;
    }
    patch_labels();
}

void Decoder::decode_statement(const Statement& statement) {
    statement_ = &statement;
    switch (statement.kind) {
        case StatementKind::scope_begin: scopes_.emplace_back(); return;
        case StatementKind::scope_end: scopes_.pop_back(); return;
        case StatementKind::declaration: declare(statement.declaration); return;
        case StatementKind::targets: return;
        case StatementKind::label:
            labels_[statement.opcode] = static_cast<std::uint32_t>(program_->code.size());
            return;
        case StatementKind::instruction: break;
    }
    const auto found = opcodes().find(statement.opcode);
    if (found == opcodes().end()) {
        fail("the simulator does not know the instruction '" + std::string(statement.opcode) + "'");
    }
    taken_.assign(statement.modifiers.size(), false);
    const std::size_t first = program_->code.size();
    found->second(*this);
    const Slot guard = statement.guard.empty() ? always() : named_predicate(statement.guard, false);
    for (std::size_t i = first; i < program_->code.size(); i++) {
        program_->code[i].guard = guard;
        program_->code[i].flip = statement.guard_negated ? all_lanes : 0;
    }
}

void Decoder::declare(const Declaration& declaration) {
    Scope& scope = scopes_.back();
    if (declaration.space == "reg") {
        const std::optional<Type> type = type_of(declaration.type);
        if (!type || *type == Type::b128) {
            fail("registers of type ." + std::string(declaration.type) + " are not supported");
        }
        const std::int64_t count = std::max<std::int64_t>(declaration.numbered, 1);
        const std::int64_t first = static_cast<std::int64_t>(widths_.size());
        for (std::int64_t i = 0; i < count; i++) {
            new_register(bits_of(*type));
        }
        scope.registers[declaration.name] = {first, declaration.numbered, *type};
    } else if (declaration.space == "local" || declaration.space == "param") {
        scope.symbols[declaration.name] = {Space::local, place_local(declaration), bytes_of(declaration)};
    } else if (declaration.space != "shared") {
        fail("variables in space ." + std::string(declaration.space) + " inside of functions are not supported");
    }
}

std::int64_t Decoder::new_register(unsigned bits) {
    widths_.push_back(bits == 1 ? 1 : std::max(bits, 16U));
    return static_cast<std::int64_t>(widths_.size()) - 1;
}

Instruction& Decoder::emit(Handler handler) {
    Instruction& made = program_->code.emplace_back();
    made.handler = handler;
    made.serial = static_cast<std::uint32_t>(program_->code.size() - 1);
    program_->lines.push_back(statement_->line);
    program_->sources.push_back(statement_->source);
    return made;
}

Instruction& Decoder::emit_control(Handler handler) {
    Instruction& made = emit(handler);
    made.control = true;
    return made;
}

void Decoder::attach(const std::vector<Slot>& results, const std::vector<Slot>& sources) {
    Instruction& in = program_->code.back();
    in.table = static_cast<std::uint32_t>(program_->table.size());
    in.results = static_cast<std::uint8_t>(results.size());
    in.count = static_cast<std::uint16_t>(results.size() + sources.size());
    program_->table.insert(program_->table.end(), results.begin(), results.end());
    program_->table.insert(program_->table.end(), sources.begin(), sources.end());
}

void Decoder::branch_to(std::string_view label) {
    fixes_.push_back({false, static_cast<std::uint32_t>(program_->code.size() - 1), label, statement_});
}

std::uint32_t Decoder::branch_table(std::string_view label, std::uint32_t& size) {
    const auto found = tables_.find(label);
    if (found == tables_.end()) {
        fail("no .branchtargets '" + std::string(label) + "'");
    }
    const auto first = static_cast<std::uint32_t>(program_->targets.size());
    for (const std::string_view target : found->second->modifiers) {
        fixes_.push_back({true, static_cast<std::uint32_t>(program_->targets.size()), target, statement_});
        program_->targets.push_back(0);
    }
    size = static_cast<std::uint32_t>(found->second->modifiers.size());
    return first;
}

void Decoder::patch_labels() {
    for (const Fix& fix : fixes_) {
        const auto found = labels_.find(fix.label);
        if (found == labels_.end()) {
            statement_ = fix.statement;
            fail("no label '" + std::string(fix.label) + "'");
        }
        (fix.table ? program_->targets[fix.index] : program_->code[fix.index].target) = found->second;
    }
    statement_ = nullptr;
}

const FunctionSyntax* Decoder::function(std::string_view name) const {
    const auto found = names_.functions.find(name);
    return found == names_.functions.end() ? nullptr : found->second;
}

Slot Decoder::return_slot(const FunctionSyntax& function) { return return_slots_.at(&function); }

void Decoder::call(const FunctionSyntax& function) { program_->code.back().target = entries_.at(&function); }

Symbol Decoder::formal(const FunctionSyntax& function, std::size_t index, bool result) const {
    const std::vector<Declaration>& list = result ? function.results : function.parameters;
    if (index >= list.size()) {
        fail("more operands than '" + std::string(function.name) + "' has parameters");
    }
    return formals_.at(&function).at(list[index].name);
}

}  // namespace nibble::simulator
